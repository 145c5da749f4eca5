"""Which instruments are set against which."""

import pytest

from arbsniper_tui.engine.leg import Leg, Legs
from arbsniper_tui.engine.route_index import RouteIndex
from arbsniper_tui.engine.routes import (
    PERP_PERP,
    ROUTE_KINDS,
    SPOT_PERP,
    SPOT_SPOT,
    Route,
    route_kind,
    route_symbol,
)
from arbsniper_tui.model.instrument import Instrument


def leg(i: int, venue: str, symbol: str = "BTC/USDT", counted: str = "USDT", **more: object) -> Instrument:
    return Instrument(i, venue, symbol, symbol, counted, 0.1, **more)  # type: ignore[arg-type]  # fields by name


def route_between(buy: Instrument, sell: Instrument) -> Route:
    return Route(SPOT_SPOT, Leg(buy, buy.native_quote), Leg(sell, sell.native_quote))


@pytest.mark.parametrize(
    ("buy", "sell", "kind"),
    [
        (leg(0, "binance"), leg(1, "okx"), SPOT_SPOT),
        (leg(0, "binance"), leg(1, "kraken", "BTC/USD"), SPOT_SPOT),
        (leg(0, "binance", "BTC/USDT:USDT"), leg(1, "okx", "BTC/USD:BTC"), PERP_PERP),
        (leg(0, "binance"), leg(1, "okx", "BTC/USDT:USDT"), SPOT_PERP),
        (leg(0, "okx"), leg(1, "okx", "BTC/USDT:USDT"), SPOT_PERP),
        (leg(0, "okx", "BTC/USDT:USDT"), leg(1, "okx"), SPOT_PERP),
        (leg(0, "okx"), leg(1, "okx", "BTC/USD"), ""),
        (leg(0, "okx", "BTC/USDT:USDT"), leg(1, "okx", "BTC/USD:BTC"), ""),
        (leg(0, "binance"), leg(1, "okx", "ETH/USDT"), ""),
        (leg(0, "binance"), leg(1, "kraken", "BTC/EUR", "EUR"), ""),
        (leg(0, "binance"), leg(1, "kraken", only_rate=True), ""),
        (leg(0, "binance", only_rate=True), leg(1, "kraken"), ""),
        (leg(0, "binance"), leg(0, "binance"), ""),
        (leg(0, "binance"), leg(1, "relay", relays="binance"), ""),
        (leg(0, "relay", relays="binance"), leg(1, "binance"), ""),
        (leg(0, "relay", "BTC/USDT:USDT", relays="binance"), leg(1, "binance"), ""),
        (leg(0, "relay", relays="binance"), leg(1, "binance", "BTC/USDC"), ""),
        (leg(0, "relay", relays="binance"), leg(1, "other", relays="binance"), ""),
        (leg(0, "relay", relays="binance"), leg(1, "okx"), SPOT_SPOT),
        (leg(0, "relay", relays="binance"), leg(1, "relay", "BTC/USDT:USDT", relays="binance"), SPOT_PERP),
    ],
)
def test_two_instruments_form_a_route_of_one_kind_or_none(buy: Instrument, sell: Instrument, kind: str) -> None:
    assert route_kind(buy, sell) == kind


def test_every_pair_is_a_route_in_both_directions_and_only_of_the_kinds_asked_for() -> None:
    instruments = [leg(0, "binance"), leg(1, "okx"), leg(2, "kraken"), leg(3, "okx", "BTC/USDT:USDT")]

    def build(*kinds: str) -> list[Route]:
        index = RouteIndex(Legs(instruments), kinds)
        index.add(instruments)
        return index.all

    spot_only = build(SPOT_SPOT)
    assert {(route.buy.id, route.sell.id) for route in spot_only} == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    assert [route.key for route in spot_only] == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert len(build(SPOT_PERP)) == 6
    assert len(build(*ROUTE_KINDS)) == 12
    assert build(PERP_PERP) == []


def test_no_route_stands_between_a_venue_and_one_that_relays_it_whatever_the_kinds_and_the_order_of_coming() -> None:
    own, relayed = leg(0, "binance"), leg(1, "relay", relays="binance")
    elsewhere = leg(2, "okx", "BTC/USDT:USDT")
    for instruments in ([own, relayed, elsewhere], [elsewhere, relayed, own]):
        legs = Legs()
        index = RouteIndex(legs, ROUTE_KINDS)
        for each in instruments:
            legs.add([each])
            index.add([each])
        assert {route.key for route in index.all} == {(0, 2), (2, 0), (1, 2), (2, 1)}


@pytest.mark.parametrize(
    ("buy_symbol", "sell_symbol", "symbol"),
    [
        ("BTC/USDT", "BTC/USDT", "BTC/USDT"),
        ("BTC/USD", "BTC/USDT", "BTC/USDT"),
        ("BTC/USD", "BTC/USD", "BTC/USD"),
        ("BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT:USDT"),
        ("BTC/USD:BTC", "BTC/USD:BTC", "BTC/USD:BTC"),
        ("BTC/USDT", "BTC/USDT:USDT", "BTC/USDT"),
        ("BTC/USD", "BTC/USD:BTC", "BTC/USD"),
    ],
)
def test_a_route_is_named_in_the_currency_of_its_prices(buy_symbol: str, sell_symbol: str, symbol: str) -> None:
    assert route_symbol(leg(0, "binance", buy_symbol), leg(1, "okx", sell_symbol)) == symbol


def test_the_action_names_both_venues_in_capitals() -> None:
    assert route_between(leg(0, "binance"), leg(1, "coinbase")).action == "BUY_BINANCE_SELL_COINBASE"


def test_net_is_gross_without_fees_and_less_with_them() -> None:
    free = [Instrument(i, venue, "BTC/USDT", "", "USDT", 0.0) for i, venue in enumerate(("binance", "okx"))]
    gross, net = route_between(*free).spreads_pct(100.0, 101.0)
    assert gross == net == 1.0
    gross, net = route_between(leg(0, "binance"), leg(1, "okx")).spreads_pct(100.0, 101.0)
    assert gross == 1.0
    assert net == pytest.approx(1.0 - 0.1 - 0.101)
