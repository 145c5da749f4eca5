"""A best bid and ask with their sizes, and the pure test that says whether it can be believed."""

from math import inf

from msgspec import Struct

from arbsniper_tui.model.reason import Reason, ReasonCode


class Quote(Struct, frozen=True, array_like=True, gc=False):
    """The top of one instrument's book, as the venue showed it.

    Prices are in the instrument's own quote currency, sizes in base coins. An empty side has price 0.
    """

    instrument_id: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    ts_venue_ms: int | None = None
    """The venue's own time, ms since 1970; None where it sends none."""
    venue_seq: int | None = None
    """The venue's number for this state; None where it sends none."""


def defect(quote: Quote) -> Reason | None:
    """Why a quote cannot be believed, or None. An infinite or NaN number fails every comparison."""
    if 0.0 < quote.bid <= quote.ask < inf and 0.0 < quote.bid_size < inf and 0.0 < quote.ask_size < inf:
        return None
    if not (0.0 < quote.bid < inf):
        return Reason(ReasonCode.NO_BID if quote.bid == 0.0 else ReasonCode.INVALID_BID)
    if not (0.0 < quote.ask < inf):
        return Reason(ReasonCode.NO_ASK if quote.ask == 0.0 else ReasonCode.INVALID_ASK)
    if not (0.0 < quote.bid_size < inf) or not (0.0 < quote.ask_size < inf):
        return Reason(ReasonCode.INVALID_SIZE)
    return Reason(ReasonCode.CROSSED)


def is_older(quote: Quote, held: Quote) -> bool:
    """Whether the venue itself says that `quote` comes before `held`, by its sequence or else by its time."""
    if quote.venue_seq is not None and held.venue_seq is not None:
        return quote.venue_seq < held.venue_seq
    if quote.ts_venue_ms is not None and held.ts_venue_ms is not None:
        return quote.ts_venue_ms < held.ts_venue_ms
    return False


class Withdrawal(Struct, frozen=True, array_like=True, gc=False):
    """These instruments take no part until their next quote, and why."""

    instrument_ids: tuple[int, ...]
    reason: Reason
