"""Coins in quarantine: what the detector holds, until when, and what the user's word does."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.identity import SIGHT_NS
from arbsniper_tui.engine.routes import SPOT_PERP, SPOT_SPOT
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.model.verdict import Judgement, Verdict

NOW = 1_000_000_000_000
LATER = NOW + SIGHT_NS
VENUES = ("binance", "okx", "kraken", "gate", "mexc")


def instrument(i: int, symbol: str = "WRT/USDT", **more: object) -> Instrument:
    return Instrument(i, VENUES[i % 5], symbol, symbol, "USDT", 0.1, **more)  # type: ignore[arg-type]  # by name


def detector_of(*instruments: Instrument) -> Detector:
    rules = Rules(max_spread_pct=1e9, max_age_ns=10**15)
    return Detector(instruments or [instrument(i) for i in range(3)], [SPOT_SPOT, SPOT_PERP], rules, "node")


def put(detector: Detector, i: int, price: float, now_ns: int = NOW) -> list[Signal]:
    return detector.on_quote(Quote(i, price, 1.0, price, 1.0), now_ns, now_ns)


def check(detector: Detector, now_ns: int = NOW) -> list[Signal]:
    """One look at every coin, and at the routes of what came into doubt or out of it."""
    detector.identity.check(now_ns, groups=100)
    changed = dict.fromkeys(detector.identity.changed, now_ns)
    detector.identity.changed.clear()
    return detector.expire(now_ns) + detector.judge(changed, now_ns)


def held(detector: Detector) -> set[int]:
    return {each.leg.id for each in detector.identity.held()}


def doubt(detector: Detector, i: int) -> str:
    return reason_words(detector.legs.counted[i].doubt)


def verdict(i: int, judgement: Judgement, **more: object) -> Verdict:
    return Verdict(VENUES[i], "WRT/USDT", judgement, **more)  # type: ignore[arg-type]  # fields by name


def test_another_coin_is_held_before_its_first_price_can_signal() -> None:
    detector = detector_of()
    for i in (0, 1):
        put(detector, i, 1.0)
    assert put(detector, 2, 25.0) == []
    route = detector.routes.find((0, 2))
    assert route is not None
    assert reason_words(detector.why_not(route, NOW)) == "kraken: identity: 25 x its 2 peers"
    assert held(detector) == {2}


def test_a_coin_that_did_not_fit_at_first_sight_waits_though_its_price_comes_near() -> None:
    detector = detector_of()
    for i, price in enumerate((1.0, 1.0, 1.7)):
        put(detector, i, price)
    check(detector, NOW)
    assert put(detector, 2, 1.1, LATER) == check(detector, LATER) == []
    assert doubt(detector, 2) == "identity: was 1.7 x its 2 peers at first sight, and waits for your word"


def test_one_wrong_price_at_first_sight_is_forgiven() -> None:
    detector = detector_of()
    for i, price in enumerate((1.0, 1.0, 1.7)):
        put(detector, i, price)
    check(detector)
    put(detector, 2, 1.1, NOW + 1)
    opened = check(detector, NOW + 2)
    assert [each.state for each in opened] == ["open", "open"]
    assert held(detector) == set()


def test_a_coin_whose_price_drifts_away_is_held_until_it_is_back() -> None:
    detector = detector_of()
    for i in range(3):
        put(detector, i, 1.0)
    check(detector, NOW)
    put(detector, 2, 30.0, LATER + 1)
    closed = {(each.state, each.reason) for each in check(detector, LATER + 2)}
    assert closed == {("close", "kraken: identity: 30 x its 2 peers")}
    put(detector, 2, 1.0, LATER + 3)
    check(detector, LATER + 4)
    assert held(detector) == set()


def test_a_leg_that_was_withdrawn_and_came_back_is_not_new() -> None:
    detector = detector_of()
    for i in range(3):
        put(detector, i, 1.0)
    check(detector, NOW)
    detector.withdraw(2, Reason(ReasonCode.DISCONNECTED), LATER)
    put(detector, 2, 2.0, LATER + 1)
    check(detector, LATER + 1)
    assert held(detector) == {2}
    put(detector, 2, 1.0, LATER + 2)
    check(detector, LATER + 2)
    assert held(detector) == set(), "what has fit before is free again"


def test_two_that_disagree_are_free_when_the_other_one_goes() -> None:
    detector = detector_of()
    put(detector, 0, 1.0)
    put(detector, 1, 25.0)
    assert held(detector) == {0, 1}
    detector.remove([1], LATER)
    check(detector, LATER)
    assert held(detector) == set()


def test_spot_and_perpetual_of_one_coin_are_peers() -> None:
    detector = detector_of(instrument(0), instrument(1), instrument(2, "WRT/USDT:USDT"))
    for i, price in enumerate((1.0, 1.0, 1000.0)):
        put(detector, i, price)
    check(detector)
    assert held(detector) == {2}


def test_a_converted_coin_is_judged_in_the_currency_that_counts_and_in_its_own() -> None:
    rate = instrument(9, "USDT/USD", only_rate=True)
    in_usd = [instrument(i, "WRT/USD", rate_id=9, rate_inverted=True) for i in (2, 3)]
    detector = detector_of(instrument(0), instrument(1), *in_usd, rate)
    put(detector, 9, 0.01)
    for i, price in enumerate((100.0, 100.0, 1.0, 1.0)):
        put(detector, i, price)
    check(detector)
    assert held(detector) == set(), "a USD is 100 USDT here"
    put(detector, 9, 1.0)
    check(detector)
    assert {each.leg.currency for each in detector.identity.held()} == {"USDT"}, "in USD the two agree"


def test_a_different_coin_takes_part_in_no_route_for_good() -> None:
    detector = detector_of()
    for i in range(3):
        put(detector, i, 1.0)
    detector.identity.tell([verdict(2, Judgement.DIFFERENT)], NOW)
    put(detector, 2, 1.1, LATER)
    assert check(detector, LATER) == []
    assert doubt(detector, 2) == "another coin, by your word"


def test_the_same_coin_takes_part_and_is_asked_again_when_its_price_drifts_on() -> None:
    detector = detector_of()
    for i, price in enumerate((1.0, 1.0, 4.0)):
        put(detector, i, price)
    check(detector)
    detector.identity.tell([verdict(2, Judgement.SAME, ratio=4.0)], NOW)
    assert {each.state for each in check(detector)} == {"open"}
    put(detector, 2, 30.0, LATER)
    check(detector, LATER)
    assert doubt(detector, 2) == "identity: 30 x its 2 peers"


def test_of_two_that_disagree_the_word_on_one_frees_both() -> None:
    for judgement in (Judgement.SAME, Judgement.DIFFERENT):
        detector = detector_of()
        put(detector, 0, 1.0)
        put(detector, 1, 25.0)
        detector.identity.tell([verdict(1, judgement, ratio=25.0)], NOW)
        assert held(detector) == ({1} if judgement is Judgement.DIFFERENT else set())


def test_a_coin_called_the_same_before_it_was_seen_is_so_at_its_first_price() -> None:
    detector = detector_of()
    detector.identity.tell([verdict(2, Judgement.SAME)], 0)
    for i, price in enumerate((1.0, 1.0, 4.0)):
        put(detector, i, price)
    check(detector)
    assert held(detector) == set()
    put(detector, 2, 30.0, LATER)
    check(detector, LATER)
    assert held(detector) == {2}


def test_a_multiplier_holds_until_the_feeds_know_it() -> None:
    many = verdict(2, Judgement.MULTIPLIER, multiplier=1000)
    detector = detector_of()
    detector.identity.tell([many], 0)
    for i, price in enumerate((1.0, 1.0, 1000.0)):
        put(detector, i, price)
    check(detector)
    assert doubt(detector, 2) == "1000 coins sold as one, from the next start"
    told = [instrument(0), instrument(1), replace(instrument(2), multiplier=1000, by_verdict=1000)]
    detector = detector_of(*told)
    detector.identity.tell([many], 0)
    for i, price in enumerate((1.0, 1.0, 1.0)):
        put(detector, i, price)
    check(detector)
    assert held(detector) == set()


ARRIVALS = st.lists(st.sampled_from([1.0, 1.1, 25.0, 26.0, 1000.0]), min_size=1, max_size=5)


@given(ARRIVALS.flatmap(lambda prices: st.tuples(st.just(prices), st.permutations(range(len(prices))))))
def test_the_order_in_which_venues_arrive_does_not_change_what_is_held(drawn: tuple[list[float], list[int]]) -> None:
    prices, order = drawn

    def end(arrivals: list[int]) -> set[int]:
        detector = detector_of(*[instrument(i) for i in range(len(prices))])
        for at, i in enumerate(arrivals):
            put(detector, i, prices[i], NOW + at * 2 * SIGHT_NS)
            check(detector, NOW + at * 2 * SIGHT_NS)
        return held(detector)

    assert end(order) == end(list(range(len(prices))))
