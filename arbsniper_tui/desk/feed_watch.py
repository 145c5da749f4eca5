"""What the spread worker knows of its feeds: their reports, and the silence of a worker that sends none."""

from msgspec.structs import replace

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.health import FeedHealth, FeedState, RecordingHealth, WorkerHealth
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import EventKind, Signal
from arbsniper_tui.wire.messages import HealthReport, WorkerReport

SILENT_AFTER_NS = 3_000_000_000
_SERVING = (FeedState.LIVE, FeedState.SILENT)


class FeedWatch:
    """Turns health into events, and withdraws the quotes of a feed worker that has gone silent."""

    def __init__(self, detector: Detector, journal: Journal) -> None:
        self._detector = detector
        self._journal = journal
        self.feeds: dict[str, FeedHealth] = {}
        self.workers: dict[str, WorkerHealth] = {}
        self._conflated: dict[str, int] = {}
        self._recordings: dict[str, RecordingHealth] = {}
        self.changed_feeds: set[str] = set()
        self.has_lost_feeds = False
        """Whether feeds are gone that viewers were told of. Whoever tells them clears it."""
        self._feeds_of: dict[str, set[str]] = {}
        self.changed_workers: set[str] = set()
        self._heard_ns: dict[str, int] = {}
        self._sent_ns: dict[str, int] = {}
        self._served_by: dict[str, tuple[int, ...]] = {}
        self._pids: dict[str, int] = {}
        """The process that each worker last reported from."""
        self._ended: set[int] = set()
        """Processes that the supervisor has called dead: what they sent before may be read after that."""
        self._lost: set[str] = set()
        self._up: set[str] = set()
        self._down: set[str] = set()

    def take(self, report: HealthReport, now_ns: int) -> list[Signal]:
        """A report: the new state of its feeds, with an event for each that went up or down. The first of another
        process says that the one before is dead, if the supervisor has not said so yet: what that fed is withdrawn."""
        if report.pid in self._ended:
            return []
        signals: list[Signal] = []
        before = self._pids.get(report.worker, report.pid)
        if before != report.pid and before not in self._ended:
            self._ended.add(before)
            signals = self.lose(report.worker, Reason(ReasonCode.FEED_DOWN), now_ns)
        self._pids[report.worker] = report.pid
        self._heard_ns[report.worker] = now_ns
        self._sent_ns[report.worker] = report.sent_ns
        self._lost.discard(report.worker)
        self._served_by[report.worker] = tuple(i for feed in report.feeds for i in feed.instrument_ids)
        self._forget_feeds(report)
        self._conflated[report.worker] = report.conflated
        if report.recording is not None:
            self._recordings[report.worker] = report.recording
        for health in report.feeds:
            self.feeds[health.feed] = health
            self.changed_feeds.add(health.feed)
            if health.state in _SERVING:
                if health.feed not in self._up:
                    self._up.add(health.feed)
                    self._down.discard(health.feed)
                    self._write("venue_up", health, now_ns)
            elif health.state is FeedState.DOWN:
                self._tell_down(health, now_ns)
        return signals

    def _forget_feeds(self, report: HealthReport) -> None:
        """A feed that its worker does not report any more is not wanted any more."""
        names = {health.feed for health in report.feeds}
        for name in self._feeds_of.get(report.worker, set()) - names:
            self.feeds.pop(name, None)
            self.has_lost_feeds = True
            for each in (self.changed_feeds, self._up, self._down):
                each.discard(name)
        self._feeds_of[report.worker] = names

    @property
    def conflated(self) -> int:
        """Quotes that newer ones replaced on their way here, of all workers."""
        return sum(self._conflated.values())

    @property
    def recording(self) -> RecordingHealth | None:
        """What all workers record together; None where nothing is recorded."""
        each = list(self._recordings.values())
        if len(each) < 2:
            return each[0] if each else None
        failure = next((one.failure for one in each if one.failure), "")
        return RecordingHealth(each[0].folder, sum(one.frames for one in each), sum(one.bytes for one in each), failure)

    def wake(self, now_ns: int) -> None:
        """This process did not run for a while: the silence of others in that time says nothing of them."""
        self._heard_ns = dict.fromkeys(self._heard_ns, now_ns)

    def have_all_reported_since(self, since_ns: int) -> bool:
        """Whether every worker that is not lost has sent a report after this moment."""
        return all(sent_ns >= since_ns for worker, sent_ns in self._sent_ns.items() if worker not in self._lost)

    def check(self, now_ns: int) -> list[Signal]:
        """Withdraw what a worker fed that has not reported for 3 s: it may hang, and its quotes with it."""
        signals: list[Signal] = []
        for worker, heard_ns in self._heard_ns.items():
            if worker not in self._lost and now_ns - heard_ns > SILENT_AFTER_NS:
                signals += self.lose(worker, Reason(ReasonCode.FEED_SILENT), now_ns)
        return signals

    def notice(self, worker: WorkerHealth, now_ns: int) -> list[Signal]:
        """The supervisor's word on a process. It may come late, when the next process has reported already."""
        known = self.workers.get(worker.name)
        if known is not None and (worker == known or (worker.up and worker == replace(known, detail=""))):
            return []  # sent again, because its answer was late
        self.workers[worker.name] = worker
        self.changed_workers.add(worker.name)
        if known is None and worker.up:
            return []
        wall_ms = (now_ns + self._detector.wall_offset_ns) // 1_000_000
        detail = f"{worker.name}: {worker.detail}" if worker.detail else worker.name
        self._journal.write("worker_up" if worker.up else "worker_down", wall_ms, now_ns, detail=detail)
        if worker.up:
            self._ended.discard(worker.pid)
            return []
        self._ended.add(worker.pid)
        if self._pids.get(worker.name, worker.pid) != worker.pid:
            return []
        return self.lose(worker.name, Reason(ReasonCode.FEED_DOWN), now_ns)

    def describe(self, report: WorkerReport) -> None:
        """A worker's word on itself, until it is another process."""
        known = self.workers.get(report.name)
        if known is not None and known.up and known.pid == report.pid and known.detail != report.detail:
            self.workers[report.name] = replace(known, detail=clean_text(report.detail))
            self.changed_workers.add(report.name)

    def lose(self, worker: str, reason: Reason, now_ns: int) -> list[Signal]:
        """Withdraw all that a worker fed, and show its feeds as down."""
        signals: list[Signal] = []
        words = reason_words(reason)
        self._lost.add(worker)
        served = dict.fromkeys(self._served_by.get(worker, ()))
        for instrument_id in served:
            signals += self._detector.withdraw(instrument_id, reason, now_ns)
        for name, health in self.feeds.items():
            if not served.keys().isdisjoint(health.instrument_ids) and health.state is not FeedState.DOWN:
                down = FeedHealth(
                    health.feed,
                    health.venue,
                    FeedState.DOWN,
                    words,
                    health.instrument_ids,
                    # A worker that only hung goes on counting from these.
                    connects=health.connects,
                    frames=health.frames,
                    quotes=health.quotes,
                    bytes=health.bytes,
                    dropped=health.dropped,
                    conflated=health.conflated,
                )
                self.feeds[name] = down
                self.changed_feeds.add(name)
                self._tell_down(down, now_ns)
        return signals

    def _tell_down(self, health: FeedHealth, now_ns: int) -> None:
        """Once for each outage: the reasons for which further attempts fail stand in the feed's health."""
        if health.feed not in self._down:
            self._up.discard(health.feed)
            self._down.add(health.feed)
            self._write("venue_down", health, now_ns)

    def _write(self, kind: EventKind, health: FeedHealth, now_ns: int) -> None:
        wall_ms = (now_ns + self._detector.wall_offset_ns) // 1_000_000
        self._journal.write(
            kind,
            wall_ms,
            now_ns,
            exchange=health.venue,
            market=health.feed.partition(" ")[2],
            detail=health.detail,
        )
