"""The feed worker: all connections of its plan on one event loop, their quotes to the bus."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.feeds.pattern_watch import PatternWatch
from arbsniper_tui.feeds.plan import FeedPlan
from arbsniper_tui.feeds.recorder import Recorder
from arbsniper_tui.feeds.recording_tally import RecordingTally
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.process import LIFELINE, settle_memory
from arbsniper_tui.runtime.shared_cpu import SharedCpu
from arbsniper_tui.runtime.tasks import run_until
from arbsniper_tui.venues import VENUES
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
        self._is_flushing = False
        self.health_is_due = asyncio.Event()
        # Bound here rather than wrapped in methods, which would add a call to every quote.
        self.quotes: Callable[..., None] = self.sender.send_quotes
        self.withdraw: Callable[[Withdrawal, int], None] = self.sender.withdraw
        self.change_instruments = self.sender.change_instruments
        self.facts: Callable[[Sequence[Fact], int], None] = self.sender.send_facts

    def health_changed(self) -> None:
        self.health_is_due.set()

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
    recorder = _make_recorder(plan)
    markets = _make_markets(plan, outlet, backlog, recorder)
    settle_memory()
    works = {market.spec.name: market.run() for market in markets}
    if plan.patterns is not None:
        watch = PatternWatch(plan.patterns, {(each.spec.venue, each.spec.market): each for each in markets})
        works["patterns"] = watch.run()
    try:
        await run_until(stop, works | {"backlog": backlog.run(), "reports": _report(plan, markets, outlet, recorder)})
    finally:
        if recorder is not None:
            recorder.close()
        outlet.sender.close()


def _make_markets(plan: FeedPlan, outlet: _BusOutlet, backlog: Backlog, recorder: Recorder | None) -> list[MarketFeeds]:
    timings = FeedTimings(max_quote_age_s=plan.max_quote_age_ms / 1000)
    limits: dict[str, VenueLimits] = {}
    markets = []
    for spec in plan.feeds:
        adapter = VENUES[spec.venue]
        declared = adapter.market(spec.market)
        assert declared is not None, f"{spec.venue} has no {spec.market} market"
        host = urlsplit(spec.ws_url).netloc
        of_host = limits.setdefault(host, VenueLimits(declared.limits, spec.connections))
        markets.append(MarketFeeds(spec, adapter, outlet, backlog, timings, of_host, recorder))
    return markets


def _make_recorder(plan: FeedPlan) -> Recorder | None:
    if not plan.record_folder:
        return None
    tally = RecordingTally(plan.recording_tally) if plan.recording_tally >= 0 else None
    return Recorder(Path(plan.record_folder), plan.recorded_settings, tally)


async def _report(plan: FeedPlan, markets: list[MarketFeeds], outlet: _BusOutlet, recorder: Recorder | None) -> None:
    """Report health each second, and soon after a change."""
    shared = SharedCpu(plan.shares_cpu)
    ticked_s, ticks = 0.0, 0
    while True:
        outlet.health_is_due.clear()
        superseded = sum(feed.counts.superseded for market in markets for feed in market.feeds)
        conflated = outlet.sender.conflated + superseded
        health = tuple(health for market in markets for health in market.health())
        recording = recorder.health() if recorder is not None else None
        report = HealthReport(plan.worker, health, conflated, recording, sent_ns=now_ns(), pid=os.getpid())
        outlet.sender.report(report)
        now_s = time.monotonic()
        if now_s - ticked_s >= _TICK_EVERY_S:
            ticked_s = now_s
            ticks += 1
            shared.tick()
            if ticks % _COLLECT_EVERY_TICKS == 0:
                gc.collect()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(outlet.health_is_due.wait(), _TICK_EVERY_S)
            await asyncio.sleep(_GATHERED_FOR_S)


def work(plan: FeedPlan) -> None:
    """Run until the parent says stop, or dies."""
    _log.info("%s: %d markets", plan.worker, len(plan.feeds))
    uvloop.run(_serve(plan))
