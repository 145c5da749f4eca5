"""How a node is, as a tree of its parts: made from a viewer's snapshot for scripts and health checks. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from arbsniper_tui.model.health import FeedHealth, FeedState, RedisState, WorkerHealth
from arbsniper_tui.model.reason import Reason, reason_words
from arbsniper_tui.model.view import NodeIntro, NodeStatus
from arbsniper_tui.model.words import counted
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_health import LARGE_LAG_MS, frozen_venues

CLOCK_WITHIN_S = 2.0
"""The node's time is that of its last view, and may be so much older than this machine's."""
_OPEN = (FeedState.SUBSCRIBED, FeedState.LIVE, FeedState.SILENT)


class PartState(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    """It does its work, but not all of it."""
    DOWN = "down"


class Part(Struct, frozen=True):
    """A part of a node, and what it is made of."""

    name: str
    """`workers`, `bus`, `redis`, `venues`, `clock`, `memory`, `viewers`, `recording`, or over HTTP `api`; below these a
    worker, a venue, or a connection such as `okx perp`."""
    state: PartState
    """How it is."""
    words: str
    """What there is; where it is not `ok`, what was expected and what was found."""
    is_needed: bool = True
    """Whether what it belongs to is down with it."""
    figures: dict[str, float] = {}
    """What it has counted; units stand in the names."""
    parts: tuple["Part", ...] = ()
    """What it is made of."""


class Figures(Struct, frozen=True):
    """What a node has done."""

    exchanges_live: int
    """Exchanges of which every connection is live."""
    exchanges: int
    """All that are watched."""
    quotes: int
    """Quotes taken of the instruments that are watched now."""
    quotes_per_s: float
    """Quotes a second, now."""
    signals: int
    """Signals sent."""
    open_opportunities: int
    """Opportunities that are open now."""
    uptime_s: float
    """Time since the start, in seconds."""
    connections: int
    """Open connections to exchanges."""
    viewers: int
    """Terminals and programs that watch the node."""


class NodeHealth(Struct, frozen=True):
    """A whole node."""

    state: PartState
    """`down` where it is not ready."""
    is_live: bool
    """Whether it answers."""
    is_ready: bool
    """Whether everything runs that it needs."""
    words: str
    """What is not well, what is down first; empty where all is well."""
    node: str = ""
    """Its name; empty where it does not answer."""
    version: str = ""
    """Of the program."""
    mode: str = ""
    """`live`, `demo` or `replay`."""
    pid: int = 0
    """The process that was started; 0 where it does not answer."""
    figures: Figures | None = None
    """Null where it does not answer."""
    parts: tuple[Part, ...] = ()
    """Its parts."""


def unanswered(why: str) -> NodeHealth:
    """The health of a node that does not answer."""
    return NodeHealth(PartState.DOWN, is_live=False, is_ready=False, words=why)


def health_of(snapshot: Snapshot, processes: Mapping[int, ProcessReading], wall_ms: float) -> NodeHealth:
    """The health of the node that a snapshot shows. `processes` are those of its processes that can be looked at, by
    process id; `wall_ms` is this machine's clock, ms since 1970."""
    intro, status = snapshot.intro, snapshot.status
    if snapshot.lost_contact or intro is None or status is None:
        return unanswered(snapshot.lost_contact or "expected the node's state, and none has come yet")
    venues = _venues(snapshot, intro, status)
    found = (
        _workers(snapshot, intro, processes),
        _bus(snapshot, status),
        _redis(snapshot),
        venues,
        _clock(intro, status, wall_ms),
        _memory(processes),
        Part("viewers", PartState.OK, counted(status.viewers, "viewer"), figures={"viewers": status.viewers}),
        _recording(snapshot),
    )
    parts = tuple(each for each in found if each is not None)
    state = _together(parts)
    ailing = [each for each in parts if each.state is not PartState.OK]
    # What makes the node not ready comes first.
    ailing.sort(key=lambda each: each.state is not PartState.DOWN or not each.is_needed)
    return NodeHealth(
        state,
        is_live=True,
        is_ready=state is not PartState.DOWN,
        words="; ".join(f"{each.name}: {each.words}" for each in ailing),
        node=intro.node,
        version=intro.version,
        mode=intro.mode,
        pid=intro.pid,
        figures=_figures(snapshot, status, venues),
        parts=parts,
    )


def pids_of(snapshot: Snapshot) -> tuple[int, ...]:
    """The processes of the node that should run: the one that was started, and its workers."""
    own = () if snapshot.intro is None else (snapshot.intro.pid,)
    return (*own, *(each.pid for each in snapshot.workers.values() if each.up))


def _together(parts: Sequence[Part]) -> PartState:
    """Down with any part that is needed, and well only where every part is."""
    if any(each.state is PartState.DOWN and each.is_needed for each in parts):
        return PartState.DOWN
    return PartState.OK if all(each.state is PartState.OK for each in parts) else PartState.DEGRADED


def _not_well(parts: Iterable[Part]) -> str:
    return ", ".join(f"{each.name} {each.state}" for each in parts if each.state is not PartState.OK)


def _figures(snapshot: Snapshot, status: NodeStatus, venues: Part) -> Figures:
    return Figures(
        exchanges_live=round(venues.figures["live"]),
        exchanges=len(venues.parts),
        quotes=sum(row.quotes for row in snapshot.quotes.values()),
        quotes_per_s=status.quotes_per_s,
        signals=status.signals,
        open_opportunities=status.open_opportunities,
        uptime_s=status.uptime_s,
        connections=sum(feed.state in _OPEN for feed in snapshot.feeds.values()),
        viewers=status.viewers,
    )


def _workers(snapshot: Snapshot, intro: NodeIntro, processes: Mapping[int, ProcessReading]) -> Part:
    # The process that was started looks after the others: stopped, it would not notice that one of them ends.
    supervisor = WorkerHealth("supervisor", intro.pid, up=True)
    known = (supervisor, *sorted(snapshot.workers.values(), key=lambda each: each.name))
    parts = tuple(_worker(each, processes.get(each.pid)) for each in known)
    up = sum(each.state is PartState.OK for each in parts)
    words = f"{len(parts)} processes run"
    if up < len(parts):
        words = f"expected {len(parts)} processes to run, found {up}: {_not_well(parts)}"
    restarts = sum(each.restarts for each in known)
    return Part("workers", _together(parts), words, figures={"up": up, "restarts": restarts}, parts=parts)


def _worker(worker: WorkerHealth, reading: ProcessReading | None) -> Part:
    state, words = PartState.OK, f"process {worker.pid}"
    if not worker.up:
        state, words = PartState.DOWN, f"expected it to run, found that process {worker.pid} {worker.detail}"
    elif reading is not None and reading.is_stopped:
        state = PartState.DOWN
        words = f"expected process {worker.pid} to run, found it stopped: `kill -CONT {worker.pid}` lets it go on"
    elif worker.detail:
        words += f": {worker.detail}"
    figures: dict[str, float] = {"pid": worker.pid, "restarts": worker.restarts}
    if reading is not None and worker.up:
        figures["memory_bytes"] = reading.memory_bytes
    return Part(worker.name, state, words, worker.is_needed, figures)


def _bus(snapshot: Snapshot, status: NodeStatus) -> Part:
    # What was sent before all instruments were replaced by others says nothing of these.
    sent = sum(feed.quotes for feed in snapshot.feeds.values() if feed.state is FeedState.LIVE)
    taken = sum(row.quotes for row in snapshot.quotes.values())
    figures = {"quotes_per_s": status.quotes_per_s, "quotes_taken": taken, "quotes_conflated": status.conflated}
    if sent and not taken:
        words = f"expected the quotes of the feeds at the spread worker, found none of {sent:,}"
        return Part("bus", PartState.DOWN, words, figures=figures)
    words = f"{status.quotes_per_s:,.0f} quotes a second, {status.conflated:,} replaced by newer ones on their way"
    return Part("bus", PartState.OK, words, figures=figures)


def _redis(snapshot: Snapshot) -> Part:
    redis = snapshot.redis
    figures: dict[str, float] = {"signals_waiting": redis.waiting, "signals_lost": redis.lost}
    if redis.rtt_ms is not None:
        figures["rtt_ms"] = redis.rtt_ms
    words = " ".join(word for word in (redis.source, redis.address) if word)
    if redis.waiting or redis.lost:
        words += f"; signals: {redis.waiting:,} waiting, {redis.lost:,} lost"
    if redis.state is RedisState.OFF:
        return Part("redis", PartState.OK, redis.detail or "off", figures=figures)
    detail = f": {redis.detail}" if redis.detail else ""
    if redis.state is RedisState.UP:
        return Part("redis", PartState.OK, words + detail, figures=figures)
    said = f"expected it to take signals, found it {redis.state.value}: {words}{detail}"
    return Part("redis", PartState.DOWN, said, figures=figures)


def _venues(snapshot: Snapshot, intro: NodeIntro, status: NodeStatus) -> Part:
    feeds: dict[str, list[FeedHealth]] = {each.venue: [] for each in intro.instruments}
    for _, feed in sorted(snapshot.feeds.items()):
        feeds.setdefault(feed.venue, []).append(feed)
    frozen = frozen_venues(intro.instruments, snapshot.quotes)
    parts = tuple(_venue(venue, feeds[venue], frozen.get(venue), status.clock_ms) for venue in sorted(feeds))
    live = sum(bool(each) and all(feed.state is FeedState.LIVE for feed in each) for each in feeds.values())
    # A market that is watched for its rate alone takes part in no route.
    of_routes = {each.id: each.venue for each in intro.instruments if not each.only_rate}
    priced = (
        i for each in feeds.values() for feed in each if feed.state is FeedState.LIVE for i in feed.instrument_ids
    )
    serving = len({of_routes[i] for i in priced if i in of_routes})
    # A route needs two venues, or its two markets where only one venue is watched.
    needed = max(1, min(2, len(set(of_routes.values()))))
    state = PartState.DOWN if serving < needed else _together(parts)
    words = f"{live} of {len(parts)} live"
    if state is not PartState.OK:
        words = ": ".join(filter(None, (f"expected {len(parts)} live, found {live}", _not_well(parts))))
    if state is PartState.DOWN:
        words += f"; prices come from {serving}, and {needed} are needed"
    return Part("venues", state, words, figures={"live": live, "serving": serving, "needed": needed}, parts=parts)


def _venue(venue: str, feeds: Sequence[FeedHealth], frozen: Reason | None, now_ms: float) -> Part:
    """Not needed, whatever its state: the node goes on with the others."""
    if not feeds:
        words = "expected a word of its feed worker, and none has come yet"
        return Part(venue, PartState.DOWN, words, is_needed=False)
    parts = tuple(_connection(feed, now_ms) for feed in feeds)
    state = PartState.DEGRADED if any(feed.state in _OPEN for feed in feeds) else PartState.DOWN
    if all(each.state is PartState.OK for each in parts):
        state = PartState.OK
    words = "; ".join(f"{each.name}: {each.words}" for each in parts if each.state is not PartState.OK)
    if state is PartState.OK and frozen is not None:
        state, words = PartState.DEGRADED, f"expected moving prices, found them {reason_words(frozen)}"
    return Part(venue, state, words or "live", is_needed=False, parts=parts)


def _connection(feed: FeedHealth, now_ms: float) -> Part:
    figures: dict[str, float] = {
        "connects": feed.connects,
        "frames": feed.frames,
        "quotes": feed.quotes,
        "dropped": sum(feed.dropped.values()),
        "instruments": len(feed.instrument_ids),
        "not_served": len(feed.rejected),
    }
    figures |= {name: ms for name, ms in (("rtt_ms", feed.rtt_ms), ("lag_ms", feed.lag_ms)) if ms is not None}
    state, words = PartState.OK, "live"
    if feed.state is not FeedState.LIVE:
        state = PartState.DEGRADED if feed.state in _OPEN else PartState.DOWN
        since = f" for {max(0.0, now_ms - feed.since_ms) / 1000:,.0f} s" if feed.since_ms else ""
        again = "" if feed.retry_in_s is None else f"; next attempt in {feed.retry_in_s:.0f} s"
        detail = f": {feed.detail}" if feed.detail else ""
        words = f"expected live, found {feed.state.value}{since}{detail}{again}"
    elif feed.lag_ms is not None and feed.lag_ms > LARGE_LAG_MS:
        state = PartState.DEGRADED
        words = f"expected data within {LARGE_LAG_MS:.0f} ms, found them {feed.lag_ms:,.0f} ms late"
    elif feed.facts:
        state, words = PartState.DEGRADED, f"expected funding and marks, found: {feed.facts}"
    return Part(feed.feed, state, words, is_needed=False, figures=figures)


def _clock(intro: NodeIntro, status: NodeStatus, wall_ms: float) -> Part:
    if intro.mode == "replay":
        return Part("clock", PartState.OK, "that of the tapes")
    ahead_s = (status.clock_ms - wall_ms) / 1000
    figures = {"ahead_s": ahead_s}
    if abs(ahead_s) > CLOCK_WITHIN_S:
        words = f"expected within {CLOCK_WITHIN_S:g} s of this machine's, found {abs(ahead_s):,.1f} s "
        words += "ahead" if ahead_s > 0 else "behind"
        return Part("clock", PartState.DEGRADED, words, figures=figures)
    return Part("clock", PartState.OK, "that of this machine", figures=figures)


def _memory(processes: Mapping[int, ProcessReading]) -> Part | None:
    """None where it cannot be known."""
    if not processes:
        return None
    total = sum(each.memory_bytes for each in processes.values())
    words = f"{total / 2**20:,.0f} MiB in {len(processes)} processes"
    return Part("memory", PartState.OK, words, figures={"memory_bytes": total})


def _recording(snapshot: Snapshot) -> Part | None:
    """None where nothing is recorded. Not needed: signals go on without it."""
    recording = snapshot.recording
    if recording is None:
        return None
    figures: dict[str, float] = {"frames": recording.frames, "bytes": recording.bytes}
    if recording.failure:
        words = f"expected every frame on tape, found: {recording.failure}"
        return Part("recording", PartState.DOWN, words, is_needed=False, figures=figures)
    return Part("recording", PartState.OK, f"{recording.frames:,} frames in {recording.folder}", figures=figures)
