"""Which instruments are set against which, and the arithmetic of one route."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import product

from arbsniper_tui.engine.leg import Leg
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

    def __init__(self, kind: str, buy: Leg, sell: Leg) -> None:
        self.number = buy.place << 32 | sell.place
        """Its place among the routes: by the bought instrument, then by the sold one."""
        self.kind = kind
        self.buy = buy
        self.sell = sell
        self.key: RouteKey = (buy.id, sell.id)
        self.symbol = route_symbol(buy.instrument, sell.instrument)
        self.action = route_action(buy.venue, buy.market, sell.venue, sell.market)
        self.buy_cost = buy.buy_cost
        self.sell_yield = sell.sell_yield
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
    """The kind of route that two instruments form, or an empty string where they form none, as two venues do of which
    one relays the other's books: they differ by the delay alone."""
    if buy.only_rate or sell.only_rate or buy.id == sell.id:
        return ""
    if (buy.base, buy.counted_quote) != (sell.base, sell.counted_quote):
        return ""
    if buy.venue != sell.venue and buy.book_venue == sell.book_venue:
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
    currency = meeting_currency(buy, sell)
    pair = f"{buy.base}/{currency}"
    return f"{pair}:{currency}" if buy.market is Market.PERP and sell.market is Market.PERP else pair


def meeting_currency(buy: Instrument, sell: Instrument) -> str:
    """The currency in which the prices of a route are compared."""
    return buy.native_quote if buy.native_quote == sell.native_quote else buy.counted_quote


@cache  # Routes are many and pairs of venues few: they share the text.
def route_action(buy_venue: str, buy_market: Market, sell_venue: str, sell_market: Market) -> str:
    """What to do, as `BUY_BINANCE_SELL_COINBASE`; on one venue only the market tells the two legs apart."""
    bought_at, sold_at = buy_venue.upper(), sell_venue.upper()
    if buy_venue == sell_venue:
        bought_at += f"_{buy_market.upper()}"
        sold_at += f"_{sell_market.upper()}"
    return f"BUY_{bought_at}_SELL_{sold_at}"


def route_pairs(
    instruments: Iterable[Instrument], kinds: Collection[str]
) -> Iterator[tuple[str, Instrument, Instrument]]:
    """Kind, bought and sold instrument of every route of these kinds, found by what both share: base and counted
    quote."""
    alike: dict[tuple[str, str], list[Instrument]] = defaultdict(list)
    for each in instruments:
        alike[each.base, each.counted_quote].append(each)
    for members in alike.values():
        for buy, sell in product(members, members):
            if (kind := route_kind(buy, sell)) in kinds:
                yield kind, buy, sell
