"""Which instruments are set against which, and the arithmetic of one route."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import product
from math import floor

from arbsniper_tui.engine.leg import ConvertedLeg, Leg
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.usual import Usual
from arbsniper_tui.model.instrument import Instrument, Market

SPOT_SPOT = "spot-spot"
PERP_PERP = "perp-perp"
SPOT_PERP = "spot-perp"
ROUTE_KINDS = (SPOT_SPOT, PERP_PERP, SPOT_PERP)

_LOT_ROUNDING = 1e-9
"""A whole number of lots may come out of a division a little smaller."""

RouteKey = tuple[int, int]
"""The ids of the instruments bought and sold."""


class Route:
    """Buy one leg, sell another. Holds the one opportunity that may be open on it."""

    __slots__ = (
        "action",
        "base",
        "buy",
        "buy_cost",
        "converted",
        "counted_by",
        "is_assumed",
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
        "usual",
    )

    def __init__(self, kind: str, buy: Leg, sell: Leg, counted_by: Leg | None = None) -> None:
        """`counted_by` is the leg whose rate leads from the currency of the prices to the one that counts; None where
        they are the same."""
        self.number = buy.place << 32 | sell.place
        """Its place among the routes: by the bought instrument, then by the sold one."""
        self.kind = kind
        self.buy = buy
        self.sell = sell
        self.key: RouteKey = (buy.id, sell.id)
        self.base = buy.instrument.base
        self.symbol = route_symbol(buy.instrument, sell.instrument)
        self.action = route_action(buy.venue, buy.market, sell.venue, sell.market)
        self.buy_cost = buy.buy_cost
        self.sell_yield = sell.sell_yield
        self.converted = tuple(leg for leg in (buy, sell) if isinstance(leg, ConvertedLeg))
        self.is_converted = bool(self.converted)
        self.is_assumed = buy.instrument.native_quote != sell.instrument.native_quote and (
            buy.instrument.is_assumed or sell.instrument.is_assumed
        )
        """Whether it rests on the user's word that one currency is worth another."""
        self.counted_by = counted_by
        self.opportunity: Opportunity | None = None
        self.usual: Usual | None = None
        """None until enough of its spreads are known."""
        self.signalled_ns: int | None = None
        self.signals = 0

    def spreads_pct(self, ask: float, bid: float) -> tuple[float, float]:
        """Gross and net spread: what selling at `bid` brings above buying at `ask`, before and after both taker
        fees, in percent of the price paid."""
        return (bid - ask) / ask * 100.0, self.net_profit(ask, bid) / ask * 100.0

    def net_profit(self, ask: float, bid: float) -> float:
        """Per unit of base, after both taker fees."""
        return bid * self.sell_yield - ask * self.buy_cost

    def is_priced(self, now_ns: int, max_age_ns: int) -> bool:
        """Whether both legs show a price that is not too old."""
        return self.buy.fault is None and self.sell.fault is None and now_ns <= self.fresh_until_ns(max_age_ns)

    def tradable_size(self) -> float:
        """Base coins that both legs show, in whole lots of both venues."""
        buy, sell = self.buy.quote, self.sell.quote
        assert buy is not None and sell is not None, "both legs have had a quote"
        size = buy.ask_size if buy.ask_size < sell.bid_size else sell.bid_size
        lot = max(self.buy.lot, self.sell.lot)
        return floor(size / lot + _LOT_ROUNDING) * lot if lot else size

    def net_total(self) -> float | None:
        """What the tradable size brings after both taker fees, in the currency that counts; None where no rate leads
        to it, or a leg shows no price."""
        if self.buy.fault is not None or self.sell.fault is not None:
            return None
        total = self.tradable_size() * self.net_profit(self.buy.ask, self.sell.bid)
        if self.counted_by is None:
            return total
        rate = None if self.counted_by.fault is not None else self.counted_by.rate_used(buying=False)
        return total / rate if rate else None

    def fresh_until_ns(self, max_age_ns: int) -> int:
        """The last moment at which nothing that its spread rests on is too old."""
        if self.is_converted:
            return min(self.buy.fresh_until_ns(max_age_ns), self.sell.fresh_until_ns(max_age_ns))
        bought_ns, sold_ns = self.buy.recv_ns, self.sell.recv_ns
        return (bought_ns if bought_ns < sold_ns else sold_ns) + max_age_ns

    def choose_rates(self, now_ns: int) -> None:
        """Convert at rates that are fresh now, where there are any."""
        for leg in self.converted:
            if leg.rate.fault is not None or now_ns - leg.rate.recv_ns > leg.rate_max_ns:
                leg.choose_rate(now_ns)

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
    if is_relayed(buy, sell):
        return ""
    if buy.market is not sell.market:
        return SPOT_PERP
    if buy.venue == sell.venue:
        return ""
    return SPOT_SPOT if buy.market is Market.SPOT else PERP_PERP


def is_relayed(buy: Instrument, sell: Instrument) -> bool:
    """Whether one of two venues shows the other's books of a coin as its own."""
    is_one_coin = (buy.base, buy.counted_quote) == (sell.base, sell.counted_quote)
    return is_one_coin and buy.venue != sell.venue and buy.book_venue == sell.book_venue


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
