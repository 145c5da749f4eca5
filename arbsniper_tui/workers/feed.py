"""The feed worker: all connections of its plan on one event loop, their quotes to the bus."""

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
import zmq

from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.net.feed import Feed
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import HealthReport
from arbsniper_tui.wire.sender import QuoteSender
from arbsniper_tui.workers.affinity import SharedCpu
from arbsniper_tui.workers.plan import FeedPlan
from arbsniper_tui.workers.process import LIFELINE, run_worker, settle_memory
from arbsniper_tui.workers.recorder import Recorder

_log = logging.getLogger("arbsniper_tui.workers.feed")  # __name__ is __main__ here

_FLUSH_EVERY_S = 0.001
_COLLECT_EVERY_TICKS = 10


class _BusOutlet:
    """Where the feeds' findings go: the bus, and from time to time their health."""

    def __init__(self, sender: QuoteSender) -> None:
        self._sender = sender
        self._is_flushing = False
        self.health_is_due = True

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int) -> None:
        if self._sender.send_quotes(quotes, ts_read_ns):
            self._flush_soon()

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        self._sender.withdraw(withdrawal, at_ns)
        if self._sender.is_holding:
            self._flush_soon()

    def health_changed(self) -> None:
        self.health_is_due = True

    def _flush_soon(self) -> None:
        """The bus is full: try again until it is not."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_later(_FLUSH_EVERY_S, self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        self._sender.flush()
        if self._sender.is_holding:
            self._flush_soon()


async def _serve(plan: FeedPlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)  # readable means its end: nothing follows the plan
    context = zmq.Context()
    sender = QuoteSender(context, Endpoints(Path(plan.folder)).quotes)
    outlet = _BusOutlet(sender)
    recorder = Recorder(Path(plan.record_folder)) if plan.record_folder else None
    feeds = [
        Feed(
            spec,
            outlet,
            on_frame=recorder.frames_of(spec) if recorder else None,
            on_listing=recorder.listings_of(spec) if recorder else None,
        )
        for spec in plan.feeds
    ]
    tasks = [asyncio.create_task(feed.run(), name=feed.spec.name) for feed in feeds]
    for task in tasks:
        task.add_done_callback(lambda ended: stop.set())
    reporting = asyncio.create_task(_report(plan, feeds, outlet, sender, recorder))
    settle_memory()
    await stop.wait()
    failed = [task for task in tasks if task.done() and not task.cancelled()]
    for task in (*tasks, reporting):
        task.cancel()
    await asyncio.wait((*tasks, reporting), timeout=1.0)
    if recorder is not None:
        recorder.close()
    sender.close()
    context.destroy(linger=0)
    for task in failed:
        task.result()  # a feed never ends by itself: this raises what ended it


async def _report(
    plan: FeedPlan, feeds: list[Feed], outlet: _BusOutlet, sender: QuoteSender, recorder: Recorder | None
) -> None:
    """Health each second, and within 50 ms of a change."""
    shared = SharedCpu(plan.shares_cpu)
    reported_s, ticks = 0.0, 0
    while True:
        now_s = time.monotonic()
        if now_s - reported_s >= 1.0:
            shared.tick()
            ticks += 1
            if ticks % _COLLECT_EVERY_TICKS == 0:
                gc.collect()
            if recorder is not None:
                await recorder.flush()
        if outlet.health_is_due or now_s - reported_s >= 1.0:
            reported_s, outlet.health_is_due = now_s, False
            sender.report(HealthReport(plan.worker, tuple(feed.health() for feed in feeds), sender.conflated))
        await asyncio.sleep(0.05)


def work(plan: FeedPlan) -> None:
    """Until the parent says stop, or is gone."""
    _log.info("%s: %d connections", plan.worker, len(plan.feeds))
    uvloop.run(_serve(plan))


if __name__ == "__main__":
    run_worker(FeedPlan, work)
