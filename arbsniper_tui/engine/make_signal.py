"""A signal, made of a route and its opportunity."""

from collections.abc import Mapping
from typing import TypedDict

from msgspec import UNSET

from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.model.fact import Funding
from arbsniper_tui.model.signal import Signal, SignalState

_NO_FRACTIONS = 1.5 * 2**52
"""Beside this, a float holds no fraction: adding it rounds to the nearest whole number."""


class _Bought(TypedDict, total=False):
    buy_funding_rate: float
    buy_funding_interval_h: float
    buy_next_funding: int


class _Sold(TypedDict, total=False):
    sell_funding_rate: float
    sell_funding_interval_h: float
    sell_next_funding: int


class FundingTerms:
    """The funding of a perpetual as the fields of a signal, made before one is: what is not known is no field."""

    __slots__ = ("if_bought", "if_sold")

    def __init__(self, funding: Funding | None = None) -> None:
        self.if_bought: _Bought = {}
        self.if_sold: _Sold = {}
        if funding is None:
            return
        self.if_bought["buy_funding_rate"] = self.if_sold["sell_funding_rate"] = funding.rate_pct
        if funding.interval_h is not None:
            self.if_bought["buy_funding_interval_h"] = self.if_sold["sell_funding_interval_h"] = funding.interval_h
        if funding.next_ms is not None:
            self.if_bought["buy_next_funding"] = self.if_sold["sell_next_funding"] = funding.next_ms


_UNTOLD = FundingTerms()


def make_signal(
    route: Route,
    opportunity: Opportunity,
    state: SignalState,
    now_ns: int,
    cause_ns: int,
    wall_offset_ns: int,
    seq: int,
    ask: float,
    bid: float,
    funding: Mapping[int, FundingTerms],
) -> Signal:
    """The announcement at these prices, decided at `now_ns` because of a quote received at `cause_ns`."""
    buying, selling = route.buy, route.sell
    buy, sell = buying.quote, selling.quote
    assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
    gross, net = route.spreads_pct(ask, bid)
    # Differences of prices without the noise of binary fractions, to more decimals than venues show.
    per_unit = 1e10 if ask >= 1.0 else 1e14 if ask >= 1e-4 else 1e18
    return Signal(
        action=route.action,
        symbol=route.symbol,
        spread_pct=rounded(gross, 1e4),
        buy_price=ask,
        sell_price=bid,
        profit_estimate=rounded(bid - ask, per_unit),
        timestamp=(now_ns + wall_offset_ns) // 1_000_000,
        detected_at=(cause_ns + wall_offset_ns) // 1_000_000,
        id=opportunity.id,
        seq=seq,
        state=state,
        buy_exchange=buying.venue,
        sell_exchange=selling.venue,
        buy_symbol=buying.instrument.symbol,
        sell_symbol=selling.instrument.symbol,
        size=buy.ask_size if buy.ask_size < sell.bid_size else sell.bid_size,
        net_spread_pct=rounded(net, 1e4),
        net_profit=rounded(route.net_profit(ask, bid), per_unit),
        buy_age_ms=(now_ns - buying.recv_ns) // 1_000_000,
        sell_age_ms=(now_ns - selling.recv_ns) // 1_000_000,
        buy_market=buying.instrument.market,
        sell_market=selling.instrument.market,
        buy_raw_price=buy.ask if (is_converted := route.is_converted) else UNSET,
        sell_raw_price=sell.bid if is_converted else UNSET,
        quote_rate=route.rate_used() or UNSET if is_converted else UNSET,
        resumed_from=opportunity.resumed_from or UNSET,
        **funding.get(buying.id, _UNTOLD).if_bought,
        **funding.get(selling.id, _UNTOLD).if_sold,
    )


def rounded(number: float, per_unit: float) -> float:
    """To a whole number of parts of a unit, of which there may be 2**51. `round` is right about decimal ties too, but
    its code is never in the caches when a signal needs it, and costs twenty times this then."""
    return (number * per_unit + _NO_FRACTIONS - _NO_FRACTIONS) / per_unit
