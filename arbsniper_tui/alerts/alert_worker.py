"""The alerts worker: a viewer of the node that reads events, and views where a rule needs them, and tells targets."""

import asyncio
import logging
import os
import signal
import time
from contextlib import closing
from pathlib import Path

import zmq

from arbsniper_tui.alerts.alert import Alert
from arbsniper_tui.alerts.dispatch import Dispatch, delivery_to
from arbsniper_tui.alerts.memory import AlertMemory
from arbsniper_tui.alerts.plan import AlertPlan, Target
from arbsniper_tui.alerts.rules import watches_state
from arbsniper_tui.alerts.sender import Sender
from arbsniper_tui.alerts.watch import RuleWatch
from arbsniper_tui.runtime.process import LIFELINE, on_new_plan
from arbsniper_tui.runtime.tasks import run_until
from arbsniper_tui.session.events import EventReader
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import Hello, TellTerminals, Welcome, WorkerReport
from arbsniper_tui.wire.viewing import CommandClient, CommandQueue

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.1
_LOOKS_A_SECOND = round(1 / _LOOK_EVERY_S)
_LOOKED_BACK = 500
"""Events before the last one judged that a restarted worker reads again, to know what is open, down and cooling."""
_LOGGED = ("arbsniper_tui", "asyncio", AlertPlan.__name__)
"""Whose lines stand in the log: libraries write addresses with tokens in them."""


class AlertWorker:
    """Judges every event once, also over its own death; what waits for a target dies with it."""

    def __init__(self, plan: AlertPlan) -> None:
        self._plan = plan
        self._began_s = time.time()
        endpoints = Endpoints(Path(plan.folder))
        self._endpoints = endpoints
        self._senders = {target: Sender(target.name, delivery_to(target)) for target in plan.targets}
        self._sending: dict[Target, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._watch = RuleWatch(plan.rules)
        self._dispatch = Dispatch(plan, self._tell_terminals, self._senders.values())
        self._memory = AlertMemory(plan.memory)
        if plan.from_now and not self._memory.judged:
            self._memory.note(_last_event(endpoints))
        self._judged = self._judged_before = self._memory.judged
        self._events = EventReader(endpoints, after=max(0, self._memory.judged - _LOOKED_BACK))
        self._session: Session | None = None
        self._look_at_views()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._reports = CommandClient(self._context, endpoints)
        self._lines = CommandQueue(CommandClient(self._context, endpoints))

    def change(self, plan: AlertPlan) -> None:
        """Go by this plan from now on; a target that stays keeps what waits for it."""
        self._plan = plan
        for target in self._senders.keys() - set(plan.targets):
            del self._senders[target]
            if (task := self._sending.pop(target, None)) is not None:
                task.cancel()
        for target in set(plan.targets) - self._senders.keys():
            self._senders[target] = Sender(target.name, delivery_to(target))
            self._begin_sending(target)
        self._watch.change(plan.rules)
        self._dispatch.change(plan, self._senders.values())
        self._look_at_views()

    async def send(self) -> None:
        """Bring messages to their targets, for ever."""
        async with asyncio.TaskGroup() as self._group:
            for target in self._senders:
                self._begin_sending(target)
            await asyncio.Event().wait()

    def _begin_sending(self, target: Target) -> None:
        if self._group is not None:
            self._sending[target] = self._group.create_task(self._senders[target].run(), name=f"to {target.name}")

    def _look_at_views(self) -> None:
        """The node makes views for those alone who need them."""
        if any(map(watches_state, self._plan.rules.values())):
            self._session = self._session or Session(self._endpoints)
        elif self._session is not None:
            self._session.close()
            self._session = None

    async def watch(self) -> None:
        """Look for what has come, for ever."""
        looks = 0
        while True:
            alerts = self._take_events()
            if self._session is not None:
                self._session.pull()
            if looks % _LOOKS_A_SECOND == 0:
                alerts += self._each_second()
            self._dispatch.send(alerts, time.monotonic(), time.time())
            self._lines.pump()
            self._memory.note(self._judged)
            looks += 1
            await asyncio.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """Leave the node."""
        self._events.close()
        if self._session is not None:
            self._session.close()
        self._reports.close()
        self._lines.close()
        self._context.term()

    def _take_events(self) -> list[Alert]:
        alerts: list[Alert] = []
        for event in self._events.read(0):
            # What happened before this worker ran counts from then.
            at_s = time.monotonic() - max(0.0, self._began_s - event.timestamp / 1000)
            found = self._watch.take_event(event, at_s)
            if event.seq > self._judged_before:
                alerts += found
                self._judged = event.seq
        return alerts

    def _each_second(self) -> list[Alert]:
        self._reports.answer()
        self._reports.send(WorkerReport(self._plan.worker, os.getpid(), self._dispatch.words))
        now_s = time.monotonic()
        alerts = self._watch.tick(now_s)
        return alerts if self._session is None else alerts + self._watch.take_state(self._session.snapshot, now_s)

    def _tell_terminals(self, line: str, ways: tuple[str, ...]) -> None:
        self._lines.put(TellTerminals(line, ways))


def _last_event(endpoints: Endpoints) -> int:
    """The number of the node's last event. Raises NodeUnreachable."""
    with zmq.Context() as context, closing(CommandClient(context, endpoints)) as client:
        reply = client.ask(Hello())
    return reply.view.last_event if isinstance(reply, Welcome) else 0


async def _serve(plan: AlertPlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)  # it becomes readable only when the parent closes it
    worker = AlertWorker(plan)
    try:
        on_new_plan(worker.change)
        await run_until(stop, {"watch": worker.watch(), "send": worker.send()})
    finally:
        worker.close()


def work(plan: AlertPlan) -> None:
    """Until the parent says stop, or is gone."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: record.name.startswith(_LOGGED))
    _log.info("%s: %d rules", plan.worker, len(plan.rules))
    asyncio.run(_serve(plan))
