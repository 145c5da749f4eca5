"""What one look at the node gives to metrics: its snapshot, and its instruments counted by venue and market."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from arbsniper_tui.model.health import FeedHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.model.view import NodeIntro, NodeStatus
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session.health import NodeHealth
from arbsniper_tui.session.snapshot import Snapshot

Place = tuple[str, str]
"""A venue and a market."""


@dataclass(slots=True)
class InstrumentCounts:
    """The instruments of one place."""

    live: int = 0
    """Whose quote takes part."""
    waiting: Counter[ReasonCode] = field(default_factory=Counter)
    """Whose quote does not, by reason."""
    ages_s: list[float] = field(default_factory=list)
    """Of those that have a quote, the youngest first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A node that answers."""

    snapshot: Snapshot
    intro: NodeIntro
    status: NodeStatus
    health: NodeHealth
    processes: Mapping[int, ProcessReading]
    feeds: Mapping[Place, list[FeedHealth]]
    instruments: Mapping[Place, InstrumentCounts]


def look(
    snapshot: Snapshot,
    instruments: Mapping[int, Instrument],
    health: NodeHealth,
    processes: Mapping[int, ProcessReading],
) -> Seen | None:
    """What the snapshot of a node shows; None where the node does not answer."""
    if snapshot.intro is None or snapshot.status is None or snapshot.lost_contact:
        return None
    feeds: dict[Place, list[FeedHealth]] = {}
    for name in sorted(snapshot.feeds):
        feed = snapshot.feeds[name]
        feeds.setdefault(_place_of(feed), []).append(feed)
    counts = _count(snapshot, instruments, snapshot.status.clock_ms)
    return Seen(snapshot, snapshot.intro, snapshot.status, health, processes, feeds, counts)


def _place_of(feed: FeedHealth) -> Place:
    """A connection is named by venue and market, with a number where a market has several: `okx perp 2`."""
    return feed.venue, feed.feed.removeprefix(f"{feed.venue} ").partition(" ")[0]


def _count(snapshot: Snapshot, instruments: Mapping[int, Instrument], clock_ms: float) -> dict[Place, InstrumentCounts]:
    counts: dict[Place, InstrumentCounts] = {}
    for i, instrument in instruments.items():
        place = instrument.venue, instrument.market.value
        found = counts.get(place)
        if found is None:
            found = counts[place] = InstrumentCounts()
        row = snapshot.quotes.get(i)
        if row is None or row.ts_recv_ms <= 0.0:
            found.waiting[ReasonCode.NO_DATA if row is None or row.reason is None else row.reason.code] += 1
            continue
        found.ages_s.append(max(0.0, clock_ms - row.ts_recv_ms) / 1000)
        if row.reason is None:
            found.live += 1
        else:
            found.waiting[row.reason.code] += 1
    for found in counts.values():
        found.ages_s.sort()
    return dict(sorted(counts.items()))
