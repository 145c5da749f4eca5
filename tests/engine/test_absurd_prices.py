"""Prices that cannot be: they open nothing, and the reason names the leg where its peers tell which one it is."""

import pytest

from arbsniper_tui.engine.gate import Gate, Rules
from arbsniper_tui.engine.routes import SPOT_SPOT, Route
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.signal import Signal

NOW = 1_000_000_000_000
VENUES = ("binance", "okx", "kraken", "coinbase")


def gate_of(count: int, **rules: object) -> Gate:
    legs = [Instrument(i, venue, "PEPE/USDT", "PEPE", "USDT", 0.1) for i, venue in enumerate(VENUES[:count])]
    return Gate(legs, [SPOT_SPOT], Rules(**rules), "node")  # type: ignore[arg-type]  # fields by name


def put(gate: Gate, i: int, bid: float, ask: float, now_ns: int = NOW) -> list[Signal]:
    return gate.on_quote(Quote(i, bid, 1.0, ask, 1.0), now_ns, now_ns)


def route(gate: Gate, buy: int, sell: int) -> Route:
    return next(each for each in gate.routes.all if each.key == (buy, sell))


def test_a_spread_above_the_cap_opens_nothing_and_says_so() -> None:
    gate = gate_of(2)
    put(gate, 0, 0.99, 1.0)
    assert put(gate, 1, 25.0, 25.1) == []
    assert gate.why_not(route(gate, 0, 1), NOW) == "gross 2400% is above max_spread_pct 20%"


@pytest.mark.parametrize(("bid", "opens"), [(1.2, True), (1.2001, False)])
def test_the_cap_itself_is_still_a_spread(bid: float, opens: bool) -> None:
    gate = gate_of(2)
    put(gate, 0, 0.99, 1.0)
    assert bool(put(gate, 1, bid, bid)) == opens


def test_the_cap_is_a_setting() -> None:
    gate = gate_of(2, max_spread_pct=3000.0)
    put(gate, 0, 0.99, 1.0)
    assert [signal.spread_pct for signal in put(gate, 1, 25.0, 25.1)] == [2400.0]


def test_a_price_so_small_that_its_spread_is_infinite_opens_nothing() -> None:
    gate = gate_of(2)
    put(gate, 0, 5e-324, 5e-324)
    assert put(gate, 1, 25.0, 25.1) == []
    assert gate.why_not(route(gate, 0, 1), NOW) == "gross inf% is above max_spread_pct 20%"


def test_an_open_opportunity_whose_spread_leaves_what_can_be_is_closed() -> None:
    gate = gate_of(2)
    put(gate, 0, 0.99, 1.0)
    (opened,) = put(gate, 1, 1.05, 1.06)
    (closed,) = put(gate, 1, 25.0, 25.1)
    assert (closed.state, closed.id, closed.reason) == ("close", opened.id, "gross 2400% is above max_spread_pct 20%")
    assert closed.best_spread_pct == 5.0


def test_among_three_the_one_that_is_away_from_the_others_is_named() -> None:
    gate = gate_of(4)
    for i in (0, 1, 2):
        put(gate, i, 0.999, 1.0)
    put(gate, 3, 25.0, 25.1)
    said = "coinbase: absurd: 25.05, more than 20% from 0.9995, the median of 3 peers"
    assert gate.why_not(route(gate, 0, 3), NOW) == said
    assert gate.why_absurd(gate.legs.shown[3]) == said.removeprefix("coinbase: ")
    assert gate.why_absurd(gate.legs.shown[0]) == ""


def test_a_price_that_comes_back_to_its_peers_takes_part_again() -> None:
    gate = gate_of(3)
    for i in (0, 1):
        put(gate, i, 0.999, 1.0)
    put(gate, 2, 25.0, 25.1)
    assert gate.why_absurd(gate.legs.shown[2])
    assert [signal.state for signal in put(gate, 2, 1.01, 1.02)] == ["open", "open"]
    assert gate.why_absurd(gate.legs.shown[2]) == ""


def test_a_price_away_from_its_peers_opens_nothing_below_the_cap_either() -> None:
    gate = gate_of(4)
    for i in (0, 1):
        put(gate, i, 99.99, 100.0)
    put(gate, 2, 107.99, 108.0)
    routes = {(signal.buy_exchange, signal.sell_exchange) for signal in put(gate, 3, 124.99, 125.0)}
    assert routes == set()
    said = "coinbase: absurd: 124.995, more than 20% from 99.995, the median of 3 peers"
    assert gate.why_not(route(gate, 2, 3), NOW) == said


def test_two_prices_that_nearly_agree_are_each_others_witness() -> None:
    """A coin that two venues list under the name that it has, and two others under that of another coin."""
    gate = gate_of(4)
    for i in (0, 1):
        put(gate, i, 99.99, 100.0)
    put(gate, 2, 124.0, 124.1)
    (signal,) = [each for each in put(gate, 3, 125.0, 125.1) if each.state == "open"]
    assert (signal.buy_exchange, signal.sell_exchange) == ("kraken", "coinbase")


def test_peers_that_take_no_part_have_no_say() -> None:
    gate = gate_of(3)
    for i in (0, 1):
        put(gate, i, 0.999, 1.0)
    put(gate, 2, 25.0, 25.1)
    gate.withdraw(1, "disconnected", NOW)
    assert gate.why_absurd(gate.legs.shown[2]) == ""
