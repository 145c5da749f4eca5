"""The worker that exports traces: a viewer that reads nothing but the ways of signals."""

import asyncio
import os
import signal
from pathlib import Path

import zmq

from arbsniper_tui.model.errors import TaskEnded
from arbsniper_tui.runtime.process import LIFELINE
from arbsniper_tui.runtime.shared_cpu import stay_off
from arbsniper_tui.runtime.tasks import run_until
from arbsniper_tui.traces.exporter import STUCK_AFTER_S, TraceExporter
from arbsniper_tui.traces.plan import TracePlan
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import TRACE_TOPIC, WorkerReport, decode_trace
from arbsniper_tui.wire.viewing import CommandClient, Subscription

_LOOK_EVERY_S = 0.1
_LOOKS_A_REPORT = 10


class TraceWorker:
    """What it does not read in time is lost, and no signal waits for it."""

    def __init__(self, plan: TracePlan) -> None:
        self._worker = plan.worker
        endpoints = Endpoints(Path(plan.folder))
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._traces = Subscription(self._context, endpoints, TRACE_TOPIC)
        self._reports = CommandClient(self._context, endpoints)
        self._exporter = TraceExporter(plan.endpoint, plan.node)

    async def watch(self) -> None:
        """Hand on what comes, for ever."""
        looks = 0
        while True:
            while (received := self._traces.receive()) is not None:
                self._exporter.take(decode_trace(received[1]))
            if self._exporter.is_stuck:
                # Its thread cannot be ended from outside.
                raise TaskEnded(f"the collector has kept a batch for {STUCK_AFTER_S:g} s, and it cannot be given up")
            if looks % _LOOKS_A_REPORT == 0:
                self._reports.answer()
                self._reports.send(WorkerReport(self._worker, os.getpid(), self._exporter.words))
            looks += 1
            await asyncio.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """Leave the node."""
        self._traces.close()
        self._reports.close()
        self._context.term()
        self._exporter.close()


async def _serve(plan: TracePlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)  # it becomes readable only when the parent closes it
    worker = TraceWorker(plan)
    try:
        await run_until(stop, {"watch": worker.watch()})
    finally:
        worker.close()


def work(plan: TracePlan) -> None:
    """Until the parent says stop, or is gone."""
    stay_off(plan.deciding_cpu)
    asyncio.run(_serve(plan))
