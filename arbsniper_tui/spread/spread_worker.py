"""The spread worker: quotes in, decisions out at once; everything else in the pauses between."""

import gc
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import zmq

from arbsniper_tui.desk.desk import Desk
from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import SpreadMemory
from arbsniper_tui.desk.mute_file import MuteFile, NamedRoute
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.sampling import Sampling
from arbsniper_tui.desk.survival import Survival
from arbsniper_tui.desk.verdict_file import VerdictFile
from arbsniper_tui.desk.viewer_desk import ViewerDesk
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.errors import ArbsniperError
from arbsniper_tui.model.health import RedisState
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import EventKind
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.node_folder import remove_if_dead
from arbsniper_tui.runtime.process import LIFELINE, beat, on_new_plan, parent_is_gone, settle_memory
from arbsniper_tui.runtime.shared_cpu import SharedCpu
from arbsniper_tui.runtime.state_folder import StateFolder
from arbsniper_tui.runtime.turns import PROMPT_MS, take_turns_of
from arbsniper_tui.sinks.cluster_sink import ClusterSink
from arbsniper_tui.sinks.redis_sink import RedisSink
from arbsniper_tui.sinks.sink import NoSink, Sink
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.spread.identity_check import IdentityCheck, Verdicts
from arbsniper_tui.spread.intake import JUDGED_AT_ONCE, Intake, LiveIntake, ReplayIntake
from arbsniper_tui.spread.mutes import Mutes
from arbsniper_tui.spread.new_plan import NewPlan, rules_at_start
from arbsniper_tui.spread.node_key import NodeKey
from arbsniper_tui.spread.price_keys import PriceKeys
from arbsniper_tui.spread.requests import Requests
from arbsniper_tui.spread.restart import close_left_open, send_again
from arbsniper_tui.spread.rounds import Rounds
from arbsniper_tui.spread.state_keeper import StateKeeper
from arbsniper_tui.spread.tracing import Tracing, tell_and_note
from arbsniper_tui.spread.view_maker import ViewMaker
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.publisher import CommandServer, Publisher

_log = logging.getLogger(__name__)

_CHORES_EVERY_MS = 20
_OWING_MS = 1
"""How long events may be owed when no quote comes."""
_BEAT_EVERY = 10
"""In chores."""
_LONGEST_BETWEEN_SLICES_NS = 1_000_000
"""Where quotes leave no pause, slices of other work take a tenth of the time or so."""
_SECOND_NS = 1_000_000_000
_COLLECT_EVERY_S = 10
_LAST_WORDS_S = 0.5
_VIEWS_OF_A_WORKER = 40
"""As a power of 2."""
_AWAITING_STEP_S = 0.01


class SpreadWorker:
    """One loop. A quote is decided on within the call that receives it."""

    def __init__(self, plan: SpreadPlan) -> None:
        self._plan = plan
        self._is_replay = plan.is_replay
        endpoints = Endpoints(Path(plan.folder))
        self._context = zmq.Context()
        self._inbox = Inbox(endpoints.quotes, _CHORES_EVERY_MS)
        instruments = plan.intro.instruments
        node, run = plan.intro.node, plan.intro.run
        memory = self._memory = SpreadMemory(plan.memory, run)
        self._desk: Desk = self._make_desk(endpoints)
        # Opportunities are told apart by their ids also after this process has been started again.
        ids = node if self._is_replay else f"{node}-{run}-{memory.workers}"
        self._detector = Detector(instruments, plan.intro.route_kinds, rules_at_start(plan, memory), ids)
        self._detector.legs.terms = plan.terms
        self._detector.signal_seq = memory.signal
        self._keeper = StateKeeper()
        self._stages = Stages()
        self._sink = _make_sink(plan)
        survival, sampling = Survival(self._detector), Sampling(self._detector)
        self._tracing = Tracing(plan.traced_share, self._sink, self._desk.trace) if plan.traced_share else None
        tell = tell_and_note(self._desk, self._tracing) if self._tracing is not None else self._desk.tell
        self._journal = Journal(tell, self._sink, memory, survival, node, run)
        if self._tracing is not None:
            self._journal.note_announced = self._tracing.note
        self._rounds = Rounds(sampling, survival, self._journal)
        self._feeds = FeedWatch(self._detector, self._journal)
        self._prices = PriceKeys(self._detector, self._sink)
        facts = NewestFacts(self._detector.funding, self._detector.legs)
        self._views = ViewMaker(
            plan, self._detector, self._journal, self._feeds, self._stages, self._sink, facts, sampling, survival
        )
        self._node_key = NodeKey(self._views, self._sink, node, plan.api)
        verdicts, mutes = self._take_decisions(facts)
        self._identity = IdentityCheck(self._detector)
        self._requests = Requests(
            self._desk, self._detector, self._journal, self._feeds, memory, self._views, verdicts, mutes
        )
        self._new_plan = NewPlan(self._detector, self._journal, memory, self._views, self._desk, self._sink)
        self._shared_cpu = SharedCpu(plan.shares_cpu)
        self._chores_due_ns = self._second_due_ns = self._view_due_ns = 0
        self._spare: Iterator[None] | None = None
        """What is left of the work that is done while no quote waits."""
        self._slice_due_ns = 0
        self._seconds = self._chores_done = self._frozen_version = 0
        self._parent_is_gone = False
        self.must_stop = False
        self._live: LiveIntake | None = None
        self._intake = self._make_intake(facts)
        self._resumable_until_ns = now_ns() + self._detector.rules.max_age_ns

    def _make_desk(self, endpoints: Endpoints) -> Desk:
        publisher = Publisher(self._context, endpoints, is_lossless=self._is_replay, while_behind=self._wait_for_reader)
        return ViewerDesk(
            publisher,
            CommandServer(self._context, endpoints),
            is_replay=self._is_replay,
            # Far from the numbers of the worker before: its viewers notice that and ask for the whole state.
            views_before=self._memory.workers << _VIEWS_OF_A_WORKER,
        )

    def _make_intake(self, facts: NewestFacts) -> Intake:
        """Of a live node after it has ended what the worker before left, or of a replay."""
        fed = self._detector, self._journal, self._feeds, self._stages, facts
        if self._is_replay:
            return ReplayIntake(*fed, self._rounds)
        self._live = LiveIntake(self._inbox, *fed)
        self._detector.wall_offset_ns = time.time_ns() - now_ns()
        send_again(self._memory, self._sink, self._desk, self._plan.intro.run)
        close_left_open(self._memory, self._journal, self._detector, now_ns())
        return self._live

    def run(self) -> None:
        """Until told to stop, or the parent is gone."""
        if self._is_replay:
            self._await_redis()
        receive, intake, journal = self._inbox.receive, self._intake, self._journal
        while not self.must_stop:
            # What is owed is written after the wait for the next quote, so that Redis and its subscribers get the CPU
            # first.
            must_write_up = bool(journal.owed)
            unjudged, spare = intake.unjudged, self._spare
            body = None
            if unjudged < JUDGED_AT_ONCE:
                body = receive(0 if unjudged or spare else _OWING_MS if must_write_up else _CHORES_EVERY_MS)
            is_idle = body is None and not unjudged
            at_ns = now_ns() if is_idle else intake.take(body)
            if must_write_up:
                self._write_up()
            if at_ns >= self._chores_due_ns:
                self._chores(at_ns)
            elif spare and (is_idle or at_ns >= self._slice_due_ns):
                self._go_on_with(spare)
        self._finish()

    def _take_decisions(self, facts: NewestFacts) -> tuple[Verdicts, Mutes]:
        """Put in force what viewers of earlier runs have decided, where this node keeps it."""
        detector, journal, keeper = self._detector, self._journal, self._keeper
        if not self._plan.state_node:
            return Verdicts(detector, journal, facts, keeper, None), Mutes(detector, journal, keeper, None, set())
        folder = StateFolder(self._plan.state_node)
        verdict_file, mute_file = VerdictFile(folder), MuteFile(folder)
        muted: set[NamedRoute] = set()
        try:
            detector.identity.tell(verdict_file.read(), 0)
            muted = mute_file.read()
        except ArbsniperError as error:
            # The launcher has read them before: what is wrong now came while the node runs, and stops nothing.
            _log.error("what was decided in earlier runs is not in force: %s", error)
        verdicts = Verdicts(detector, journal, facts, keeper, verdict_file)
        return verdicts, Mutes(detector, journal, keeper, mute_file, muted)

    def take_plan(self, plan: SpreadPlan) -> None:
        """Work by this plan from now on."""
        self._journal.announce_all(self._new_plan.take(plan, self._intake.clock_ns))

    def _write_up(self) -> None:
        self._journal.write_up()
        self._sink.flush()

    def _chores(self, at_ns: int) -> None:
        """What can wait up to 20 ms: commands, viewers, Redis replies, ages."""
        self._chores_due_ns = at_ns + _CHORES_EVERY_MS * 1_000_000
        if self._live is not None:
            self._live.look_for_pause(at_ns, self._chores_due_ns)
            self._live.clock_ns = at_ns
            self._detector.wall_offset_ns = time.time_ns() - now_ns()
            self._rounds.make(at_ns, _CHORES_EVERY_MS * 1_000_000)
            self._journal.announce_all(self._detector.expire(at_ns))
            self._journal.announce_all(self._identity.check(at_ns))
            if self._detector.resumable and at_ns > self._resumable_until_ns:
                self._detector.resumable.clear()
        self._inbox.admit()
        self._views.viewers = self._desk.count_viewers()
        self._serve_requests()
        self._journal.announce_all(self._requests.take_signals())
        if at_ns >= self._second_due_ns:
            self._second_due_ns = at_ns + _SECOND_NS
            self._each_second(at_ns)
        self._sink.pump(at_ns)
        self._memory.note_unconfirmed(self._sink.unconfirmed)
        if self._tracing is not None:
            # Before the batches are settled, which takes them away.
            offset_ns = self._detector.wall_offset_ns
            self._tracing.look(self._stages.unsettled, self._journal.last_seq, now_ns(), offset_ns)
        if self._spare is None:
            self._spare = self._spare_work(at_ns)
            self._go_on_with(self._spare)
        if self._chores_done % _BEAT_EVERY == 0:
            beat()
            self._look_for_parent()
        self._chores_done += 1

    def _spare_work(self, at_ns: int) -> Iterator[None]:
        """What grows with the number of instruments and quotes, in slices: figures, keys, views."""
        yield from self._stages.settle()
        yield from self._prices.refresh(at_ns)
        if not self._is_replay:
            yield from self._node_key.refresh(at_ns, lambda: self._intake.clock_ns)
        if self._views.viewers > 0 and at_ns >= self._view_due_ns:
            self._view_due_ns = at_ns + int(_SECOND_NS / self._plan.refresh_hz)
            yield
            view = yield from self._views.changes(lambda: self._intake.clock_ns, at_ns, self._desk.named_routes())
            yield
            self._desk.show(view)

    def _go_on_with(self, spare: Iterator[None]) -> None:
        """One slice: when no quote waits, and in time where quotes leave no pause."""
        if next(spare, spare) is spare:
            self._spare = None
        self._slice_due_ns = now_ns() + _LONGEST_BETWEEN_SLICES_NS

    def _serve_requests(self) -> None:
        self._desk.serve(lambda request: self._requests.answer(request, self._intake.clock_ns))

    def _look_for_parent(self) -> None:
        if parent_is_gone():
            self._parent_is_gone = self.must_stop = True

    def _wait_for_reader(self) -> bool:
        """Whether a replay goes on waiting for its reader, which may itself wait for events that it missed."""
        self._serve_requests()
        self._look_for_parent()
        return not self.must_stop

    def _await_redis(self) -> None:
        """A replay begins when its sink is connected or cannot be: it may be over sooner than that otherwise."""
        while self._sink.health().state is RedisState.CONNECTING:
            self._sink.pump(now_ns())
            if not self._wait_for_reader():
                return
            time.sleep(_AWAITING_STEP_S)

    def _each_second(self, at_ns: int) -> None:
        self._seconds += 1
        self._shared_cpu.tick()
        self._views.measure_rate(at_ns)
        while self._keeper.troubles:
            self._write("settings", self._keeper.troubles.popleft())
        if not self._is_replay:
            self._journal.announce_all(self._feeds.check(at_ns))
            self._write("heartbeat", "", signals=self._detector.signal_seq)
        if self._feeds.has_lost_feeds:
            self._feeds.has_lost_feeds = False
            self._desk.renew()
        if self._frozen_version != self._detector.routes.version:
            # What came with new instruments stays: looking through it at each collection takes longer than a quote may.
            self._frozen_version = self._detector.routes.version
            gc.freeze()
        if self._seconds % _COLLECT_EVERY_S == 0:
            gc.collect()

    def _write(self, kind: EventKind, detail: str, *, signals: int = 0) -> None:
        timestamp_ms = (self._intake.clock_ns + self._detector.wall_offset_ns) // 1_000_000
        self._journal.write(kind, timestamp_ms, now_ns(), detail=detail, signals=signals)

    def _finish(self) -> None:
        self._journal.announce_all(
            self._detector.close_all(Reason(ReasonCode.STOPPED), now_ns() if self._live else self._intake.clock_ns)
        )
        self._write_up()
        self._rounds.end(now_ns())
        self._sink.flush()
        self._sink.close(_LAST_WORDS_S)
        self._memory.note_unconfirmed(self._sink.unconfirmed)
        self._keeper.close()
        self._inbox.close()
        self._desk.close()
        self._context.term()
        if self._parent_is_gone:
            # The launcher died, so nobody else removes the folder until the next node starts.
            remove_if_dead(Path(self._plan.folder))


def _make_sink(plan: SpreadPlan) -> Sink:
    if plan.redis.state is RedisState.OFF:
        return NoSink(plan.redis)
    max_age_ms, source = plan.intro.max_quote_age_ms, plan.redis.source
    if plan.redis_relay:
        return ClusterSink(plan.redis_url, plan.redis_relay, source=source, max_signal_age_ms=max_age_ms)
    return RedisSink(plan.redis_url, source=source, note=plan.redis_note, max_signal_age_ms=max_age_ms)


def work(plan: SpreadPlan) -> None:
    """Until the parent says stop, or is gone."""
    worker = SpreadWorker(plan)

    def stop(signum: int, frame: object) -> None:
        worker.must_stop = True

    signal.signal(signal.SIGTERM, stop)
    os.set_blocking(LIFELINE, False)
    settle_memory()
    take_turns_of(PROMPT_MS)
    on_new_plan(worker.take_plan)
    _log.info("%s: %d instruments", plan.worker, len(plan.intro.instruments))
    worker.run()
