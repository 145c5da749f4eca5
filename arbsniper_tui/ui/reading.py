"""What a snapshot says beyond its rows: counted prices, best bid and ask, what a row waits for. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import NodeStatus, QuoteRow, RouteRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt

_WORST_FIRST = (
    FeedState.DOWN,
    FeedState.SILENT,
    FeedState.LISTING,
    FeedState.CONNECTING,
    FeedState.SUBSCRIBED,
    FeedState.LIVE,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A quote's prices in the currency that counts, from the side at which that currency is changed."""

    bid: float
    ask: float


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """One venue's connections taken together: the worst state among them, and since when."""

    venue: str
    state: FeedState
    since_ms: float
    detail: str
    retry_in_s: float | None


def counted(instrument: Instrument, quote: QuoteRow, quotes: Mapping[int, QuoteRow]) -> Counted | None:
    """The counted prices of a quote; None while its live rate is not known."""
    if instrument.rate_id is None:
        return Counted(quote.bid, quote.ask)
    rate = quotes.get(instrument.rate_id)
    if rate is None or rate.reason or rate.bid <= 0.0 or rate.ask <= 0.0:
        return None
    if instrument.rate_inverted:
        return Counted(quote.bid / rate.ask, quote.ask / rate.bid)
    return Counted(quote.bid * rate.bid, quote.ask * rate.ask)


def native_quote(symbol: str) -> str:
    """The quote currency of a unified symbol."""
    return symbol.partition("/")[2].partition(":")[0]


def place(instrument: Instrument) -> str:
    """Its venue, and its own quote currency where that is not the one that counts: `okx`, `kraken USD`."""
    native = native_quote(instrument.symbol)
    return instrument.venue if native == instrument.counted_quote else f"{instrument.venue} {native}"


def best_of(instruments: Iterable[Instrument], quotes: Mapping[int, QuoteRow]) -> tuple[int, int]:
    """The ids of the best bid and the best ask among the quotes that take part; -1 where there is none."""
    best_bid, best_ask = 0.0, 0.0
    bid_id = ask_id = -1
    for instrument in instruments:
        quote = quotes.get(instrument.id)
        if quote is None or quote.reason or quote.ts_recv_ms <= 0.0:
            continue
        prices = counted(instrument, quote, quotes)
        if prices is None:
            continue
        if prices.bid > best_bid:
            best_bid, bid_id = prices.bid, instrument.id
        if ask_id < 0 or prices.ask < best_ask:
            best_ask, ask_id = prices.ask, instrument.id
    return bid_id, ask_id


def wanting(instrument: Instrument, feeds: Iterable[FeedHealth]) -> str:
    """What an instrument without a quote waits for, in words."""
    for feed in feeds:
        if feed.venue != instrument.venue:
            continue
        if instrument.symbol in feed.rejected:
            return f"not served: {feed.rejected[instrument.symbol]}"
        if instrument.id not in feed.instrument_ids or feed.state is FeedState.LIVE:
            continue
        if feed.state is FeedState.LISTING:
            return f"waiting for the instrument list of {feed.venue}"
        if feed.state is FeedState.DOWN:
            return f"feed down: {feed.detail}" if feed.detail else "feed down"
        if feed.state is FeedState.CONNECTING:
            return f"connecting to {feed.venue}"
    return f"waiting for the first quote of {instrument.venue}"


def is_absent(instrument: Instrument, feeds: Iterable[FeedHealth]) -> bool:
    """Whether its venue does not list an instrument that nobody asked for by name."""
    return instrument.implied and any(
        feed.venue == instrument.venue and instrument.symbol in feed.rejected for feed in feeds
    )


def venue_healths(feeds: Iterable[FeedHealth]) -> list[VenueHealth]:
    """The venues in alphabetical order."""
    by_venue: dict[str, FeedHealth] = {}
    for feed in feeds:
        held = by_venue.get(feed.venue)
        if held is None or _WORST_FIRST.index(feed.state) < _WORST_FIRST.index(held.state):
            by_venue[feed.venue] = feed
    return [
        VenueHealth(venue, feed.state, feed.since_ms, feed.detail, feed.retry_in_s)
        for venue, feed in sorted(by_venue.items())
    ]


def state_rank(state: FeedState) -> int:
    """0 for the worst."""
    return _WORST_FIRST.index(state)


def age_ms(quote: QuoteRow, status: NodeStatus | None) -> float | None:
    """By the node's clock; None where that or the quote is missing."""
    if status is None or quote.ts_recv_ms <= 0.0:
        return None
    return max(0.0, status.clock_ms - quote.ts_recv_ms)


def instruments_of(snapshot: Snapshot) -> dict[int, Instrument]:
    return {} if snapshot.intro is None else {each.id: each for each in snapshot.intro.instruments}


def route_state(route: RouteRow, width: int = 80) -> str:
    """How long its opportunity is open, or the first reason why there is none; without venue and bound where the
    room is short, since both stand elsewhere on the screen."""
    if not route.reason:
        return f"open {fmt.age(route.open_ms)}"
    # The spread stands in the same row: what is left to say is the bound.
    _, below, bound = route.reason.partition(" is not above ")
    said, short = (f"below {bound}", "below") if below else (route.reason, route.reason.rpartition(": ")[2])
    return said if len(said) <= width else short


def settled(
    order: Sequence[tuple[int, int]], value_of: Mapping[tuple[int, int], float], margin: float
) -> list[tuple[int, int]]:
    """`order` with the largest values first, where a row passes another only by more than `margin`.

    Rows that are new find their place; rows without a value leave.
    """
    result: list[tuple[int, int]] = []
    known = [key for key in order if key in value_of]
    held = set(known)
    for key in (*known, *(key for key in value_of if key not in held)):
        place = len(result)
        while place and value_of[key] > value_of[result[place - 1]] + margin:
            place -= 1
        result.insert(place, key)
    return result
