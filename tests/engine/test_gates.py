"""The gates of a route: each in its place, with its setting, and the same for the decision and its explanation."""

import pytest

from arbsniper_tui.config.keys import KEYS
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.gates import GATES
from arbsniper_tui.engine.routes import SPOT_SPOT, Route
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.usual import Usual, usual_of
from arbsniper_tui.model.gate_words import GATE_SENTENCES, gate_of
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import Signal

MS = 1_000_000
S = 1000 * MS
NOW = 1000 * S


def instrument(i: int, venue: str, symbol: str = "BTC/USDT", **more: object) -> Instrument:
    return Instrument(i, venue, symbol, symbol, "USDT", 0.1, **more)  # type: ignore[arg-type]  # fields by name


def detector_of(*instruments: Instrument, **rules: object) -> Detector:
    pair = instruments or (instrument(0, "binance"), instrument(1, "okx"))
    return Detector(pair, [SPOT_SPOT], Rules(**rules), "node")  # type: ignore[arg-type]  # fields by name


def put(detector: Detector, i: int, bid: float, ask: float, now_ns: int = NOW, size: float = 1.0) -> list[Signal]:
    return detector.on_quote(Quote(i, bid, size, ask, size), now_ns, now_ns)


def route_of(detector: Detector, buy: int = 0, sell: int = 1) -> Route:
    route = detector.routes.find((buy, sell))
    assert route is not None
    return route


def why(detector: Detector, now_ns: int = NOW) -> str:
    return reason_words(detector.why_not(route_of(detector), now_ns))


def test_each_gate_has_a_name_of_its_own_a_sentence_and_a_setting_that_exists() -> None:
    assert [*(gate.name for gate in GATES), "judged"] == list(GATE_SENTENCES)
    assert all(sentence.endswith(".") for sentence in GATE_SENTENCES.values())
    assert {gate_of(code) for code in ReasonCode} == set(GATE_SENTENCES)
    settings = {".".join(path) for path in KEYS}
    for gate in GATES:
        assert not gate.setting or gate.setting in settings


def test_an_open_opportunity_closes_only_below_the_hysteresis() -> None:
    detector = detector_of(threshold_pct=0.5, hysteresis_pct=0.2)
    put(detector, 0, 99.9, 100.0)
    assert put(detector, 1, 100.4, 100.6) == []
    assert [each.state for each in put(detector, 1, 100.6, 100.7)] == ["open"]
    assert put(detector, 1, 100.35, 100.6, NOW + MS) == []
    assert [each.state for each in put(detector, 1, 100.29, 100.6, NOW + 2 * MS)] == ["close"]


def test_a_spread_is_announced_when_it_has_stood_for_its_least_life() -> None:
    detector = detector_of(min_life_ns=50 * MS)
    put(detector, 0, 99.9, 100.0)
    assert put(detector, 1, 101.0, 101.1) == []
    assert why(detector, NOW + 20 * MS) == "has stood for 20 ms, not 50"
    assert detector.expire(NOW + 49 * MS) == []
    (signal,) = detector.expire(NOW + 70 * MS)
    assert (signal.state, signal.timestamp) == ("open", NOW // MS + 50)


def test_a_spread_that_goes_before_its_least_life_is_never_announced() -> None:
    detector = detector_of(min_life_ns=50 * MS)
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    assert put(detector, 1, 100.0, 101.1, NOW + 30 * MS) == []
    assert detector.expire(NOW + S) == []


def test_an_update_moves_by_the_step_of_the_settings() -> None:
    detector = detector_of(update_step_pct=1.0)
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    assert put(detector, 1, 101.9, 102.0, NOW + S) == []
    assert [each.state for each in put(detector, 1, 102.1, 102.2, NOW + S)] == ["update"]


def test_the_size_must_be_one_that_both_venues_take() -> None:
    detector = detector_of()
    buy, sell = detector.legs.shown[0], detector.legs.shown[1]
    buy.lot, sell.lot, sell.min_size, buy.min_worth = 0.25, 0.1, 0.5, 60.0
    put(detector, 0, 99.9, 100.0, size=0.6)
    assert put(detector, 1, 101.0, 101.1, size=0.4) == []
    assert why(detector) == "binance: 25 USDT is less than the 60 that it takes"
    buy.min_worth = 0.0
    assert why(detector) == "okx: 0.25 BTC is less than the 0.5 that it takes"
    (signal,) = put(detector, 1, 101.0, 101.1, size=0.7)
    assert signal.size == 0.6, "what both show, as they show it"
    assert signal.net_total == pytest.approx(0.5 * (101.0 * 0.999 - 100.0 * 1.001)), "of whole lots"


def test_a_route_must_bring_its_least_total() -> None:
    detector = detector_of(min_net_total=5.0)
    put(detector, 0, 99.9, 100.0)
    assert put(detector, 1, 101.0, 101.1) == []
    assert why(detector) == "net total 0.80 is below 5 USDT"
    put(detector, 0, 99.9, 100.0, size=10.0)
    (signal,) = put(detector, 1, 101.0, 101.1, size=10.0)
    assert signal.net_total == pytest.approx(7.99)


def test_a_total_is_in_the_currency_that_counts_though_both_prices_are_in_another() -> None:
    rate = instrument(2, "kraken", "USDT/USD", only_rate=True)
    pair = [instrument(i, venue, "BTC/USD", rate_id=2, rate_inverted=True) for i, venue in enumerate(("a", "b"))]
    detector = detector_of(*pair, rate)
    put(detector, 0, 99.9, 100.0)
    (signal,) = put(detector, 1, 102.0, 102.1)
    assert signal.net_total is not None
    assert not isinstance(signal.net_total, float), "there is no rate"
    put(detector, 2, 1.24, 1.25)
    put(detector, 1, 100.0, 102.1, NOW + MS)
    (again,) = put(detector, 1, 102.0, 102.1, NOW + 2 * MS)
    assert again.net_total == pytest.approx((102.0 * 0.999 - 100.0 * 1.001) / 1.25), "USDT are bought at the ask"


def test_what_is_usual_for_a_route_is_told_and_can_be_asked_for() -> None:
    detector = detector_of(min_zscore=3.0)
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    assert why(detector) == "what is usual is not known yet"
    route_of(detector).usual = Usual(0.8, 0.1)
    assert why(detector) == "2.0 deviations above what is usual, not 3"
    (signal,) = put(detector, 1, 101.2, 101.3)
    assert (signal.basis_pct, signal.zscore) == (0.8, 4.0)


def test_usual_is_the_median_and_a_few_outliers_do_not_move_it() -> None:
    usual = usual_of([0.1, 0.12, 0.08, 0.11, 0.09, 7.0, -3.0])
    assert usual.median_pct == 0.1
    assert usual.deviation_pct == pytest.approx(0.02 * 1.4826)
    assert usual_of([0.1]).zscore(0.105) == pytest.approx(1.0), "a spread that never moved has the least deviation"


def test_a_muted_route_closes_and_says_so() -> None:
    detector = detector_of()
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    (closed,) = detector.mute({(0, 1)}, NOW + MS)
    assert (closed.state, closed.reason) == ("close", "muted by you")
    assert why(detector) == "muted by you"
    (opened,) = detector.mute(set(), NOW + 2 * MS)
    assert opened.state == "open"


def test_routes_opened_by_one_quote_share_a_move_and_are_ranked() -> None:
    venues = [instrument(i, venue) for i, venue in enumerate(("alpha", "beta", "gamma"))]
    detector = detector_of(*venues)
    put(detector, 0, 98.5, 100.0)
    put(detector, 1, 98.9, 99.0)
    best, other = put(detector, 2, 102.0, 102.1)
    assert (best.buy_exchange, best.rank, best.seq) == ("beta", 1, 1)
    assert (other.buy_exchange, other.rank, other.seq) == ("alpha", 2, 2)
    assert best.move == other.move
    (later,) = put(detector, 1, 98.4, 98.5, NOW + S)
    assert later.rank == 1
    assert later.move != best.move


def test_where_only_the_best_is_announced_the_others_have_no_number() -> None:
    venues = [instrument(i, venue) for i, venue in enumerate(("alpha", "beta", "gamma"))]
    detector = detector_of(*venues, announce="best")
    put(detector, 0, 98.5, 100.0)
    put(detector, 1, 98.9, 99.0)
    best, other = put(detector, 2, 102.0, 102.1)
    assert (best.seq, other.seq, detector.signal_seq) == (1, 1, 1)
    updates = put(detector, 2, 104.0, 104.1, NOW + S)
    assert [(each.state, each.buy_exchange, each.seq) for each in updates] == [
        ("update", "beta", 2),
        ("update", "alpha", 2),
    ]


def test_a_venue_that_relays_the_other_has_no_route_and_its_explanation_says_why() -> None:
    detector = detector_of(instrument(0, "binance"), instrument(1, "coindcx", relays="binance"))
    assert detector.routes.find((0, 1)) is None
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    route = detector.routes.explained((0, 1))
    assert route is not None
    reason = detector.why_not(route, NOW)
    assert reason is not None and reason.code is ReasonCode.SAME_BOOK
    assert detector.routes.explained((0, 7)) is None


def test_two_coins_that_form_no_route_are_not_explained_as_one() -> None:
    detector = detector_of(instrument(0, "binance"), instrument(1, "okx", "ETH/USDT"))
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    assert detector.routes.explained((0, 1)) is None
    assert detector.routes.explained((0, 0)) is None


def test_what_a_cooldown_held_back_may_have_closed_before_its_quotes_are_too_old() -> None:
    detector = detector_of(min_life_ns=50 * MS, max_age_ns=S, min_zscore=3.0)
    route_of(detector).usual = Usual(0.0, 0.1)
    put(detector, 0, 99.9, 100.0)
    assert put(detector, 1, 101.0, 101.1) == []
    assert detector.open_count == 1
    route_of(detector).usual = Usual(0.9, 0.1)
    assert detector.expire(NOW + 2 * S) == []
    assert detector.open_count == 0


def test_nothing_is_announced_by_an_end_of_a_mute_while_newer_states_wait() -> None:
    detector = detector_of()
    detector.mute({(0, 1)}, NOW)
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    detector.is_behind = True
    assert detector.mute(set(), NOW + MS) == []
    detector.is_behind = False
    assert [each.state for each in detector.judge({}, NOW + 2 * MS)] == ["open"]


def test_the_breakdown_of_a_route_ends_with_the_first_gate_that_says_no() -> None:
    detector = detector_of(min_net_total=5.0)
    route = route_of(detector)
    assert detector.breakdown(route, NOW)[-1] == ("book", Reason(ReasonCode.NO_DATA, "binance"))
    put(detector, 0, 99.9, 100.0)
    put(detector, 1, 101.0, 101.1)
    *passed, (name, reason) = detector.breakdown(route, NOW)
    assert name == "total"
    assert reason == detector.why_not(route, NOW)
    assert [each for _, each in passed] == [None] * [gate.name for gate in GATES].index("total")
    put(detector, 0, 99.9, 100.0, size=10.0)
    put(detector, 1, 101.0, 101.1, size=10.0)
    assert all(reason is None for _, reason in detector.breakdown(route, NOW))
