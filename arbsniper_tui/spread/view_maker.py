"""Makes views for viewers from the state of the deciding process."""

from collections.abc import Sequence

import msgspec

from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.rows import Rows
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import RouteKey
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import RedisHealth
from arbsniper_tui.model.view import NodeIntro, NodeStatus
from arbsniper_tui.runtime import clock
from arbsniper_tui.sinks.sink import Sink
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.wire.messages import View

_STAGES_EVERY_NS = 500_000_000


class ViewMaker:
    """Remembers what the last view told, so that the next tells only what is new. Times are the detector's, in ns."""

    def __init__(
        self,
        plan: SpreadPlan,
        detector: Detector,
        journal: Journal,
        feeds: FeedWatch,
        stages: Stages,
        sink: Sink,
        facts: NewestFacts,
    ) -> None:
        self._plan = plan
        self._detector = detector
        self._journal = journal
        self._feeds = feeds
        self._stages = stages
        self._sink = sink
        self._facts = facts
        self.rows = Rows(detector)
        self.viewers = 0
        self._rate_per_s = 0.0
        self._rated = (0, 0)
        self._stages_due_ns = 0
        self._redis_told: RedisHealth | None = None

    def intro(self) -> NodeIntro:
        """The introduction, with the instruments watched now."""
        detector = self._detector
        watched = tuple(leg.instrument for leg in detector.legs.shown.values())
        return msgspec.structs.replace(self._plan.intro, instruments=watched, routes=len(detector.routes.all))

    def whole(self, now_ns: int, named: Sequence[RouteKey] = ()) -> View:
        """Everything that there is. It takes nothing away from the next `changes`."""
        rows, feeds = self.rows, self._feeds
        return View(
            number=0,
            is_full=True,
            status=self._status(now_ns),
            quotes=rows.all_quotes(now_ns),
            routes=rows.largest_routes(now_ns),
            feeds=tuple(feeds.feeds[name] for name in sorted(feeds.feeds)),
            workers=tuple(feeds.workers[name] for name in sorted(feeds.workers)),
            redis=self._sink.health(),
            stages=self._stages.rows(),
            last_event=self._journal.last_seq,
            recording=feeds.recording,
            named_routes=rows.named_routes(named, now_ns),
            routes_watched=len(self._detector.routes.all),
            facts=self._facts.all_rows(self._detector.wall_offset_ns),
        )

    def changes(self, now_ns: int, mono_ns: int, named: Sequence[RouteKey] = ()) -> View:
        """What changed since the last call; the latency twice a second of `mono_ns`."""
        rows, feeds = self.rows, self._feeds
        quotes = rows.changed_quotes(now_ns)
        feed_names, worker_names = feeds.changed_feeds, feeds.changed_workers
        feeds.changed_feeds, feeds.changed_workers = set(), set()
        added, removed = rows.changed_instruments()
        redis = self._sink.health()
        tells_redis, self._redis_told = redis != self._redis_told, redis
        tells_stages = mono_ns >= self._stages_due_ns
        if tells_stages:
            self._stages_due_ns = mono_ns + _STAGES_EVERY_NS
        return View(
            number=0,
            is_full=False,
            status=self._status(now_ns),
            quotes=quotes,
            routes=rows.largest_routes(now_ns),
            feeds=tuple(feeds.feeds[name] for name in sorted(feed_names)),
            workers=tuple(feeds.workers[name] for name in sorted(worker_names)),
            redis=redis if tells_redis else None,
            stages=self._stages.rows() if tells_stages else (),
            last_event=self._journal.last_seq,
            recording=feeds.recording,
            named_routes=rows.named_routes(named, now_ns),
            added=added,
            removed=removed,
            routes_watched=len(self._detector.routes.all),
            facts=self._facts.changed_rows(self._detector.wall_offset_ns),
        )

    def measure_rate(self, mono_ns: int) -> None:
        """Quotes a second since the last call."""
        received = sum(leg.received for leg in self._detector.legs.shown.values())
        before, since_ns = self._rated
        if since_ns:
            self._rate_per_s = max(0, received - before) / max((mono_ns - since_ns) / 1e9, 1e-3)
        self._rated = (received, mono_ns)

    def _status(self, now_ns: int) -> NodeStatus:
        return NodeStatus(
            threshold_pct=self._detector.rules.threshold_pct,
            basis=self._detector.rules.basis,
            quotes_per_s=round(self._rate_per_s, 1),
            signals=self._detector.signal_seq,
            open_opportunities=self._detector.open_count,
            uptime_s=(clock.now_ns() - self._plan.started_ns) / 1e9,
            clock_ms=(now_ns + self._detector.wall_offset_ns) / 1e6,
            viewers=self.viewers,
            conflated=self._feeds.conflated,
        )
