"""Prices that cannot be: they open nothing, and the reason names the leg where its peers tell which one it is."""

import pytest

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import SPOT_SPOT, Route
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import Signal

NOW = 1_000_000_000_000
VENUES = ("binance", "okx", "kraken", "coinbase")


def detector_of(count: int, **rules: object) -> Detector:
    legs = [Instrument(i, venue, "PEPE/USDT", "PEPE", "USDT", 0.1) for i, venue in enumerate(VENUES[:count])]
    return Detector(legs, [SPOT_SPOT], Rules(**rules), "node")  # type: ignore[arg-type]  # fields by name


def put(detector: Detector, i: int, bid: float, ask: float, now_ns: int = NOW) -> list[Signal]:
    return detector.on_quote(Quote(i, bid, 1.0, ask, 1.0), now_ns, now_ns)


def route(detector: Detector, buy: int, sell: int) -> Route:
    return next(each for each in detector.routes.all if each.key == (buy, sell))


def test_a_spread_above_the_cap_opens_nothing_and_says_so() -> None:
    detector = detector_of(2)
    put(detector, 0, 0.99, 1.0)
    assert put(detector, 1, 1.3, 1.31) == []
    assert reason_words(detector.why_not(route(detector, 0, 1), NOW)) == "gross 30% is above max_spread_pct 20%"


@pytest.mark.parametrize(("bid", "opens"), [(1.2, True), (1.2001, False)])
def test_the_cap_itself_is_still_a_spread(bid: float, opens: bool) -> None:
    detector = detector_of(2)
    put(detector, 0, 0.99, 1.0)
    assert bool(put(detector, 1, bid, bid)) == opens


def test_the_cap_is_a_setting() -> None:
    detector = detector_of(2, max_spread_pct=40.0)
    put(detector, 0, 0.99, 1.0)
    assert [signal.spread_pct for signal in put(detector, 1, 1.3, 1.31)] == [30.0]


def test_a_price_so_small_that_its_spread_is_infinite_opens_nothing() -> None:
    detector = detector_of(2)
    put(detector, 0, 5e-324, 5e-324)
    assert put(detector, 1, 25.0, 25.1) == []
    assert reason_words(detector.why_not(route(detector, 0, 1), NOW)) == "binance: identity: 0 x its peer"


def test_an_open_opportunity_whose_spread_leaves_what_can_be_is_closed() -> None:
    detector = detector_of(2)
    put(detector, 0, 0.99, 1.0)
    (opened,) = put(detector, 1, 1.05, 1.06)
    (closed,) = put(detector, 1, 25.0, 25.1)
    assert (closed.state, closed.id, closed.reason) == ("close", opened.id, "gross 2400% is above max_spread_pct 20%")
    assert closed.best_spread_pct == 5.0


def test_among_three_the_one_that_is_away_from_the_others_is_named() -> None:
    detector = detector_of(4)
    for i in (0, 1, 2):
        put(detector, i, 0.999, 1.0)
    put(detector, 3, 25.0, 25.1)
    assert reason_words(detector.why_not(route(detector, 0, 3), NOW)) == "coinbase: identity: 25 x its 3 peers"
    said = "absurd: 25.05, more than 20% from 0.9995, the median of 3 peers"
    assert reason_words(detector.why_absurd(detector.legs.shown[3])) == said
    assert detector.why_absurd(detector.legs.shown[0]) is None


@pytest.mark.parametrize("relayed", ["", "binance"])
def test_a_book_that_two_venues_show_has_one_voice_among_the_peers(relayed: str) -> None:
    legs = [
        Instrument(0, "binance", "PEPE/USDT", "PEPE", "USDT", 0.1),
        Instrument(1, "relay", "PEPE/USDT", "PEPE", "USDT", 0.1, relays=relayed),
        Instrument(2, "okx", "PEPE/USDT", "PEPE", "USDT", 0.1),
    ]
    detector = Detector(legs, [SPOT_SPOT], Rules(), "node")
    for i, price in ((0, 25.0), (1, 25.0), (2, 1.0)):
        put(detector, i, price, price)
    # Of two sources nobody can tell which one is wrong.
    assert (detector.why_absurd(detector.legs.shown[2]) is None) == bool(relayed)


def test_a_price_that_comes_back_to_its_peers_takes_part_again() -> None:
    detector = detector_of(3)
    for i in (0, 1):
        put(detector, i, 0.999, 1.0)
    put(detector, 2, 25.0, 25.1)
    assert detector.why_absurd(detector.legs.shown[2])
    put(detector, 2, 1.0, 1.01)
    detector.identity.check(NOW)
    assert [signal.state for signal in put(detector, 2, 1.01, 1.02)] == ["open", "open"]
    assert detector.why_absurd(detector.legs.shown[2]) is None


def test_a_price_away_from_its_peers_opens_nothing_below_the_cap_either() -> None:
    detector = detector_of(4)
    for i in (0, 1):
        put(detector, i, 99.99, 100.0)
    put(detector, 2, 107.99, 108.0)
    routes = {(signal.buy_exchange, signal.sell_exchange) for signal in put(detector, 3, 124.99, 125.0)}
    assert routes == set()
    said = "coinbase: absurd: 124.995, more than 20% from 99.995, the median of 3 peers"
    assert reason_words(detector.why_not(route(detector, 2, 3), NOW)) == said


def test_two_prices_that_nearly_agree_are_each_others_witness() -> None:
    """A coin that two venues list under the name that it has, and two others under that of another coin."""
    detector = detector_of(4)
    for i in (0, 1):
        put(detector, i, 99.99, 100.0)
    put(detector, 2, 124.0, 124.1)
    (signal,) = [each for each in put(detector, 3, 125.0, 125.1) if each.state == "open"]
    assert (signal.buy_exchange, signal.sell_exchange) == ("kraken", "coinbase")


def test_peers_that_take_no_part_have_no_say() -> None:
    detector = detector_of(3)
    for i in (0, 1):
        put(detector, i, 0.999, 1.0)
    put(detector, 2, 25.0, 25.1)
    detector.withdraw(1, Reason(ReasonCode.DISCONNECTED), NOW)
    assert detector.why_absurd(detector.legs.shown[2]) is None
