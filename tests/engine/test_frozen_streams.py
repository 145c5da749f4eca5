"""A stream that its peers have left behind: when it is frozen, and what follows for its routes."""

import pytest

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import SPOT_SPOT
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import Signal

MS = 1_000_000
S = 1000 * MS


def listed(i: int, venue: str, symbol: str = "BTC/USDT", **more: object) -> Instrument:
    return Instrument(i, venue, symbol, symbol, "USDT", 0.1, **more)  # type: ignore[arg-type]  # fields by name


class Market:
    """Streams of one coin around 100 that have changed every 100 ms for six seconds."""

    def __init__(self, *instruments: Instrument, threshold_pct: float = 0.5) -> None:
        self.instruments = instruments or tuple(listed(i, venue) for i, venue in enumerate("abcd"))
        self.detector = Detector(self.instruments, [SPOT_SPOT], Rules(threshold_pct=threshold_pct), "node")
        self.now_ns = 1000 * S
        for turn in range(60):
            for each in self.instruments:
                self.put(each.id, 100.0 + 0.001 * (turn % 2))
            self.now_ns += 100 * MS

    def put(self, i: int, bid: float, width: float = 0.01, size: float = 1.0) -> list[Signal]:
        quote = Quote(i, bid, size, bid + width, size)
        return self.detector.on_quote(quote, self.now_ns, self.now_ns)

    def wait(self, ns: int) -> list[Signal]:
        self.now_ns += ns
        return self.detector.expire(self.now_ns)

    def why(self, i: int) -> str:
        return reason_words(self.reason(i))

    def reason(self, i: int) -> Reason | None:
        stream = self.detector.legs.shown[i].stream
        return stream and stream.why_frozen(self.now_ns, self.detector.rules.max_age_ns)


def test_a_late_stream_may_signal_and_closes_without_its_own_quote_when_it_is_frozen() -> None:
    market = Market()
    opened = market.put(1, 101.0)
    assert {(signal.buy_exchange, signal.state) for signal in opened} == {("a", "open"), ("c", "open"), ("d", "open")}
    market.put(2, 101.0)
    moved_ns = market.now_ns
    assert market.wait(249 * MS) == []
    closed = market.wait(100 * MS)
    assert {(each.buy_exchange, each.state, each.reason) for each in closed} == {
        ("a", "close", "frozen"),
        ("d", "close", "frozen"),
    }
    assert {each.timestamp for each in closed} == {moved_ns // MS + 250}, "at the moment at which it was frozen"


def test_a_frozen_stream_does_not_signal_and_its_own_change_opens_the_gate_at_once() -> None:
    market = Market()
    market.put(1, 100.2)
    market.put(2, 100.2)
    market.wait(400 * MS)
    assert market.put(3, 101.0)[0].buy_exchange != "a"
    route = market.detector.routes.find((0, 3))
    assert route is not None
    why = market.detector.why_not(route, market.now_ns)
    assert reason_words(why) == "a: frozen 0.5 s, peers moved 20 bps"
    market.wait(10 * MS)
    assert [(each.buy_exchange, each.state) for each in market.put(0, 100.002)] == [("a", "open")]


def test_repeated_prices_and_new_sizes_are_no_life() -> None:
    market = Market()
    for i in (1, 2):
        market.put(i, 101.0)
    for turn in range(10):
        market.wait(50 * MS)
        market.put(0, 100.001, size=2.0 + turn)
    assert market.why(0).startswith("frozen 0.6 s")


def test_a_quiet_stream_in_a_quiet_market_is_trusted() -> None:
    market = Market()
    for turn in range(100):
        market.wait(100 * MS)
        for i in (1, 2, 3):
            market.put(i, 100.0 + 0.01 * (turn % 2))
    assert market.reason(0) is None


def test_peers_that_come_back_before_long_leave_it_trusted() -> None:
    market = Market()
    for price in (101.0, 100.0):
        for i in (1, 2, 3):
            market.put(i, price)
        market.wait(200 * MS)
    market.wait(S)
    assert market.reason(0) is None


@pytest.mark.parametrize("prices", [(101.0, 100.0), (101.0, 99.0)], ids=["one peer alone", "in two directions"])
def test_two_peers_must_move_the_same_way(prices: tuple[float, float]) -> None:
    market = Market(*(listed(i, venue) for i, venue in enumerate("abc")), threshold_pct=9.0)
    for i, price in enumerate(prices, 1):
        market.put(i, price)
    market.wait(S)
    assert market.reason(0) is None


def test_two_markets_of_one_venue_are_one_witness() -> None:
    market = Market(listed(0, "a"), listed(1, "b"), listed(2, "b", "BTC/USDT:USDT"))
    for i in (1, 2):
        market.put(i, 101.0)
    market.wait(S)
    assert market.reason(0) is None


def test_one_who_relays_its_book_is_no_witness() -> None:
    market = Market(listed(0, "a"), listed(1, "b"), listed(2, "c", relays="a"))
    for i in (1, 2):
        market.put(i, 101.0)
    market.wait(S)
    assert market.reason(0) is None


@pytest.mark.parametrize("wide", [0, 1], ids=["its own spread", "a peer's spread"])
def test_a_move_within_a_wide_spread_says_nothing(wide: int) -> None:
    market = Market(*(listed(i, venue) for i, venue in enumerate("abc")))
    market.put(wide, 99.5, width=1.0)
    market.put(0, 99.5 if wide == 0 else 100.0, width=1.0 if wide == 0 else 0.01)
    market.put(1, 100.3 if wide == 0 else 99.8, width=0.01 if wide == 0 else 1.0)
    market.put(2, 100.3)
    market.wait(S)
    assert market.reason(0) is None


def test_a_slow_stream_has_twice_its_usual_gap_to_follow() -> None:
    market = Market()
    for turn in range(60):
        market.wait(600 * MS)
        for i in range(4):
            market.put(i, 100.0 + 0.001 * (turn % 2))
    for i in (1, 2):
        market.put(i, 101.0)
    market.wait(1100 * MS)
    assert market.reason(0) is None
    market.wait(110 * MS)
    assert market.why(0) == "frozen 1.2 s, peers moved 100 bps"


def test_a_peer_that_was_away_when_the_price_changed_is_no_witness() -> None:
    market = Market()
    for i in (2, 3):
        market.detector.withdraw(i, Reason(ReasonCode.DISCONNECTED), market.now_ns)
    market.put(0, 100.5)
    for i in (1, 2, 3):
        market.put(i, 101.0)
    market.wait(S)
    assert market.reason(0) is None


def test_a_reconnection_that_brings_the_same_price_is_no_life() -> None:
    market = Market()
    for i in (1, 2):
        market.put(i, 101.0)
    market.wait(S)
    market.detector.withdraw(0, Reason(ReasonCode.DISCONNECTED), market.now_ns)
    market.put(0, 100.001)
    assert market.why(0).startswith("frozen 1.1 s")


def test_a_converted_stream_is_compared_in_its_own_currency_and_its_rate_is_no_life() -> None:
    usd = listed(0, "a", "BTC/USD", rate_id=9, rate_inverted=True)
    market = Market(usd, listed(1, "b"), listed(2, "c"), listed(9, "a", "USDT/USD", only_rate=True))
    for i in (1, 2):
        market.put(i, 101.0)
    market.wait(S)
    market.put(9, 99.0)
    assert market.why(0).startswith("frozen 1.1 s")
    assert market.detector.legs.counted[0].stream is market.detector.legs.shown[0].stream


def test_instruments_that_come_and_go_leave_the_others_as_they_were() -> None:
    market = Market()
    for i in (1, 2):
        market.put(i, 101.0)
    market.wait(S)
    market.detector.add([listed(7, "e")])
    market.detector.remove([3], market.now_ns)
    assert market.why(0) == "frozen 1.1 s, peers moved 100 bps"
    market.detector.remove([1], market.now_ns)
    assert market.reason(0) is None, "one peer is left"


def test_of_two_venues_nobody_is_asked_until_a_third_comes() -> None:
    market = Market(listed(0, "a"), listed(1, "b"))
    legs = market.detector.legs.shown
    market.put(1, 101.0)
    market.wait(S)
    assert legs[0].stream is None and legs[1].stream is None
    market.detector.add([listed(2, "c")])
    market.put(2, 101.0)
    market.wait(S)
    assert market.reason(0) is None, "what its peers did before there were enough of them is not known"
    market.put(0, 101.0)
    for i in (1, 2):
        market.put(i, 102.01)
    market.wait(6 * S)
    assert market.why(0) == "frozen 6.0 s, peers moved 100 bps"
    market.detector.remove([2], market.now_ns)
    assert legs[0].stream is None
    market.detector.add([listed(3, "d")])
    assert market.reason(0) is None


def test_a_pause_far_beyond_the_usual_is_believed_only_while_the_peers_stand_still() -> None:
    market = Market()
    for i in (1, 2):
        market.put(i, 100.02)
    market.wait(4 * S)
    assert market.reason(0) is None, "two basis points are no move"
    market.wait(7 * S)
    assert market.why(0) == "frozen 11.1 s, peers moved 2 bps"
    assert market.reason(3) is not None
    for i in (1, 2):
        market.put(i, 100.001)
    assert market.reason(0) is None, "they came back"


def test_a_wide_spread_is_no_excuse_after_a_pause_far_beyond_the_usual() -> None:
    market = Market(*(listed(i, venue) for i, venue in enumerate("abc")))
    market.put(0, 99.5, width=1.0)
    for i in (1, 2):
        market.put(i, 100.3)
    market.wait(4 * S)
    assert market.reason(0) is None
    market.wait(2 * S)
    assert market.why(0) == "frozen 6.0 s, peers moved 30 bps"
