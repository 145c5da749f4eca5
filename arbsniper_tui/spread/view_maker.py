"""Makes views for viewers from the state of the deciding process."""

from collections.abc import Callable, Sequence

import msgspec

from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.rows import Rows
from arbsniper_tui.desk.sampling import Sampling
from arbsniper_tui.desk.survival import Survival
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import RouteKey
from arbsniper_tui.engine.slices import Sliced, at_once
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import RedisHealth
from arbsniper_tui.model.view import HeldRow, NodeIntro, NodeStatus, RouteCounts, StageRow
from arbsniper_tui.runtime import clock
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.sinks.sink import Sink
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.wire.messages import View

_STAGES_EVERY_NS = 500_000_000
_HELD_EVERY_NS = 1_000_000_000


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
        sampling: Sampling,
        survival: Survival,
    ) -> None:
        self.plan = plan
        """The newest."""
        self._detector = detector
        self._journal = journal
        self._feeds = feeds
        self._stages = stages
        self._sink = sink
        self._facts = facts
        self._sampling = sampling
        self._survival = survival
        self.rows = Rows(detector)
        self.viewers = 0
        self._rate_per_s = 0.0
        self._rated = (0, 0)
        self._stages_due_ns = 0
        self._held_due_ns = 0
        self._held_told: tuple[HeldRow, ...] = ()
        self._counts_told: RouteCounts | None = None
        self._redis_told: RedisHealth | None = None

    def intro(self) -> NodeIntro:
        """The introduction, with the instruments watched now."""
        detector = self._detector
        watched = tuple(leg.instrument for leg in detector.legs.shown.values())
        return msgspec.structs.replace(self.plan.intro, instruments=watched, routes=len(detector.routes.all))

    def whole(self, now_ns: int, named: Sequence[RouteKey] = ()) -> View:
        """Everything that there is. It takes nothing away from the next `changes`."""
        rows, feeds = self.rows, self._feeds
        return View(
            number=0,
            is_full=True,
            status=self._status(now_ns),
            quotes=rows.all_quotes(now_ns),
            routes=at_once(rows.largest_routes(now_ns)),
            feeds=tuple(feeds.feeds[name] for name in sorted(feeds.feeds)),
            workers=tuple(feeds.workers[name] for name in sorted(feeds.workers)),
            redis=self._sink.health(),
            stages=self._stages.rows(),
            last_event=self._journal.last_seq,
            recording=feeds.recording,
            named_routes=rows.named_routes(named, now_ns),
            routes_watched=len(self._detector.routes.all),
            facts=self._facts.all_rows(self._detector.wall_offset_ns),
            breakdowns=rows.breakdowns(named, now_ns),
            why=tuple(map(self._sampling.why, rows.symbols_of(named))),
            survival=self._survival.all_rows(),
            held=rows.held(),
            route_counts=self._sampling.counts,
        )

    def changes(self, clock_ns: Callable[[], int], mono_ns: int, named: Sequence[RouteKey] = ()) -> Sliced[View]:
        """What changed since the call before, made in slices; the latency twice a second of `mono_ns`. `clock_ns` tells
        the detector's time: it goes on between two slices, and a row tells what it found when it was made."""
        rows, feeds = self.rows, self._feeds
        quotes = yield from rows.changed_quotes(clock_ns())
        routes = yield from rows.largest_routes(clock_ns())
        stages: tuple[StageRow, ...] = ()
        tells_stages = mono_ns >= self._stages_due_ns
        if tells_stages:
            self._stages_due_ns = mono_ns + _STAGES_EVERY_NS
            yield
            stages = self._stages.rows()
        yield
        feed_names, worker_names = feeds.changed_feeds, feeds.changed_workers
        feeds.changed_feeds, feeds.changed_workers = set(), set()
        added, removed = rows.changed_instruments()
        if removed:
            # Some of them may have gone after their rows were made.
            shown = self._detector.legs.shown
            quotes = tuple(row for row in quotes if row.instrument_id in shown)
            routes = tuple(row for row in routes if row.buy_id in shown and row.sell_id in shown)
        redis = self._sink.health()
        tells_redis, self._redis_told = redis != self._redis_told, redis
        now_ns = clock_ns()
        return View(
            number=0,
            is_full=False,
            status=self._status(now_ns),
            quotes=quotes,
            routes=routes,
            feeds=tuple(feeds.feeds[name] for name in sorted(feed_names)),
            workers=tuple(feeds.workers[name] for name in sorted(worker_names)),
            redis=redis if tells_redis else None,
            stages=stages,
            last_event=self._journal.last_seq,
            recording=feeds.recording,
            named_routes=rows.named_routes(named, now_ns),
            added=added,
            removed=removed,
            routes_watched=len(self._detector.routes.all),
            facts=self._facts.changed_rows(self._detector.wall_offset_ns),
            breakdowns=rows.breakdowns(named, now_ns),
            why=tuple(map(self._sampling.why, rows.symbols_of(named))) if tells_stages else (),
            survival=self._survival.changed_rows(),
            held=self._changed_held(mono_ns),
            route_counts=self._changed_counts(),
        )

    def _changed_counts(self) -> RouteCounts | None:
        counts = self._sampling.counts
        if counts is self._counts_told:
            return None
        self._counts_told = counts
        return counts

    def snapshot(self, clock_ns: Callable[[], int]) -> Sliced[Snapshot]:
        """What a viewer would know that takes all views, as far as the node tells of it in Redis."""
        quotes = yield from self.rows.quotes(clock_ns())
        routes = yield from self.rows.largest_routes(clock_ns())
        yield
        intro = self.intro()
        watched = {each.id for each in intro.instruments}
        return Snapshot(
            intro=intro,
            status=self._status(clock_ns()),
            # Some instruments may have gone after their rows were made.
            quotes={i: row for i, row in quotes.items() if i in watched},
            routes=tuple(row for row in routes if row.buy_id in watched and row.sell_id in watched),
            feeds=dict(self._feeds.feeds),
            workers=dict(self._feeds.workers),
            redis=self._sink.health(),
            recording=self._feeds.recording,
            last_event=self._journal.last_seq,
        )

    def _changed_held(self, mono_ns: int) -> tuple[HeldRow, ...] | None:
        """Looked at once a second: their prices may move with each quote."""
        if mono_ns < self._held_due_ns:
            return None
        self._held_due_ns = mono_ns + _HELD_EVERY_NS
        held = self.rows.held()
        if held == self._held_told:
            return None
        self._held_told = held
        return held

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
            uptime_s=(clock.now_ns() - self.plan.started_ns) / 1e9,
            clock_ms=(now_ns + self._detector.wall_offset_ns) / 1e6,
            viewers=self.viewers,
            conflated=self._feeds.conflated,
            held=self._detector.identity.waiting,
        )
