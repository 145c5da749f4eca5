"""The connections of each venue taken together, as every viewer judges them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import QuoteRow

LARGE_LAG_MS = 1000.0
"""Data that come later than this, by the venue's own time, are worth a warning."""
_WORST_FIRST = (
    FeedState.DOWN,
    FeedState.SILENT,
    FeedState.LISTING,
    FeedState.CONNECTING,
    FeedState.SUBSCRIBED,
    FeedState.LIVE,
)


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """One venue's connections taken together: the worst state among them, and since when."""

    venue: str
    state: FeedState
    since_ms: float
    detail: str
    retry_in_s: float | None
    lag_ms: float | None
    """The largest among them."""


def venue_healths(feeds: Iterable[FeedHealth]) -> list[VenueHealth]:
    """The venues in alphabetical order."""
    by_venue: dict[str, list[FeedHealth]] = {}
    for feed in feeds:
        by_venue.setdefault(feed.venue, []).append(feed)
    healths = []
    for venue, members in sorted(by_venue.items()):
        worst = min(members, key=lambda each: state_rank(each.state))
        lag_ms = max((each.lag_ms for each in members if each.lag_ms is not None), default=None)
        healths.append(VenueHealth(venue, worst.state, worst.since_ms, worst.detail, worst.retry_in_s, lag_ms))
    return healths


def frozen_venues(instruments: Iterable[Instrument], quotes: Mapping[int, QuoteRow]) -> dict[str, Reason]:
    """The venues with more frozen streams than live ones: each with the reason of the one
    whose peers moved furthest."""
    alive: Counter[str] = Counter()
    frozen: dict[str, list[Reason]] = defaultdict(list)
    for each in instruments:
        row = quotes.get(each.id)
        if row is None or row.ts_recv_ms <= 0.0:
            continue
        if row.reason is None:
            alive[each.venue] += 1
        elif row.reason.code is ReasonCode.FROZEN:
            frozen[each.venue].append(row.reason)
    return {
        venue: max(reasons, key=lambda reason: reason.peers_median or 0.0)
        for venue, reasons in frozen.items()
        if len(reasons) > alive[venue]
    }


def state_rank(state: FeedState) -> int:
    """0 for the worst."""
    return _WORST_FIRST.index(state)
