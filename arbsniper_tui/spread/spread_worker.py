"""The spread worker: quotes in, decisions out at once; everything else in the pauses between."""

import gc
import logging
import os
import signal
import time
from pathlib import Path

import zmq

from arbsniper_tui.desk.desk import Desk
from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import SpreadMemory
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.viewer_desk import ViewerDesk
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import RedisState
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import EventKind
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.node_folder import remove_if_dead
from arbsniper_tui.runtime.process import LIFELINE, beat, parent_is_gone, settle_memory
from arbsniper_tui.runtime.shared_cpu import SharedCpu
from arbsniper_tui.runtime.turns import PROMPT_MS, take_turns_of
from arbsniper_tui.sinks.redis_sink import RedisSink
from arbsniper_tui.sinks.sink import NoSink, Sink
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.spread.intake import Intake, LiveIntake, ReplayIntake
from arbsniper_tui.spread.price_keys import PriceKeys
from arbsniper_tui.spread.requests import Requests
from arbsniper_tui.spread.restart import close_left_open
from arbsniper_tui.spread.view_maker import ViewMaker
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.publisher import CommandServer, Publisher

_log = logging.getLogger(__name__)

_CHORES_EVERY_MS = 20
_OWING_MS = 1
"""How long events may be owed when no quote comes."""
_LOOK_FOR_PARENT_EVERY = 10
"""In chores."""
_SECOND_NS = 1_000_000_000
_COLLECT_EVERY_S = 10
_LAST_WORDS_S = 0.5
_AWAITING_STEP_S = 0.01


class SpreadWorker:
    """One loop. A quote is decided on within the call that receives it."""

    def __init__(self, plan: SpreadPlan) -> None:
        self._plan = plan
        self._is_replay = plan.is_replay
        endpoints = Endpoints(Path(plan.folder))
        self._context = zmq.Context()
        self._inbox = Inbox(endpoints.quotes, _CHORES_EVERY_MS)
        publisher = Publisher(self._context, endpoints, is_lossless=self._is_replay, while_behind=self._wait_for_reader)
        self._desk: Desk = ViewerDesk(publisher, CommandServer(self._context, endpoints), is_replay=self._is_replay)
        instruments = plan.intro.instruments
        # Opportunities are told apart by their ids also after this process has been started again.
        run = plan.intro.node if self._is_replay else f"{plan.intro.node}-{time.time_ns() // 1_000_000:x}"
        memory = SpreadMemory(plan.memory)
        self._detector = Detector(instruments, plan.intro.route_kinds, memory.rules or plan.rules, run)
        self._detector.signal_seq = memory.signal
        self._stages = Stages()
        self._sink = _make_sink(plan)
        self._journal = Journal(self._desk.tell, self._sink, memory)
        self._feeds = FeedWatch(self._detector, self._journal)
        self._prices = PriceKeys(self._detector, self._sink)
        facts = NewestFacts(self._detector.funding)
        self._views = ViewMaker(plan, self._detector, self._journal, self._feeds, self._stages, self._sink, facts)
        self._requests = Requests(self._desk, self._detector, self._journal, self._feeds, memory, self._views)
        self._shared_cpu = SharedCpu(plan.shares_cpu)
        self._chores_due_ns = self._second_due_ns = self._view_due_ns = 0
        self._seconds = self._chores_done = 0
        self._parent_is_gone = False
        self.must_stop = False
        self._live: LiveIntake | None = None
        self._intake: Intake
        if self._is_replay:
            self._intake = ReplayIntake(self._detector, self._journal, self._feeds, self._stages, facts)
        else:
            self._intake = self._live = LiveIntake(
                self._inbox, self._detector, self._journal, self._feeds, self._stages, facts
            )
            self._detector.wall_offset_ns = time.time_ns() - now_ns()
            close_left_open(memory, self._journal, self._detector, now_ns())
        self._resumable_until_ns = now_ns() + self._detector.rules.max_age_ns

    def run(self) -> None:
        """Until told to stop, or the parent is gone."""
        if self._is_replay:
            self._await_redis()
        receive, take, journal = self._inbox.receive, self._intake.take, self._journal
        while not self.must_stop:
            # What is owed is written after the wait for the next quote, so that Redis and its subscribers get the CPU
            # first.
            must_write_up = bool(journal.owed)
            body = receive(_OWING_MS if must_write_up else _CHORES_EVERY_MS)
            at_ns = now_ns() if body is None else take(body)
            if must_write_up:
                self._write_up()
            if at_ns >= self._chores_due_ns:
                self._chores(at_ns)
        self._finish()

    def _write_up(self) -> None:
        self._journal.write_up()
        self._sink.flush()

    def _chores(self, at_ns: int) -> None:
        """What can wait up to 20 ms: commands, viewers, Redis replies, ages."""
        beat()
        self._chores_due_ns = at_ns + _CHORES_EVERY_MS * 1_000_000
        if self._live is not None:
            self._live.look_for_pause(at_ns, self._chores_due_ns)
            self._live.clock_ns = at_ns
            self._detector.wall_offset_ns = time.time_ns() - now_ns()
            self._journal.announce_all(self._detector.expire(at_ns))
            if self._detector.resumable and at_ns > self._resumable_until_ns:
                self._detector.resumable.clear()
        self._stages.settle()
        self._inbox.admit()
        self._views.viewers = self._desk.count_viewers()
        self._serve_requests()
        self._journal.announce_all(self._requests.take_signals())
        if at_ns >= self._second_due_ns:
            self._second_due_ns = at_ns + _SECOND_NS
            self._each_second(at_ns)
        self._prices.refresh(at_ns)
        self._sink.pump(at_ns)
        if self._views.viewers > 0 and at_ns >= self._view_due_ns:
            self._view_due_ns = at_ns + int(_SECOND_NS / self._plan.refresh_hz)
            self._desk.show(self._views.changes(self._intake.clock_ns, at_ns, self._desk.named_routes()))
        self._chores_done += 1
        if self._chores_done % _LOOK_FOR_PARENT_EVERY == 0:
            self._look_for_parent()

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
        if not self._is_replay:
            self._journal.announce_all(self._feeds.check(at_ns))
            self._write("heartbeat", "", signals=self._detector.signal_seq)
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
        self._sink.close(_LAST_WORDS_S)
        self._inbox.close()
        self._desk.close()
        self._context.term()
        if self._parent_is_gone:
            # The launcher died, so nobody else removes the folder until the next node starts.
            remove_if_dead(Path(self._plan.folder))


def _make_sink(plan: SpreadPlan) -> Sink:
    if plan.redis.state is RedisState.OFF:
        return NoSink(plan.redis)
    max_age_ms = plan.intro.max_quote_age_ms
    return RedisSink(plan.redis_url, source=plan.redis.source, note=plan.redis_note, max_signal_age_ms=max_age_ms)


def work(plan: SpreadPlan) -> None:
    """Until the parent says stop, or is gone."""
    worker = SpreadWorker(plan)

    def stop(signum: int, frame: object) -> None:
        worker.must_stop = True

    signal.signal(signal.SIGTERM, stop)
    os.set_blocking(LIFELINE, False)
    settle_memory()
    take_turns_of(PROMPT_MS)
    _log.info("%s: %d instruments", plan.worker, len(plan.intro.instruments))
    worker.run()
