"""When an opportunity is announced, announced again, held back and closed; one situation at a time."""

import pytest
from msgspec.structs import replace

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.engine.routes import SPOT_SPOT
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.errors import InstrumentError
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import Signal

MS = 1_000_000
S = 1000 * MS
NOW = 1000 * S


def instrument(i: int, venue: str, symbol: str = "BTC/USDT", **more: object) -> Instrument:
    fields = {"counted_quote": "USDT", "taker_fee_pct": 0.1, **more}
    return Instrument(i, venue, symbol, symbol.replace("/", ""), **fields)  # type: ignore[arg-type]  # fields by name


def two_venues(**rules: object) -> Detector:
    """Buy at `binance` (0), sell at `okx` (1)."""
    pair = [instrument(0, "binance"), instrument(1, "okx")]
    return Detector(pair, [SPOT_SPOT], Rules(**rules), "node")  # type: ignore[arg-type]  # fields by name


def put(detector: Detector, i: int, bid: float, ask: float, now_ns: int, recv_ns: int | None = None) -> list[Signal]:
    return detector.on_quote(Quote(i, bid, 1.0, ask, 1.0), now_ns if recv_ns is None else recv_ns, now_ns)


def opened(detector: Detector, now_ns: int = NOW) -> Signal:
    """Bought at 100, sold at 101."""
    assert put(detector, 0, 99.9, 100.0, now_ns) == []
    (signal,) = put(detector, 1, 101.0, 101.1, now_ns)
    assert signal.state == "open"
    return signal


def states(signals: list[Signal]) -> list[str]:
    return [signal.state for signal in signals]


def test_a_spread_of_exactly_the_threshold_does_not_signal() -> None:
    detector = two_venues(threshold_pct=0.5)
    put(detector, 0, 99.9, 100.0, NOW)
    assert put(detector, 1, 100.5, 100.6, NOW) == []
    assert states(put(detector, 1, 100.51, 100.6, NOW)) == ["open"]


def test_an_open_opportunity_is_not_announced_again_by_quotes_that_change_nothing() -> None:
    detector = two_venues()
    opened(detector)
    for step in range(1, 20):
        assert put(detector, 0, 99.9, 100.0, NOW + step * 300 * MS) == []
        assert put(detector, 1, 101.0, 101.1, NOW + step * 300 * MS) == []
    assert detector.signal_seq == 1


@pytest.mark.parametrize(
    ("threshold_pct", "bid", "expected"),
    [
        (0.5, 101.12, []),  # moved by 0.12, a quarter of the threshold is 0.125
        (0.5, 101.13, ["update"]),
        (0.5, 100.88, []),
        (0.5, 100.87, ["update"]),
        (0.0, 101.009, []),  # without a threshold the least move is 0.01
        (0.0, 101.011, ["update"]),
    ],
)
def test_an_update_needs_a_move_of_a_quarter_of_the_threshold_and_of_a_hundredth_of_a_percent(
    threshold_pct: float, bid: float, expected: list[str]
) -> None:
    detector = two_venues(threshold_pct=threshold_pct)
    opened(detector)
    assert states(put(detector, 1, bid, 102.0, NOW + S)) == expected


def test_updates_of_one_opportunity_are_at_least_a_quarter_of_a_second_apart() -> None:
    detector = two_venues()
    opened(detector)
    announced_ms = [
        signal.timestamp - NOW // MS
        for step in range(1, 100)
        for signal in put(detector, 1, 101.0 + step * 0.15, 300.0, NOW + step * 10 * MS)
    ]
    assert announced_ms == [250, 500, 750]


def test_a_close_is_announced_at_once_however_short_the_opportunity_was() -> None:
    detector = two_venues()
    first = opened(detector)
    (closed,) = put(detector, 1, 100.2, 100.3, NOW + 3 * MS)
    assert (closed.state, closed.id, closed.reason) == ("close", first.id, "below threshold")
    assert closed.duration_ms == 3
    assert detector.open_count == 0


def test_an_opportunity_that_comes_back_is_another_one() -> None:
    detector = two_venues()
    first = opened(detector)
    put(detector, 1, 100.2, 100.3, NOW + MS)
    (second,) = put(detector, 1, 101.0, 101.1, NOW + 2 * MS)
    assert second.state == "open"
    assert second.id != first.id
    assert (first.seq, second.seq) == (1, 2)
    assert detector.routes.all[0].signals == 2


def test_a_close_tells_the_best_spread_that_the_opportunity_reached() -> None:
    detector = two_venues()
    opened(detector)
    put(detector, 1, 103.0, 103.1, NOW + 10 * MS)
    put(detector, 1, 101.0, 101.1, NOW + 20 * MS)
    (closed,) = put(detector, 1, 100.2, 100.3, NOW + 30 * MS)
    assert closed.best_spread_pct == 3.0
    assert closed.spread_pct == 0.2


class TestAges:
    def test_silence_closes_at_the_moment_the_older_quote_became_too_old(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        put(detector, 0, 99.9, 100.0, NOW)
        put(detector, 1, 101.0, 101.1, NOW + 2 * S)
        assert detector.expire(NOW + 5 * S) == []
        (closed,) = detector.expire(NOW + 60 * S)
        assert (closed.state, closed.reason) == ("close", "stale")
        assert closed.timestamp == closed.detected_at == (NOW + 5 * S) // MS
        assert closed.duration_ms == 3000
        assert (closed.buy_age_ms, closed.sell_age_ms) == (5000, 3000)
        assert detector.expire(NOW + 120 * S) == []

    def test_a_quote_of_another_venue_brings_what_has_expired_before_itself(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        opened(detector)
        closed, reopened = put(detector, 1, 101.0, 101.1, NOW + 9 * S), put(detector, 0, 99.9, 100.0, NOW + 9 * S)
        assert [(s.state, s.timestamp) for s in closed] == [("close", (NOW + 5 * S) // MS)]
        assert [(s.state, s.timestamp) for s in reopened] == [("open", (NOW + 9 * S) // MS)]

    def test_a_withdrawal_after_the_deadline_does_not_move_the_close(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        opened(detector)
        (closed,) = detector.withdraw(0, Reason(ReasonCode.DISCONNECTED), NOW + 9 * S)
        assert (closed.timestamp, closed.reason) == ((NOW + 5 * S) // MS, "stale")

    def test_a_rule_changed_after_the_deadline_does_not_move_the_close(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        opened(detector)
        (closed,) = detector.change_rules(replace(detector.rules, threshold_pct=50.0), NOW + 9 * S)
        assert (closed.timestamp, closed.reason) == ((NOW + 5 * S) // MS, "stale")

    def test_several_that_expire_between_two_looks_close_in_the_order_of_their_deadlines(self) -> None:
        trio = [instrument(0, "binance"), instrument(1, "okx"), instrument(2, "kraken")]
        detector = Detector(trio, [SPOT_SPOT], Rules(max_age_ns=5 * S), "node")
        put(detector, 2, 101.0, 101.1, NOW)
        put(detector, 1, 101.0, 101.1, NOW + S)
        put(detector, 0, 99.9, 100.0, NOW + 2 * S)
        closed = detector.expire(NOW + 60 * S)
        assert [signal.sell_exchange for signal in closed] == ["kraken", "okx"]

    def test_a_quote_that_was_long_under_way_opens_nothing(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        put(detector, 0, 99.9, 100.0, NOW)
        assert put(detector, 1, 101.0, 101.1, NOW, NOW - 5 * S - 1) == []
        assert states(put(detector, 1, 101.0, 101.1, NOW, NOW - 5 * S)) == ["open"]


class TestWithdrawals:
    def test_a_withdrawn_leg_closes_what_rests_on_it_and_says_why(self) -> None:
        detector = two_venues()
        opened(detector)
        (closed,) = detector.withdraw(1, Reason(ReasonCode.CROSSED), NOW + MS)
        assert (closed.state, closed.reason) == ("close", "okx: crossed")
        assert (closed.buy_price, closed.sell_price) == (100.0, 101.0)
        assert detector.withdraw(1, Reason(ReasonCode.CROSSED), NOW + 2 * MS) == []

    def test_a_withdrawn_leg_takes_part_again_with_its_next_quote(self) -> None:
        detector = two_venues()
        opened(detector)
        detector.withdraw(1, Reason(ReasonCode.DISCONNECTED), NOW + MS)
        assert put(detector, 0, 99.9, 100.0, NOW + 2 * MS) == []
        assert states(put(detector, 1, 101.0, 101.1, NOW + 3 * MS)) == ["open"]


class TestCooldown:
    def test_an_opportunity_within_the_cooldown_is_announced_when_it_is_over(self) -> None:
        detector = two_venues(cooldown_ns=10 * S)
        opened(detector)
        assert states(put(detector, 1, 100.2, 100.3, NOW + S)) == ["close"]
        assert put(detector, 1, 101.0, 101.1, NOW + 2 * S) == []
        put(detector, 0, 99.9, 100.0, NOW + 4 * S)
        put(detector, 1, 101.0, 101.1, NOW + 8 * S)
        assert reason_words(detector.why_not(detector.routes.all[0], NOW + 8 * S)) == "cooldown"
        assert put(detector, 0, 99.9, 100.0, NOW + 9 * S) == []
        assert detector.expire(NOW + 10 * S - 1) == []
        (signal,) = detector.expire(NOW + 10 * S + 15 * MS)
        assert (signal.state, signal.seq) == ("open", 2)
        assert signal.timestamp == signal.detected_at == (NOW + 10 * S) // MS
        assert detector.expire(NOW + 11 * S) == []

    def test_one_that_grows_too_old_before_the_cooldown_is_over_is_not_announced(self) -> None:
        detector = two_venues(cooldown_ns=10 * S, max_age_ns=5 * S)
        opened(detector)
        put(detector, 1, 100.2, 100.3, NOW + S)
        put(detector, 1, 101.0, 101.1, NOW + 2 * S)
        assert detector.expire(NOW + 60 * S) == []
        assert detector.open_count == 0

    def test_a_quote_that_comes_after_the_cooldown_finds_it_announced_at_its_end(self) -> None:
        detector = two_venues(cooldown_ns=3 * S)
        opened(detector)
        put(detector, 1, 100.2, 100.3, NOW + S)
        put(detector, 1, 101.0, 101.1, NOW + 2 * S)
        announced = put(detector, 1, 100.2, 100.3, NOW + 4 * S)
        assert [(s.state, s.timestamp) for s in announced] == [
            ("open", (NOW + 3 * S) // MS),
            ("close", (NOW + 4 * S) // MS),
        ]

    def test_one_that_ends_within_the_cooldown_is_never_announced_nor_closed(self) -> None:
        detector = two_venues(cooldown_ns=10 * S)
        opened(detector)
        put(detector, 1, 100.2, 100.3, NOW + S)
        put(detector, 1, 101.0, 101.1, NOW + 2 * S)
        assert put(detector, 1, 100.2, 100.3, NOW + 3 * S) == []
        assert detector.open_count == 0

    def test_each_route_cools_down_for_itself(self) -> None:
        trio = [instrument(0, "binance"), instrument(1, "okx"), instrument(2, "kraken")]
        detector = Detector(trio, [SPOT_SPOT], Rules(cooldown_ns=10 * S), "node")
        opened(detector)
        (other,) = put(detector, 2, 101.0, 101.1, NOW + S)
        assert other.sell_exchange == "kraken"


class TestRules:
    def test_a_lower_threshold_opens_what_stands_above_it(self) -> None:
        detector = two_venues(threshold_pct=2.0)
        put(detector, 0, 99.9, 100.0, NOW)
        put(detector, 1, 101.0, 101.1, NOW)
        assert states(detector.change_rules(Rules(threshold_pct=0.9), NOW + MS)) == ["open"]

    def test_a_higher_threshold_closes_what_stands_below_it(self) -> None:
        detector = two_venues()
        opened(detector)
        (closed,) = detector.change_rules(Rules(threshold_pct=1.5), NOW + MS)
        assert (closed.state, closed.reason) == ("close", "below threshold")

    def test_net_counts_both_fees(self) -> None:
        detector = two_venues(threshold_pct=0.9, basis="net")
        put(detector, 0, 99.9, 100.0, NOW)
        # 1.1 gross less 0.1 of 100 and 0.1 of 101.1: 0.8989 net.
        assert put(detector, 1, 101.1, 102.0, NOW) == []
        (signal,) = put(detector, 1, 101.2, 102.0, NOW)
        assert signal.net_spread_pct == 0.9988
        assert signal.net_profit == pytest.approx(0.9988)

    def test_another_basis_is_no_move_of_the_market(self) -> None:
        detector = two_venues(threshold_pct=0.1)
        opened(detector)
        assert detector.change_rules(Rules(threshold_pct=0.1, basis="net"), NOW + S) == []


class TestWhyNot:
    def test_names_the_first_reason(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        route = detector.routes.all[0]
        assert reason_words(detector.why_not(route, NOW)) == "binance: no data yet"
        put(detector, 0, 99.9, 100.0, NOW)
        assert reason_words(detector.why_not(route, NOW)) == "okx: no data yet"
        put(detector, 1, 100.2, 100.3, NOW)
        assert reason_words(detector.why_not(route, NOW)) == "gross 0.20% is not above 0.50%"
        detector.change_rules(Rules(threshold_pct=0.2005), NOW)
        assert reason_words(detector.why_not(route, NOW)) == "gross 0.2000% is not above 0.2005%"
        assert reason_words(detector.why_not(route, NOW + 7 * S)) == "binance: stale, 7 s"
        detector.withdraw(1, Reason(ReasonCode.DISCONNECTED), NOW)
        assert reason_words(detector.why_not(route, NOW)) == "okx: disconnected"

    def test_is_empty_while_the_opportunity_is_open(self) -> None:
        detector = two_venues()
        opened(detector)
        assert detector.why_not(detector.routes.all[0], NOW) is None

    def test_tells_an_old_rate_from_an_old_quote(self) -> None:
        legs = [
            instrument(0, "coinbase", "BTC/USD", rate_id=2, rate_inverted=True, rate_max_age_ms=5000.0),
            instrument(1, "okx"),
            instrument(2, "kraken", "USDT/USD", only_rate=True),
        ]
        detector = Detector(legs, [SPOT_SPOT], Rules(max_age_ns=5 * S), "node")
        put(detector, 2, 1.0, 1.0, NOW)
        put(detector, 0, 99.9, 100.0, NOW + 4 * S)
        put(detector, 1, 100.0, 100.1, NOW + 4 * S)
        assert reason_words(detector.why_not(detector.routes.all[0], NOW + 6 * S)) == "coinbase: rate stale, 6 s"


def test_a_leg_keeps_what_its_instrument_last_showed_before_it_was_withdrawn() -> None:
    leg = Leg(instrument(0, "binance"), "USDT")
    quote = Quote(0, 99.0, 1.0, 100.0, 2.0)
    leg.put(quote, NOW)
    leg.withdraw("disconnected")
    assert leg.quote is quote
    assert (leg.fault, leg.bid, leg.ask) == ("disconnected", 0.0, float("inf"))
    assert (leg.received, leg.recv_ns) == (1, NOW)


class TestInstrumentsThatComeAndGo:
    def test_an_instrument_that_is_added_opens_routes(self) -> None:
        detector = two_venues()
        put(detector, 0, 99.9, 100.0, NOW)
        detector.add([instrument(7, "kraken")])
        (signal,) = put(detector, 7, 101.0, 101.1, NOW)
        assert (signal.action, signal.seq) == ("BUY_BINANCE_SELL_KRAKEN", 1)

    def test_an_instrument_that_goes_closes_its_routes_and_leaves_the_others(self) -> None:
        detector = two_venues()
        detector.add([instrument(7, "kraken")])
        opened(detector)
        put(detector, 7, 101.0, 101.1, NOW)
        closed = detector.remove([1], NOW + S)
        assert [(each.state, each.sell_exchange, each.reason) for each in closed] == [
            ("close", "okx", "okx: no longer watched")
        ]
        assert [route.key for route in detector.routes.all] == [(0, 7), (7, 0)]
        assert detector.open_count == 1
        with pytest.raises(KeyError):
            put(detector, 1, 101.0, 101.1, NOW + S)

    def test_an_id_that_is_held_is_refused_and_nothing_is_added(self) -> None:
        detector = two_venues()
        with pytest.raises(InstrumentError, match="kraken BTC/USDT: watched already, or another"):
            detector.add([instrument(8, "gate"), instrument(1, "kraken")])
        assert list(detector.legs.shown) == [0, 1]

    def test_a_rate_cannot_go_before_what_it_converts_nor_come_after(self) -> None:
        detector = two_venues()
        converted = instrument(8, "kraken", "BTC/USD", rate_id=9, rate_inverted=True)
        rate = instrument(9, "kraken", "USDT/USD", only_rate=True)
        with pytest.raises(InstrumentError, match="kraken BTC/USD: the market of its rate is not watched"):
            detector.add([converted])
        detector.add([converted, rate])
        with pytest.raises(InstrumentError, match="kraken USDT/USD: its rate converts kraken BTC/USD"):
            detector.remove([9], NOW)
        assert len(detector.routes.all) == 6
        assert detector.remove([9, 8], NOW) == []
        assert len(detector.routes.all) == 2
