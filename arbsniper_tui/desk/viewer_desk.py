"""The spread worker's side for viewers: the introduction, views of what changed, and answers to commands."""

from math import inf

import msgspec

from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import SpreadMemory
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.rows import Rows
from arbsniper_tui.engine.detector import GROSS, NET, Detector
from arbsniper_tui.engine.routes import RouteKey
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import RedisHealth
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.model.threshold import THRESHOLD_EXPECTED, is_threshold, threshold_words
from arbsniper_tui.model.view import NodeIntro, NodeStatus, ReplayStatus, RouteRow
from arbsniper_tui.runtime import clock
from arbsniper_tui.sinks.sink import Sink
from arbsniper_tui.wire.messages import (
    MOST_NAMED,
    NAMED_FOR_S,
    VIEW_TOPIC,
    Command,
    Done,
    Events,
    EventsSince,
    Hello,
    NameRoutes,
    Playback,
    Refused,
    Reply,
    SetRules,
    TapeReport,
    View,
    Welcome,
    WorkerNotice,
    encode,
)

_STAGES_EVERY_NS = 500_000_000


class ViewerDesk:
    """Remembers what the last view told, so that the next tells only what is new."""

    def __init__(
        self,
        plan: SpreadPlan,
        detector: Detector,
        journal: Journal,
        feeds: FeedWatch,
        stages: Stages,
        sink: Sink,
        memory: SpreadMemory,
    ) -> None:
        self._plan = plan
        self._memory = memory
        self._detector = detector
        self._journal = journal
        self._feeds = feeds
        self._stages = stages
        self._sink = sink
        self.rows = Rows(detector)
        self.viewers = 0
        self._rate_per_s = 0.0
        self._rated = (0, 0)
        self._view_number = 0
        self._stages_due_ns = 0
        self._redis_told: RedisHealth | None = None
        self._announcements: list[Signal] = []
        self._named_until_ns: dict[RouteKey, int] = {}
        """The routes that viewers have named, by the clock of ages."""
        self._replay: ReplayStatus | None = None
        self._playback: Playback | None = None
        """What a viewer has asked for; None while none has."""

    def answer(self, command: Command, now_ns: int) -> Reply:
        """Carry out one command."""
        if isinstance(command, Hello):
            return Welcome(self._intro(), self._view(now_ns, is_full=True))
        if isinstance(command, EventsSince):
            return Events(self._journal.since(command.seq))
        if isinstance(command, WorkerNotice):
            self._announcements += self._feeds.notice(command.worker, now_ns)
            return Done()
        if isinstance(command, TapeReport):
            self._replay = command.status
            return self._playback or Done()
        if isinstance(command, NameRoutes):
            return self._name_routes(command)
        if isinstance(command, Playback):
            return self._set_playback(command)
        return self._set_rules(command, now_ns)

    def take_announcements(self) -> list[Signal]:
        """What commands have brought about since the last call."""
        announcements, self._announcements = self._announcements, []
        return announcements

    def next_view(self, now_ns: int, mono_ns: int) -> tuple[bytes, bytes]:
        """Topic and body of the next view."""
        self._view_number += 1
        view = self._view(now_ns, is_full=False)
        if mono_ns >= self._stages_due_ns:
            self._stages_due_ns = mono_ns + _STAGES_EVERY_NS
            view = msgspec.structs.replace(view, stages=self._stages.rows())
        return VIEW_TOPIC, encode(view)

    def measure_rate(self, mono_ns: int) -> None:
        """Quotes a second since the last call."""
        received = sum(leg.received for leg in self._detector.legs.shown.values())
        before, since_ns = self._rated
        if since_ns:
            self._rate_per_s = max(0, received - before) / max((mono_ns - since_ns) / 1e9, 1e-3)
        self._rated = (received, mono_ns)

    def _intro(self) -> NodeIntro:
        detector = self._detector
        watched = tuple(leg.instrument for leg in detector.legs.shown.values())
        return msgspec.structs.replace(self._plan.intro, instruments=watched, routes=len(detector.routes.all))

    def _name_routes(self, command: NameRoutes) -> Reply:
        if len(command.routes) > MOST_NAMED:
            return Refused(f"{len(command.routes)} routes named: expected at most {MOST_NAMED}")
        until_ns = clock.now_ns() + round(NAMED_FOR_S * 1e9)
        self._named_until_ns |= dict.fromkeys(command.routes, until_ns)
        return Done()

    def _named_routes(self, now_ns: int) -> tuple[RouteRow, ...]:
        if not self._named_until_ns:
            return ()
        at_ns = clock.now_ns()
        self._named_until_ns = {key: until for key, until in self._named_until_ns.items() if at_ns < until}
        return self.rows.named_routes(self._named_until_ns, now_ns)

    def _set_playback(self, command: Playback) -> Reply:
        if not self._plan.is_replay:
            return Refused("only a replay can be paused or played at another speed")
        if command.speed is not None and not 0.0 < command.speed < inf:
            return Refused(f"speed {command.speed:g}: expected a number above 0, or none for as fast as it goes")
        self._playback = command
        return Done()

    def _set_rules(self, command: SetRules, now_ns: int) -> Reply:
        rules = self._detector.rules
        threshold_pct = rules.threshold_pct if command.threshold_pct is None else command.threshold_pct
        basis = rules.basis if command.basis is None else command.basis
        if not is_threshold(threshold_pct):
            return Refused(f"threshold {threshold_pct:g}: expected {THRESHOLD_EXPECTED}")
        if basis not in (GROSS, NET):
            return Refused(f"basis {basis!r}: expected {GROSS} or {NET}")
        changed = msgspec.structs.replace(rules, threshold_pct=threshold_pct, basis=basis)
        if changed != rules:
            wall_ms = (now_ns + self._detector.wall_offset_ns) // 1_000_000
            self._journal.write(
                "settings", wall_ms, now_ns, detail=f"threshold {threshold_words(threshold_pct)} {basis}"
            )
            self._announcements += self._detector.change_rules(changed, now_ns)
            self._memory.rules = changed
        return Done()

    def _view(self, now_ns: int, *, is_full: bool) -> View:
        feeds, workers = self._feeds.feeds, self._feeds.workers
        redis = self._sink.health()
        if is_full:
            quotes = self.rows.all_quotes(now_ns)
            feed_names, worker_names = set(feeds), set(workers)
        else:
            quotes = self.rows.changed_quotes(now_ns)
            feed_names, worker_names = self._feeds.changed_feeds, self._feeds.changed_workers
            self._feeds.changed_feeds, self._feeds.changed_workers = set(), set()
        added, removed = ((), ()) if is_full else self.rows.changed_instruments()
        tells_redis = is_full or redis != self._redis_told
        if not is_full:
            self._redis_told = redis
        return View(
            number=self._view_number,
            is_full=is_full,
            status=self._status(now_ns),
            quotes=quotes,
            routes=self.rows.largest_routes(now_ns),
            feeds=tuple(feeds[name] for name in sorted(feed_names)),
            workers=tuple(workers[name] for name in sorted(worker_names)),
            redis=redis if tells_redis else None,
            stages=self._stages.rows() if is_full else (),
            last_event=self._journal.last_seq,
            recording=self._feeds.recording,
            replay=self._replay,
            named_routes=self._named_routes(now_ns),
            added=added,
            removed=removed,
            routes_watched=len(self._detector.routes.all),
        )

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
