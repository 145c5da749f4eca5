"""Which instruments are set against which, and the arithmetic of one route."""

from collections.abc import Iterable, Sequence

from arbsniper_tui.engine.leg import Leg, Legs
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.model.instrument import Instrument, Market

SPOT_SPOT = "spot-spot"
PERP_PERP = "perp-perp"
SPOT_PERP = "spot-perp"
ROUTE_KINDS = (SPOT_SPOT, PERP_PERP, SPOT_PERP)

RouteKey = tuple[int, int]
"""The ids of the instruments bought and sold."""


class Route:
    """Buy one leg, sell another. Holds the one opportunity that may be open on it."""

    __slots__ = (
        "action",
        "buy",
        "buy_cost",
        "is_converted",
        "key",
        "kind",
        "number",
        "opportunity",
        "sell",
        "sell_yield",
        "signalled_ns",
        "signals",
        "symbol",
    )

    def __init__(self, number: int, kind: str, buy: Leg, sell: Leg) -> None:
        bought, sold = buy.instrument, sell.instrument
        self.number = number
        self.kind = kind
        self.buy = buy
        self.sell = sell
        self.key: RouteKey = (buy.id, sell.id)
        self.symbol = route_symbol(bought, sold)
        self.buy_cost = 1.0 + bought.taker_fee_pct / 100.0
        """What a unit of price costs with the buy leg's taker fee."""
        self.sell_yield = 1.0 - sold.taker_fee_pct / 100.0
        """What a unit of price yields after the sell leg's taker fee."""
        bought_at, sold_at = buy.venue.upper(), sell.venue.upper()
        if buy.venue == sell.venue:
            # On one venue only the market tells the two legs apart.
            bought_at += f"_{bought.market.upper()}"
            sold_at += f"_{sold.market.upper()}"
        self.action = f"BUY_{bought_at}_SELL_{sold_at}"
        self.is_converted = buy.rate is not None or sell.rate is not None
        self.opportunity: Opportunity | None = None
        self.signalled_ns: int | None = None
        self.signals = 0

    def spreads_pct(self, ask: float, bid: float) -> tuple[float, float]:
        """Gross and net spread: what selling at `bid` brings above buying at `ask`, before and after both taker
        fees, in percent of the price paid."""
        return (bid - ask) / ask * 100.0, self.net_profit(ask, bid) / ask * 100.0

    def net_profit(self, ask: float, bid: float) -> float:
        """Per unit of base, after both taker fees."""
        return bid * self.sell_yield - ask * self.buy_cost

    def oldest_ns(self) -> int:
        """The receipt of the oldest thing that its spread rests on."""
        if self.is_converted:
            return min(self.buy.oldest_ns(), self.sell.oldest_ns())
        bought_ns, sold_ns = self.buy.recv_ns, self.sell.recv_ns
        return bought_ns if bought_ns < sold_ns else sold_ns

    def rate_used(self) -> float | None:
        """Units of the converted leg's own currency for one of the symbol's; of two such legs, of the bought one's."""
        return self.buy.rate_used(buying=True) or self.sell.rate_used(buying=False)


def route_kind(buy: Instrument, sell: Instrument) -> str:
    """The kind of route that two instruments form, or an empty string where they form none."""
    if buy.only_rate or sell.only_rate or buy.id == sell.id:
        return ""
    if (buy.base, buy.counted_quote) != (sell.base, sell.counted_quote):
        return ""
    if buy.market is not sell.market:
        return SPOT_PERP
    if buy.venue == sell.venue:
        return ""
    return SPOT_SPOT if buy.market is Market.SPOT else PERP_PERP


def route_symbol(buy: Instrument, sell: Instrument) -> str:
    """The symbol of a route, in the currency of its prices: that of both legs, else the one that both count as.

    A spot and a perpetual leg meet under the spot symbol.
    """
    if buy.symbol == sell.symbol:
        return buy.symbol
    currency = buy.native_quote if buy.native_quote == sell.native_quote else buy.counted_quote
    pair = f"{buy.base}/{currency}"
    return f"{pair}:{currency}" if buy.market is Market.PERP and sell.market is Market.PERP else pair


def build_routes(legs: Legs, instruments: Sequence[Instrument], kinds: Iterable[str]) -> list[Route]:
    """All routes of the wanted kinds, in both directions, in a fixed order."""
    wanted = set(kinds)
    routes: list[Route] = []
    for buy in instruments:
        for sell in instruments:
            kind = route_kind(buy, sell)
            if kind in wanted:
                routes.append(Route(len(routes), kind, *legs.pair(buy, sell)))
    return routes
