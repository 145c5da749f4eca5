"""The spread worker: quotes in, decisions out at once; everything else in the pauses between."""

import gc
import logging
import os
import signal
import time
from pathlib import Path
from time import monotonic_ns

import zmq

from arbsniper_tui.engine.gate import Gate
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import RedisState
from arbsniper_tui.model.signal import EventKind, Signal
from arbsniper_tui.sinks.redis_sink import RedisSink
from arbsniper_tui.wire.endpoints import Endpoints, end_embedded_redis
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.messages import HealthReport, QuoteBatch, TapesEnded, Withdrawn, decode_from_feed
from arbsniper_tui.wire.publisher import CommandDesk, Publisher
from arbsniper_tui.workers.affinity import SharedCpu
from arbsniper_tui.workers.feed_watch import FeedWatch
from arbsniper_tui.workers.ledger import Ledger
from arbsniper_tui.workers.numbers import Numbers
from arbsniper_tui.workers.plan import SpreadPlan
from arbsniper_tui.workers.prices import PriceKeys
from arbsniper_tui.workers.process import LIFELINE, parent_is_gone, run_worker, settle_memory
from arbsniper_tui.workers.reception import Reception, rules_in_force
from arbsniper_tui.workers.turns import PROMPT_MS, take_turns_of

_log = logging.getLogger("arbsniper_tui.workers.spread")  # __name__ is __main__ here

_CHORES_EVERY_MS = 20
_OWING_MS = 1
"""How long events may be owed when no quote comes."""
_LOOK_FOR_PARENT_EVERY = 10
"""In chores."""
_SECOND_NS = 1_000_000_000
_COLLECT_EVERY_S = 10
_LAST_WORDS_S = 0.5


class SpreadWorker:
    """One loop. A quote is decided on within the call that receives it."""

    def __init__(self, plan: SpreadPlan) -> None:
        self._plan = plan
        self._is_replay = plan.is_replay
        endpoints = Endpoints(Path(plan.folder))
        self._context = zmq.Context()
        self._inbox = Inbox(endpoints.quotes, _CHORES_EVERY_MS)
        self._publisher = Publisher(
            self._context, endpoints, is_lossless=self._is_replay, while_behind=self._wait_for_reader
        )
        self._desk = CommandDesk(self._context, endpoints)
        instruments = plan.intro.instruments
        # Opportunities are told apart by their ids also after this process has been started again.
        run = plan.intro.node if self._is_replay else f"{plan.intro.node}-{time.time_ns() // 1_000_000:x}"
        self._gate = Gate(instruments, plan.intro.route_kinds, rules_in_force(plan), run)
        numbers = Numbers(endpoints.folder)
        self._gate.signal_seq = numbers.signal
        self._stages = Stages()
        self._sink = _make_sink(plan)
        self._ledger = Ledger(self._publisher, self._sink, numbers, keeps_all=self._is_replay)
        self._feeds = FeedWatch(self._gate, self._ledger)
        self._prices = PriceKeys(self._gate, self._sink) if self._sink is not None else None
        self._reception = Reception(plan, self._gate, self._ledger, self._feeds, self._stages, self._sink)
        self._touched = self._reception.rows.touched
        self._shared_cpu = SharedCpu(plan.shares_cpu)
        self._now_ns = 0
        """The gate's clock: monotonic, or in a replay the time of the last frame."""
        self._chores_due_ns = self._second_due_ns = self._frame_due_ns = 0
        self._seconds = self._chores_done = 0
        self._parent_is_gone = False
        self.must_stop = False

    def run(self) -> None:
        """Until told to stop, or the parent is gone."""
        receive, ledger = self._inbox.receive, self._ledger
        while not self.must_stop:
            # What is owed is written after the wait for the next quote: the CPU is free meanwhile for Redis and its
            # readers, who have a signal to take.
            must_write_up = bool(ledger.owed)
            body = receive(_OWING_MS if must_write_up else _CHORES_EVERY_MS)
            now_ns = monotonic_ns() if body is None else self._take(body)
            if must_write_up:
                self._write_up()
            if now_ns >= self._chores_due_ns:
                self._chores(now_ns)
        self._finish()

    def _take(self, body: bytes) -> int:
        """Handle one message. Returns the monotonic ns at its end."""
        got_ns = monotonic_ns()
        batch = decode_from_feed(body)
        if not isinstance(batch, QuoteBatch):
            self._take_word(batch, got_ns)
            return got_ns
        gate, touched = self._gate, self._touched
        recv_ns, read_ns = batch.recv_ns, batch.ts_read_ns
        now_ns, decided_ns = got_ns, 0
        for number, quote in enumerate(batch.quotes):
            ts_recv_ns = recv_ns[number] if recv_ns else read_ns
            if self._is_replay:
                now_ns = ts_recv_ns
            touched.add(quote.instrument_id)
            signals = gate.on_quote(quote, ts_recv_ns, now_ns)
            if signals:
                decided_ns = monotonic_ns()
                self._announce(signals)
                self._stages.publish.record(monotonic_ns() - decided_ns)
        self._now_ns = now_ns
        done_ns = monotonic_ns()
        self._stages.unsettled.append((read_ns, batch.ts_parsed_ns, got_ns, decided_ns or done_ns, done_ns))
        return done_ns

    def _take_word(self, message: Withdrawn | HealthReport | TapesEnded, got_ns: int) -> None:
        if isinstance(message, Withdrawn):
            now_ns = self._now_ns = message.at_ns if self._is_replay else got_ns
            for instrument_id in message.instrument_ids:
                self._announce(self._gate.withdraw(instrument_id, message.reason, now_ns))
        elif isinstance(message, HealthReport):
            self._feeds.take(message, got_ns)
        else:
            self._now_ns = message.at_ns
            self._write("end", message.in_words)

    def _announce(self, signals: list[Signal]) -> None:
        for each in signals:
            self._ledger.announce(each, monotonic_ns())

    def _write_up(self) -> None:
        self._ledger.write_up()
        if self._sink is not None:
            self._sink.flush()

    def _chores(self, now_ns: int) -> None:
        """What can wait up to 20 ms: commands, viewers, Redis replies, ages."""
        self._chores_due_ns = now_ns + _CHORES_EVERY_MS * 1_000_000
        wall_ns = time.time_ns()
        if not self._is_replay:
            self._now_ns = now_ns
            self._gate.wall_offset_ns = wall_ns - now_ns
            self._announce(self._gate.expire(now_ns))
        self._stages.settle()
        self._inbox.admit()
        self._publisher.take_subscriptions()
        self._reception.viewers = self._publisher.viewers
        self._serve_commands()
        self._announce(self._reception.take_announcements())
        if now_ns >= self._second_due_ns:
            self._second_due_ns = now_ns + _SECOND_NS
            self._each_second(now_ns)
        if self._sink is not None and self._prices is not None:
            self._prices.refresh(now_ns)
            self._sink.pump(now_ns, wall_ns // 1_000_000)
            self._sink.flush()
        if self._publisher.viewers > 0 and now_ns >= self._frame_due_ns:
            self._frame_due_ns = now_ns + int(_SECOND_NS / self._plan.refresh_hz)
            self._publisher.publish(*self._reception.next_frame(self._now_ns, now_ns))
        self._chores_done += 1
        if self._chores_done % _LOOK_FOR_PARENT_EVERY == 0:
            self._look_for_parent()

    def _serve_commands(self) -> None:
        self._desk.serve(lambda command: self._reception.answer(command, self._now_ns))

    def _look_for_parent(self) -> None:
        if parent_is_gone():
            self._parent_is_gone = self.must_stop = True

    def _wait_for_reader(self) -> bool:
        """Whether a replay goes on waiting. Its reader may itself be waiting, for events that it missed."""
        self._serve_commands()
        self._look_for_parent()
        return not self.must_stop

    def _each_second(self, now_ns: int) -> None:
        self._seconds += 1
        self._shared_cpu.tick()
        self._reception.measure_rate(now_ns)
        if not self._is_replay:
            self._announce(self._feeds.check(now_ns))
            self._write("heartbeat", "", signals=self._gate.signal_seq)
        if self._seconds % _COLLECT_EVERY_S == 0:
            gc.collect()

    def _write(self, kind: EventKind, detail: str, *, signals: int = 0) -> None:
        timestamp_ms = (self._now_ns + self._gate.wall_offset_ns) // 1_000_000
        self._ledger.write(kind, timestamp_ms, monotonic_ns(), detail=detail, signals=signals)

    def _finish(self) -> None:
        self._write_up()
        if self._sink is not None:
            self._sink.close(_LAST_WORDS_S)
        for socket in (self._inbox, self._desk, self._publisher):
            socket.close()
        self._context.term()
        if self._parent_is_gone:
            # Whoever was to clean up behind us is gone.
            folder = Path(self._plan.folder)
            end_embedded_redis(folder)
            Endpoints(folder).remove()


def _make_sink(plan: SpreadPlan) -> RedisSink | None:
    if plan.redis.state is RedisState.OFF:
        return None
    return RedisSink(plan.redis_url, source=plan.redis.source, max_signal_age_ms=plan.intro.max_quote_age_ms)


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


if __name__ == "__main__":
    run_worker(SpreadPlan, work)
