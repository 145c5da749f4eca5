"""The tick worker: takes what other programs send of external exchanges, and puts the quotes on the bus.

It is a process of its own, so that neither a flood nor a hostile message delays the quotes of the venues.
"""

import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

import zmq

from arbsniper_tui.feeds.external_feed import ExternalFeed, Listening
from arbsniper_tui.feeds.plan import TickPlan
from arbsniper_tui.feeds.recorder import Recorder, recorder_of
from arbsniper_tui.feeds.tick_socket import TICKS_AT_ONCE, TickSocket, place_of
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text
from arbsniper_tui.model.errors import BadFrame, FolderError
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.runtime.clock import PAUSED_NS, now_ns, wall_ms
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.runtime.process import BEAT_EVERY_S, LIFELINE, beat, settle_memory
from arbsniper_tui.venues.external import read_tick, ticks_of
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import HealthReport
from arbsniper_tui.wire.sender import QuoteSender

_log = logging.getLogger(__name__)

_TICK_BYTES = 100
"""Of the shortest ticks: what cannot be read takes about the time of the ticks that it could hold."""
_FLUSH_EVERY_MS = 1
_REPORT_EVERY_S = 1.0
_LISTEN_AGAIN_S = 2.0
_COLLECT_EVERY_REPORTS = 10


class TickIntake:
    """From messages to the feeds that their ticks belong to. What belongs to none is counted at the first feed."""

    def __init__(self, feeds: tuple[ExternalFeed, ...]) -> None:
        self._feeds = feeds
        self._by_name = {(feed.spec.venue, symbol): feed for feed in feeds for symbol in feed.by_symbol}
        self._of_exchange = {feed.spec.venue: feed for feed in reversed(feeds)}
        self._touched: dict[str, ExternalFeed] = {}

    def take(self, message: bytes) -> int:
        """One message. Returns how much work it was, in ticks."""
        work_done = max(1, len(message) // _TICK_BYTES)
        try:
            ticks = ticks_of(message)
        except BadFrame as error:
            self._feeds[0].drop("unreadable tick", str(error))
            return work_done
        for body in ticks:
            try:
                self._take_tick(body)
            except BadFrame as error:
                self._feeds[0].drop("unreadable tick", str(error))
        return max(work_done, len(ticks))

    def settle(self, read_ns: int, read_wall_ms: int, as_old_as_ns: int) -> None:
        """Send the newest of what was taken, as `ExternalFeed.settle` says."""
        for feed in self._touched.values():
            feed.settle(read_ns, read_wall_ms, as_old_as_ns)
        self._touched.clear()

    def _take_tick(self, body: bytes) -> None:
        tick = read_tick(body)
        exchange = tick.exchange.lower()
        feed = self._by_name.get((exchange, tick.symbol))
        if feed is not None:
            feed.take(tick, body)
            self._touched[feed.spec.name] = feed
        elif (of_exchange := self._of_exchange.get(exchange)) is not None:
            symbol, known = clean_text(tick.symbol, NAME_LIMIT), ", ".join(of_exchange.by_symbol)
            of_exchange.drop("unknown symbol", f'found a tick of "{symbol}", expected one of {known}')
        else:
            found, known = clean_text(tick.exchange, NAME_LIMIT), ", ".join(self._of_exchange)
            self._feeds[0].drop("unknown exchange", f'found a tick of "{found}", expected one of {known}')


class _BusOutlet:
    """Sends what feeds find to the bus."""

    def __init__(self, sender: QuoteSender) -> None:
        self.is_report_due = False
        self.quotes = sender.send_quotes
        self.withdraw = sender.withdraw
        self.change_instruments = sender.change_instruments
        self.facts: Callable[[Sequence[Fact], int], None] = sender.send_facts

    def health_changed(self) -> None:
        self.is_report_due = True


class _TickWorker:
    """Listens, again and again where it cannot, and reports each second."""

    def __init__(self, plan: TickPlan) -> None:
        self._plan = plan
        self._sender = QuoteSender(Endpoints(Path(plan.folder)).quotes)
        self._outlet = _BusOutlet(self._sender)
        self._recorder: Recorder | None = recorder_of(plan.record_folder, plan.recorded_settings, plan.recording_tally)
        troubles = LimitedLog(_log)
        self._feeds = tuple(
            ExternalFeed(
                spec,
                self._outlet,
                FeedTimings(),
                troubles,
                self._recorder.frames_of(spec) if self._recorder is not None else None,
            )
            for spec in plan.feeds
        )
        self._intake = TickIntake(self._feeds)
        self._troubles = troubles
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._poller.register(LIFELINE, zmq.POLLIN)
        self._listening = Listening(place_of(plan.address, Path(plan.folder)))
        self._socket: TickSocket | None = None
        self._listen_at_s = self._reported_s = -inf
        self._reports = 0
        self._turned_ns = now_ns()
        self._waited_since_ns = 0
        """When what arrives may have been sent at the earliest, after a pause of this process; 0 for no doubt."""
        self._doubts_end_ns = 0
        self._is_stopping = False

    def run(self) -> None:
        """Run until the parent says stop, or dies."""
        signal.signal(signal.SIGTERM, self._stop)
        settle_memory()
        while not self._is_stopping:
            self._listen()
            wait_ms = _FLUSH_EVERY_MS if self._sender.is_holding else int(BEAT_EVERY_S * 1000)
            if any(each == LIFELINE for each, _ in self._poller.poll(wait_ms)):
                break  # it becomes readable only when the parent closes it
            self._look_for_pause()
            self._receive()
            if self._sender.is_holding:
                self._sender.flush()
            self._report()
            beat()
        self.close()

    def close(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
        self._sender.close()
        if self._socket is not None:
            self._socket.close()
        self._context.destroy(linger=0)

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _listen(self) -> None:
        now_s = time.monotonic()
        if self._socket is not None or now_s < self._listen_at_s:
            return
        self._listen_at_s = now_s + _LISTEN_AGAIN_S
        place = self._listening.place
        try:
            self._socket = TickSocket(self._context, place)
        except (FolderError, zmq.ZMQError) as error:
            trouble = f"cannot listen on {place}: {error}"
            self._troubles.warn("listen", f"{trouble}; next attempt in {_LISTEN_AGAIN_S:g} s")
            self._listening = Listening(place, trouble)
        else:
            self._socket.register(self._poller)
            self._listening = Listening(place)
            _log.info("ticks from outside: listening on %s", place)
        self._outlet.health_changed()

    def _look_for_pause(self) -> None:
        """After a pause what waits is as old as the moment before it, until the socket is empty, and the kernel was a
        moment before: libzmq's own thread stood still as well, and brings what waits there when it runs."""
        at_ns = now_ns()
        if at_ns - self._turned_ns > PAUSED_NS + BEAT_EVERY_S * 1e9:
            self._waited_since_ns = self._waited_since_ns or self._turned_ns
            self._doubts_end_ns = at_ns + PAUSED_NS
        self._turned_ns = at_ns

    def _receive(self) -> None:
        if self._socket is None:
            return
        read_ns, read_wall_ms = now_ns(), wall_ms()
        taken = 0
        message: bytes | None = b""
        while taken < TICKS_AT_ONCE and (message := self._socket.receive()) is not None:
            taken += self._intake.take(message)
        if taken:
            self._intake.settle(read_ns, read_wall_ms, self._waited_since_ns)
        if message is None and self._waited_since_ns and now_ns() > self._doubts_end_ns:
            if self._socket.unread_bytes:
                self._doubts_end_ns = now_ns() + PAUSED_NS
            else:
                self._waited_since_ns = 0
        if self._socket.note_senders():
            ended = self._socket.ended
            if self._socket.senders < self._listening.senders:
                self._troubles.info(
                    "sender", f"a sender of ticks is gone, {ended} in all: it closed, or sent a message above 256 KiB"
                )
            self._listening = Listening(
                self._listening.place, senders=self._socket.senders, accepted=self._socket.accepted
            )
            self._outlet.health_changed()

    def _report(self) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s < _REPORT_EVERY_S and not self._outlet.is_report_due:
            return
        self._outlet.is_report_due = False
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            self._reports += 1
            if self._reports % _COLLECT_EVERY_REPORTS == 0:
                gc.collect()
        at_ns = now_ns()
        health = tuple(self._sender.with_conflated(feed.health(at_ns, self._listening)) for feed in self._feeds)
        conflated = self._sender.conflated + sum(feed.counts.superseded for feed in self._feeds)
        recording = self._recorder.health() if self._recorder is not None else None
        self._sender.report(
            HealthReport(self._plan.worker, health, conflated, recording, sent_ns=at_ns, pid=os.getpid())
        )


def work(plan: TickPlan) -> None:
    """Run until the parent says stop, or dies."""
    _log.info("%s: %d external feeds", plan.worker, len(plan.feeds))
    _TickWorker(plan).run()
