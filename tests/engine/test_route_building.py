"""Which instruments are set against which."""

import pytest

from arbsniper_tui.engine.leg import build_legs
from arbsniper_tui.engine.routes import PERP_PERP, ROUTE_KINDS, SPOT_PERP, SPOT_SPOT, Route, build_routes, route_kind
from arbsniper_tui.model.instrument import Instrument


def leg(i: int, venue: str, symbol: str = "BTC/USDT", counted: str = "USDT", **more: object) -> Instrument:
    return Instrument(i, venue, symbol, symbol, counted, 0.1, **more)  # type: ignore[arg-type]  # fields by name


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
    ],
)
def test_two_instruments_form_a_route_of_one_kind_or_none(buy: Instrument, sell: Instrument, kind: str) -> None:
    assert route_kind(buy, sell) == kind


def test_every_pair_is_a_route_in_both_directions_and_only_of_the_kinds_asked_for() -> None:
    legs = build_legs([leg(0, "binance"), leg(1, "okx"), leg(2, "kraken"), leg(3, "okx", "BTC/USDT:USDT")])
    spot_only = build_routes(legs, [SPOT_SPOT])
    assert {(route.buy.id, route.sell.id) for route in spot_only} == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    assert [route.number for route in spot_only] == list(range(6))
    assert len(build_routes(legs, [SPOT_PERP])) == 6
    assert len(build_routes(legs, ROUTE_KINDS)) == 12
    assert build_routes(legs, [PERP_PERP]) == []


def test_the_action_names_both_venues_in_capitals() -> None:
    assert (
        Route(0, SPOT_SPOT, *build_legs([leg(0, "binance"), leg(1, "coinbase")])).action == "BUY_BINANCE_SELL_COINBASE"
    )


def test_net_is_gross_without_fees_and_less_with_them() -> None:
    free = [Instrument(i, venue, "BTC/USDT", "", "USDT", 0.0) for i, venue in enumerate(("binance", "okx"))]
    gross, net = Route(0, SPOT_SPOT, *build_legs(free)).spreads_pct(100.0, 101.0)
    assert gross == net == 1.0
    gross, net = Route(0, SPOT_SPOT, *build_legs([leg(0, "binance"), leg(1, "okx")])).spreads_pct(100.0, 101.0)
    assert gross == 1.0
    assert net == pytest.approx(1.0 - 0.1 - 0.101)
