"""A demo node that is watched: started, waited for, and measured over a span of time."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from types import TracebackType

from arbsniper_tui.model.errors import BenchmarkStopped, NodeUnreachable, WorkerLost
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.view import StageRow
from arbsniper_tui.node.launch import FEED, SPREAD, Launch
from arbsniper_tui.node.node import Node
from arbsniper_tui.runtime.node_folder import REDIS_SOCKET
from arbsniper_tui.session.session import Session
from arbsniper_tui.tools.benchmark.arrivals import Listener
from arbsniper_tui.tools.benchmark.processor import cpu_s
from arbsniper_tui.tools.benchmark.report import Load, Stage, WorkerCpu

LIVE_WITHIN_S = 60.0
_PULL_EVERY_S = 0.05
_LOWEST_US = 8
"""The first of the drawn buckets ends here; each of the others is twice as wide as the one before."""


class MeasuredNode:
    """A node and a session with it; leaving the block stops everything.

    `is_stopping` is called between any two waits, and ends the measurement when it returns true.
    """

    def __init__(self, launch: Launch, is_stopping: Callable[[], bool]) -> None:
        self._launch = launch
        self._is_stopping = is_stopping
        self._node = Node(launch)
        self._session: Session | None = None
        self.folder = ""

    def __enter__(self) -> "MeasuredNode":
        try:
            endpoints = self._node.start()
            self.folder = str(endpoints.folder)
            self._session = Session(endpoints)
            self._wait_until_live()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def run(self, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Look after the node for a while."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._look()
            meanwhile()

    def set_threshold(self, threshold_pct: float) -> None:
        """From now on."""
        assert self._session is not None
        self._session.set_threshold(threshold_pct)

    def load(self, name: str, seconds: float) -> Load:
        """Measure for this long."""
        with self._listening() as listener:
            before = self._counts()
            self.run(seconds)
            after = self._counts()
            arrivals = listener.arrivals() if listener else None
        elapsed_s = after.at_s - before.at_s
        quotes = max(after.quotes - before.quotes, 1)
        return Load(
            name=name,
            asked_frames_per_s=self._launch.sim.frames_per_s,
            seconds=round(elapsed_s, 2),
            quotes_per_s=round((after.quotes - before.quotes) / elapsed_s, 1),
            conflated=after.conflated - before.conflated,
            stages=tuple(_stage(new, before.stages.get(new.name)) for new in after.stages.values()),
            cpu=tuple(
                WorkerCpu(
                    worker,
                    round((after.cpu_s[worker] - before.cpu_s[worker]) / elapsed_s * 100, 1),
                    round((after.cpu_s[worker] - before.cpu_s[worker]) / quotes * 1e6, 1),
                )
                for worker in (FEED, SPREAD)
            ),
            arrivals=arrivals,
        )

    @contextlib.contextmanager
    def _listening(self) -> Iterator[Listener | None]:
        assert self._session is not None
        if self._session.snapshot.redis.source != "embedded":
            yield None
            return
        with contextlib.closing(Listener(f"{self.folder}/{REDIS_SOCKET}")) as listener:
            yield listener

    def _counts(self) -> "_Counts":
        assert self._session is not None
        pids = self._node.pids
        snapshot = self._session.snapshot
        return _Counts(
            at_s=time.monotonic(),
            quotes=sum(row.quotes for row in snapshot.quotes.values()),
            conflated=snapshot.status.conflated if snapshot.status else 0,
            stages={row.name: row for row in snapshot.stages},
            cpu_s={worker: cpu_s(pids.get(worker, 0)) for worker in (FEED, SPREAD)},
        )

    def _wait_until_live(self) -> None:
        assert self._session is not None
        deadline_s = time.monotonic() + LIVE_WITHIN_S
        feeds = self._session.snapshot.feeds
        while not feeds or any(feed.state is not FeedState.LIVE for feed in feeds.values()):
            if time.monotonic() > deadline_s:
                waited = ", ".join(f"{feed.feed} {feed.state}" for feed in feeds.values()) or "no feed at all"
                raise NodeUnreachable(f"the simulated venues were not all live within {LIVE_WITHIN_S:g} s: {waited}")
            self._look()

    def _look(self) -> None:
        assert self._session is not None
        if self._is_stopping():
            raise BenchmarkStopped("stopped before the end")
        if why := self._node.supervise():
            raise WorkerLost(why)
        self._session.pull()
        time.sleep(_PULL_EVERY_S)

    def _stop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        self._node.stop()


class _Counts:
    """Everything that grows, at one moment."""

    def __init__(
        self, at_s: float, quotes: int, conflated: int, stages: dict[str, StageRow], cpu_s: dict[str, float]
    ) -> None:
        self.at_s = at_s
        self.quotes = quotes
        self.conflated = conflated
        self.stages = stages
        self.cpu_s = cpu_s


def _stage(now: StageRow, before: StageRow | None) -> Stage:
    earlier = before.counts if before else (0,) * len(now.counts)
    counts = [new - old for new, old in zip(now.counts, earlier, strict=True)]
    return Stage(now.name, sum(counts), quantile_us(counts, 0.5), quantile_us(counts, 0.99))


def quantile_us(counts: list[int], share: float) -> float:
    """The duration below which this share of the counted lies. Within a bucket, which spans a doubling, as many are
    taken to lie below its geometric middle as above."""
    wanted = share * sum(counts)
    seen = 0
    for bucket, count in enumerate(counts):
        if count and seen + count >= wanted:
            part = (wanted - seen) / count
            if bucket == 0:
                return round(_LOWEST_US * part, 1)
            return round(_LOWEST_US * math.exp2(bucket - 1 + part), 1)
        seen += count
    return 0.0
