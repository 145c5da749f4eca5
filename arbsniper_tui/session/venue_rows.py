"""What a snapshot says of each venue, for programs. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_health import venue_healths


class Venue(Struct, frozen=True):
    """One venue: the connections of one node to it taken together."""

    venue: str
    """The venue's id."""
    node: str
    """The node that watches it."""
    state: FeedState
    """The worst state among its connections."""
    detail: str
    """What went wrong, or what is awaited, in words."""
    since: float
    """Since when it is in this state."""
    lag_ms: float | None
    """How much later its data come than at their best; the largest of its connections."""
    connections: int
    """How many there are."""
    instruments: int
    """How many are watched on it."""
    live: int
    """Of how many of these the quote takes part."""
    frames: int
    """That came since the worker started."""
    quotes: int
    """That took part."""
    dropped: dict[str, int]
    """Frames and quotes that took no part, by reason."""


def venues_of(snapshot: Snapshot, instruments: Mapping[int, Instrument]) -> list[Venue]:
    """In alphabetical order."""
    watched = Counter(each.venue for each in instruments.values())
    live = Counter(each.venue for each in instruments.values() if is_live(each, snapshot))
    found = []
    for health in venue_healths(snapshot.feeds.values()):
        feeds = [feed for feed in snapshot.feeds.values() if feed.venue == health.venue]
        venue = Venue(
            venue=health.venue,
            node=snapshot.intro.node if snapshot.intro is not None else "",
            state=health.state,
            detail=health.detail,
            since=health.since_ms,
            lag_ms=health.lag_ms,
            connections=len(feeds),
            instruments=watched[health.venue],
            live=live[health.venue],
            frames=sum(feed.frames for feed in feeds),
            quotes=sum(feed.quotes for feed in feeds),
            dropped=_dropped(feeds),
        )
        found.append(venue)
    return found


def is_live(instrument: Instrument, snapshot: Snapshot) -> bool:
    """Whether its quote takes part."""
    quote = snapshot.quotes.get(instrument.id)
    return quote is not None and quote.ts_recv_ms > 0.0 and quote.reason is None


def _dropped(feeds: Iterable[FeedHealth]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for feed in feeds:
        found.update(feed.dropped)
    return dict(sorted(found.items()))
