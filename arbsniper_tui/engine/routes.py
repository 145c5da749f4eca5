"""Which instruments are set against which, and the arithmetic of one route."""

from collections.abc import Iterable, Sequence

from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.model.instrument import Instrument, Market

SPOT_SPOT = "spot-spot"
PERP_PERP = "perp-perp"
SPOT_PERP = "spot-perp"
ROUTE_KINDS = (SPOT_SPOT, PERP_PERP, SPOT_PERP)


class Route:
    """Buy one instrument, sell another. Holds the one opportunity that may be open on it."""

    __slots__ = (
        "action",
        "buy",
        "buy_cost",
        "buy_id",
        "is_converted",
        "kind",
        "number",
        "opportunity",
        "sell",
        "sell_id",
        "sell_yield",
        "signalled_ns",
        "signals",
        "symbol",
    )

    def __init__(self, number: int, kind: str, buy: Instrument, sell: Instrument) -> None:
        self.number = number
        self.kind = kind
        self.buy = buy
        self.sell = sell
        self.buy_id = buy.id
        self.sell_id = sell.id
        self.symbol = buy.group if buy.market is sell.market else f"{buy.base}/{buy.counted_quote}"
        self.buy_cost = 1.0 + buy.taker_fee_pct / 100.0
        """What a unit of price costs with the buy leg's taker fee."""
        self.sell_yield = 1.0 - sell.taker_fee_pct / 100.0
        """What a unit of price yields after the sell leg's taker fee."""
        self.action = f"BUY_{buy.venue.upper()}_SELL_{sell.venue.upper()}"
        self.is_converted = buy.rate_id is not None or sell.rate_id is not None
        self.opportunity: Opportunity | None = None
        self.signalled_ns: int | None = None
        self.signals = 0

    def net_profit(self, ask: float, bid: float) -> float:
        """Per unit of base, after both taker fees."""
        return bid * self.sell_yield - ask * self.buy_cost

    def spreads_pct(self, ask: float, bid: float) -> tuple[float, float]:
        """Gross and net spread, in percent of the price paid."""
        return spread_pct(ask, bid), self.net_profit(ask, bid) / ask * 100.0


def spread_pct(ask: float, bid: float) -> float:
    """What selling at `bid` brings above buying at `ask`, in percent of `ask`."""
    return (bid - ask) / ask * 100.0


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


def build_routes(instruments: Sequence[Instrument], kinds: Iterable[str]) -> list[Route]:
    """All routes of the wanted kinds, in both directions, in a fixed order."""
    wanted = set(kinds)
    routes: list[Route] = []
    for buy in instruments:
        for sell in instruments:
            kind = route_kind(buy, sell)
            if kind in wanted:
                routes.append(Route(len(routes), kind, buy, sell))
    return routes
