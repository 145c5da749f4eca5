"""A signal, made of a route and its opportunity."""

from collections.abc import Mapping
from typing import TypedDict

from msgspec import UNSET, Struct

from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.engine.usual import Usual
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


class _RateTerms(TypedDict, total=False):
    buy_raw_price: float
    sell_raw_price: float
    quote_rate: float
    assumed_rate: bool


class _UsualTerms(TypedDict, total=False):
    basis_pct: float
    zscore: float


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


class Decision(Struct, frozen=True, gc=False):
    """When it was decided, because of what, and under which numbers."""

    now_ns: int
    cause_ns: int
    """The receipt of the quote that brought it about."""
    wall_offset_ns: int
    """Added to both it gives the time since 1970."""
    seq: int
    move: str = ""
    """Empty for a close, as `rank` is 0 then."""
    rank: int = 0


def make_signal(
    route: Route,
    opportunity: Opportunity,
    state: SignalState,
    decision: Decision,
    ask: float,
    bid: float,
    funding: Mapping[int, FundingTerms],
) -> Signal:
    """The announcement of a decision at these prices."""
    buying, selling = route.buy, route.sell
    buy, sell = buying.quote, selling.quote
    assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
    gross, net = route.spreads_pct(ask, bid)
    now_ns, wall_offset_ns, total = decision.now_ns, decision.wall_offset_ns, route.net_total()
    return Signal(
        action=route.action,
        symbol=route.symbol,
        spread_pct=rounded(gross, 1e4),
        buy_price=ask,
        sell_price=bid,
        profit_estimate=_difference(bid - ask, ask),
        timestamp=(now_ns + wall_offset_ns) // 1_000_000,
        detected_at=(decision.cause_ns + wall_offset_ns) // 1_000_000,
        id=opportunity.id,
        seq=decision.seq,
        state=state,
        buy_exchange=buying.venue,
        sell_exchange=selling.venue,
        buy_symbol=buying.instrument.symbol,
        sell_symbol=selling.instrument.symbol,
        size=buy.ask_size if buy.ask_size < sell.bid_size else sell.bid_size,
        net_spread_pct=rounded(net, 1e4),
        net_profit=_difference(route.net_profit(ask, bid), ask),
        buy_age_ms=(now_ns - buying.recv_ns) // 1_000_000,
        sell_age_ms=(now_ns - selling.recv_ns) // 1_000_000,
        buy_market=buying.instrument.market,
        sell_market=selling.instrument.market,
        move=decision.move or UNSET,
        rank=decision.rank or UNSET,
        net_total=UNSET if total is None else rounded(total, 1e6),
        **_rate_terms(route, buy.ask, sell.bid),
        resumed_from=opportunity.resumed_from or UNSET,
        **_usual_terms(route.usual, gross),
        **funding.get(buying.id, _UNTOLD).if_bought,
        **funding.get(selling.id, _UNTOLD).if_sold,
    )


def _difference(number: float, ask: float) -> float:
    """Of prices near `ask`, without the noise of binary fractions, to more decimals than venues show."""
    return rounded(number, 1e10 if ask >= 1.0 else 1e14 if ask >= 1e-4 else 1e18)


def _rate_terms(route: Route, raw_ask: float, raw_bid: float) -> _RateTerms:
    terms: _RateTerms = {"assumed_rate": True} if route.is_assumed else {}
    if route.is_converted:
        terms |= {"buy_raw_price": raw_ask, "sell_raw_price": raw_bid}
        if rate := route.rate_used():
            terms["quote_rate"] = rate
    return terms


def _usual_terms(usual: Usual | None, gross_pct: float) -> _UsualTerms:
    if usual is None:
        return {}
    return {"basis_pct": rounded(usual.median_pct, 1e4), "zscore": rounded(usual.zscore(gross_pct), 1e2)}


def rounded(number: float, per_unit: float) -> float:
    """To a whole number of parts of a unit, of which there may be 2**51. `round` is right about decimal ties too, but
    its code is never in the caches when a signal needs it, and costs twenty times this then."""
    return (number * per_unit + _NO_FRACTIONS - _NO_FRACTIONS) / per_unit
