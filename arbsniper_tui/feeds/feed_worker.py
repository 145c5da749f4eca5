"""The feed worker: all connections of its plan on one event loop, their quotes to the bus."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import uvloop

from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.feeds.markets import Markets
from arbsniper_tui.feeds.plan import FeedPlan
from arbsniper_tui.feeds.recorder import Recorder, recorder_of
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.health import FeedHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.process import LIFELINE, on_new_plan, settle_memory
from arbsniper_tui.runtime.shared_cpu import SharedCpu
from arbsniper_tui.runtime.tasks import run_until
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import HealthReport
from arbsniper_tui.wire.sender import QuoteSender

_log = logging.getLogger(__name__)

_FLUSH_EVERY_S = 0.001
_TICK_EVERY_S = 1.0
_GATHERED_FOR_S = 0.05
"""How long changes of health are collected before a report."""
_COLLECT_EVERY_TICKS = 10


class _BusOutlet:
    """Sends what feeds find to the bus."""

    def __init__(self, bus: Path) -> None:
        self.sender = QuoteSender(bus, on_holding=self._flush_soon)
        self._is_flushing = self.has_new_instruments = False
        self.health_is_due = asyncio.Event()
        # Bound here rather than wrapped in methods, which would add a call to every quote.
        self.quotes: Callable[..., None] = self.sender.send_quotes
        self.withdraw: Callable[[Withdrawal, int], None] = self.sender.withdraw
        self.facts: Callable[[Sequence[Fact], int], None] = self.sender.send_facts

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        self.sender.change_instruments(added, removed)
        self.has_new_instruments = True

    def health_changed(self) -> None:
        self.health_is_due.set()

    def health_of(self, market: MarketFeeds) -> Iterator[FeedHealth]:
        """Of its connections, with what was replaced on the way to the bus."""
        for number, each in enumerate(market.health()):
            yield self.sender.with_conflated(each, () if number else market.gone)

    def _flush_soon(self) -> None:
        """The bus is full: try again until it is not."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_later(_FLUSH_EVERY_S, self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        self.sender.flush()
        if self.sender.is_holding:
            self._flush_soon()


async def _serve(plan: FeedPlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)  # it becomes readable only when the parent closes it
    outlet = _BusOutlet(Endpoints(Path(plan.folder)).quotes)
    backlog = Backlog(outlet.sender.pause, outlet.sender.resume)
    recorder = recorder_of(plan.record_folder, plan.recorded_settings, plan.recording_tally)
    markets = Markets(plan, outlet, backlog, recorder)
    on_new_plan(markets.change)
    settle_memory()
    try:
        await run_until(
            stop,
            {
                "markets": markets.run(),
                "backlog": backlog.run(),
                "reports": _report(plan, markets, outlet, recorder),
            },
        )
    finally:
        if recorder is not None:
            recorder.close()
        outlet.sender.close()


async def _report(plan: FeedPlan, markets: Markets, outlet: _BusOutlet, recorder: Recorder | None) -> None:
    """Report health each second, and soon after a change."""
    shared = SharedCpu(plan.shares_cpu)
    ticked_s, ticks = 0.0, 0
    while True:
        outlet.health_is_due.clear()
        superseded = sum(market.superseded for market in markets.by_key.values())
        conflated = outlet.sender.conflated + superseded
        health = tuple(each for market in markets.by_key.values() for each in outlet.health_of(market))
        recording = recorder.health() if recorder is not None else None
        report = HealthReport(plan.worker, health, conflated, recording, sent_ns=now_ns(), pid=os.getpid())
        outlet.sender.report(report)
        now_s = time.monotonic()
        if now_s - ticked_s >= _TICK_EVERY_S:
            ticked_s = now_s
            ticks += 1
            shared.tick()
            if markets.has_ended_some:
                markets.has_ended_some = False
                gc.unfreeze()
                gc.collect()
                outlet.has_new_instruments = True
            if outlet.has_new_instruments:
                # What came with them stays: looking through it at each collection would hold up quotes.
                outlet.has_new_instruments = False
                gc.freeze()
            if ticks % _COLLECT_EVERY_TICKS == 0:
                gc.collect()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(outlet.health_is_due.wait(), _TICK_EVERY_S)
            await asyncio.sleep(_GATHERED_FOR_S)


def work(plan: FeedPlan) -> None:
    """Run until the parent says stop, or dies."""
    _log.info("%s: %d markets", plan.worker, len(plan.feeds))
    uvloop.run(_serve(plan))
