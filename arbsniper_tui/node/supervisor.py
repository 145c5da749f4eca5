"""Keeps the processes of a node running: starts, watches, restarts with backoff, and stops them all in time.

It has no thread and no loop of its own: the process that launched the node calls `poll` a few times a second.
"""

import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import WorkerLost
from arbsniper_tui.model.health import WorkerHealth
from arbsniper_tui.runtime.anonymous_file import anonymous_file_with, rewrite_anonymous_file
from arbsniper_tui.runtime.heartbeat import Heartbeat
from arbsniper_tui.runtime.log import LogSetup
from arbsniper_tui.runtime.process import WorkerSetup

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.01
_KILLED_WITHIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a supervisor waits for what."""

    first_delay_s: float = 0.1
    """From a worker's death to its next start; doubled with each death ..."""
    longest_delay_s: float = 5.0
    """... up to this."""
    deaths_allowed: int = 8
    deaths_within_s: float = 60.0
    """One death more than allowed within this time, and the worker is given up."""
    hung_after_s: float = 10.0
    """A worker that shows no sign of life for this long is replaced ..."""
    starts_within_s: float = 60.0
    """... and so is one that shows none for this long after its start."""
    own_pause_s: float = 2.0
    """A supervisor that was not polled for this long stood still itself, perhaps with the whole machine: its workers
    have the whole time again."""
    stop_within_s: float = 1.2


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One process to run."""

    name: str
    module: str
    plan: Struct
    descriptors: tuple[int, ...] = ()
    may_end: bool = False
    """It does one thing once: code 0 is its purpose, and after any other it is not started again, because what it
    has already told cannot be told twice."""
    is_needed: bool = True
    """The node ends where it cannot be kept running. One that is not needed is started again for ever."""


class Process(Protocol):
    """What is used of subprocess.Popen."""

    pid: int

    def poll(self) -> int | None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def hang_up(self) -> None: ...

    def put_plan(self, plan: Struct) -> None: ...


class ChildProcess(subprocess.Popen[bytes]):
    """A worker, whose standard input is its lifeline."""

    def __init__(self, spec: WorkerSpec, heartbeat: int | None, log: LogSetup, log_descriptor: int | None) -> None:
        # In a file, because a pipe holds 64 KiB and the supervisor must not wait until a worker reads.
        plan = self._plan = anonymous_file_with(msgspec.json.encode(spec.plan))
        # What can be done only once must not lose a line over a reader that is slow.
        setup = WorkerSetup(plan, spec.name, log, log_waits=spec.may_end, heartbeat=heartbeat)
        try:
            super().__init__(
                # -P: a file in the working folder must not stand in for a library.
                [sys.executable, "-P", "-m", spec.module, msgspec.json.encode(setup).decode()],
                stdin=subprocess.PIPE,
                # Nothing but what is asked for goes to standard output, and no worker holds the terminal.
                stdout=subprocess.DEVNULL,
                stderr=log_descriptor,
                pass_fds=(*spec.descriptors, plan, *((heartbeat,) if heartbeat is not None else ())),
            )
        except BaseException:
            os.close(plan)
            raise

    def hang_up(self) -> None:
        """End the lifeline: the worker stops by itself."""
        assert self.stdin is not None
        if not self.stdin.closed:
            self.stdin.close()
            os.close(self._plan)

    def put_plan(self, plan: Struct) -> None:
        """Lay a plan where the worker reads it, in place of the one before."""
        rewrite_anonymous_file(self._plan, msgspec.json.encode(plan))


Spawn = Callable[[WorkerSpec, int | None], Process]
"""Starts a worker; the descriptor is that of its heartbeat."""
Notify = Callable[[WorkerHealth], None]


class _Child:
    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.process: Process | None = None
        self.restarts = 0
        self.deaths_s: deque[float] = deque()
        self.start_at_s: float | None = None
        # A worker that plays tapes waits for its reader without limit, so its silence is no fault.
        self.heartbeat = None if spec.may_end else Heartbeat.create()
        self.heard_count = 0
        self.heard_s = 0.0
        self.has_begun = False
        """Whether it has shown a sign of life since its start."""
        self.killed_for = ""
        self.plan_number = 0
        """Counts the plans that replaced the first."""

    @property
    def is_by_its_plan(self) -> bool:
        """Whether it works by the newest plan."""
        return self.heartbeat is None or self.heartbeat.taken == self.plan_number


class Supervisor:
    """Owns the worker processes of one node."""

    def __init__(
        self,
        spawn: Spawn,
        notify: Notify,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spawn = spawn
        self._notify = notify
        self._timings = timings or Timings()
        self._clock = clock
        self._polled_s = clock()
        self._children: list[_Child] = []
        self._log_level = 0

    def start(self, spec: WorkerSpec) -> None:
        """Start a worker, and keep it running from now on."""
        child = _Child(spec)
        if child.heartbeat is not None:
            child.heartbeat.log_level = self._log_level
        self._children.append(child)
        self._start(child)

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        return {c.spec.name: c.process.pid for c in self._children if c.process is not None}

    @property
    def have_all_begun(self) -> bool:
        """Whether every worker that the node needs has shown a sign of life, or is one of which none is asked."""
        return all(c.has_begun or c.heartbeat is None for c in self._children if c.spec.is_needed)

    def change_plan(self, name: str, plan: Struct) -> None:
        """Have a worker work by another plan: one that runs takes it when its loop comes round, one that is started
        again begins with it."""
        child = next(each for each in self._children if each.spec.name == name)
        child.spec = replace(child.spec, plan=plan)
        child.plan_number += 1

    def plan_of(self, name: str) -> Struct | None:
        """The newest plan of a worker; None for one that was not started."""
        return next((each.spec.plan for each in self._children if each.spec.name == name), None)

    @property
    def behind(self) -> list[str]:
        """The workers that have not taken the newest of their plans yet."""
        return [each.spec.name for each in self._children if not each.is_by_its_plan]

    def set_log_level(self, level: int) -> None:
        """Of all workers, as `logging` counts levels."""
        self._log_level = level
        for child in self._children:
            if child.heartbeat is not None:
                child.heartbeat.log_level = level

    def tell_all_but(self, name: str) -> None:
        """Notify once more of every other worker: for one that has just begun to listen."""
        for child in self._children:
            if child.process is not None and child.spec.name != name:
                self._notify(_health(child, child.process.pid, up=True))

    def poll(self) -> None:
        """Look after every worker. Raises WorkerLost for one that dies too often."""
        now_s = self._clock()
        has_paused = now_s - self._polled_s > self._timings.own_pause_s
        self._polled_s = now_s
        for child in self._children:
            if child.process is not None:
                code = child.process.poll()
                if code is not None:
                    self._bury(child, code, now_s)
                elif child.heartbeat is not None:
                    _hand_over(child, child.process, child.heartbeat)
                    self._listen(child, child.heartbeat.count, now_s, has_paused=has_paused)
            elif child.start_at_s is not None and now_s >= child.start_at_s:
                child.start_at_s = None
                child.restarts += 1
                self._start(child)

    def stop(self) -> None:
        """Stop all: ask first, and kill the workers that still run when the time is over."""
        within_s = self._timings.stop_within_s
        running = [child for child in self._children if child.process is not None]
        for child in running:
            assert child.process is not None
            child.process.hang_up()
            child.process.terminate()
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s and any(_runs(child) for child in running):
            time.sleep(_LOOK_EVERY_S)
        for child in running:
            if child.process is not None and _runs(child):
                _log.warning("%s did not stop within %.1f s and was killed", child.spec.name, within_s)
                child.process.kill()
        deadline_s = time.monotonic() + _KILLED_WITHIN_S
        while time.monotonic() < deadline_s and any(_runs(child) for child in running):
            time.sleep(_LOOK_EVERY_S)
        for child in running:
            if _runs(child):
                # As the system keeps one that waits for a disk which does not answer.
                _log.error("%s cannot be ended; it ends with what it waits for", child.spec.name)
            child.process = None
        for child in self._children:
            if child.heartbeat is not None:
                child.heartbeat.close()
        self._children.clear()

    def _start(self, child: _Child) -> None:
        if child.heartbeat is not None:
            child.heartbeat.given = child.heartbeat.taken = child.plan_number
        child.process = self._spawn(child.spec, child.heartbeat.descriptor if child.heartbeat is not None else None)
        child.has_begun, child.killed_for, child.heard_s = False, "", self._clock()
        _log.info("%s: process %d", child.spec.name, child.process.pid)
        self._notify(_health(child, child.process.pid, up=True))

    def _listen(self, child: _Child, count: int, now_s: float, *, has_paused: bool) -> None:
        """Kill a worker that has shown no sign of life for too long."""
        assert child.process is not None
        if count != child.heard_count:
            child.heard_count, child.heard_s, child.has_begun = count, now_s, True
        elif has_paused:
            child.heard_s = now_s
        within_s = self._timings.hung_after_s if child.has_begun else self._timings.starts_within_s
        if now_s - child.heard_s > within_s and not child.killed_for:
            child.killed_for = f"did not answer for {within_s:g} s and was killed"
            _log.error(
                "%s (process %d) does not answer for %g s: killing it", child.spec.name, child.process.pid, within_s
            )
            child.process.kill()

    def _bury(self, child: _Child, code: int, now_s: float) -> None:
        assert child.process is not None
        timings = self._timings
        child.process.hang_up()
        how = child.killed_for or (f"ended by signal {-code}" if code < 0 else f"ended with code {code}")
        pid, child.process = child.process.pid, None
        if child.spec.may_end:
            if code == 0:
                return
            raise WorkerLost(f"{child.spec.name} {how} and cannot begin again: see the log for why")
        child.deaths_s.append(now_s)
        while child.deaths_s[0] < now_s - timings.deaths_within_s:
            child.deaths_s.popleft()
        deaths = len(child.deaths_s)
        if deaths > timings.deaths_allowed and child.spec.is_needed:
            within = f"{deaths} times within {timings.deaths_within_s:.0f} s"
            raise WorkerLost(f"{child.spec.name} {how}, and {within}: see the log for why")
        delay_s = min(timings.first_delay_s * 2 ** (deaths - 1), timings.longest_delay_s)
        child.start_at_s = now_s + delay_s
        detail = f"{how}; starts again in {delay_s:.1f} s"
        _log.error("%s (process %d) %s", child.spec.name, pid, detail)
        self._notify(_health(child, pid, up=False, detail=detail))


def spawner(log: LogSetup, log_descriptor: int | None = None) -> Spawn:
    """Starts real processes, whose logs go to this file descriptor (None: standard error)."""
    return lambda spec, heartbeat: ChildProcess(spec, heartbeat, log, log_descriptor)


def _hand_over(child: _Child, process: Process, heartbeat: Heartbeat) -> None:
    """Give a worker its newest plan, once it has taken the one before: it may be reading that."""
    if heartbeat.given == heartbeat.taken != child.plan_number:
        process.put_plan(child.spec.plan)
        heartbeat.given = child.plan_number


def _runs(child: _Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _health(child: _Child, pid: int, *, up: bool, detail: str = "") -> WorkerHealth:
    return WorkerHealth(child.spec.name, pid, up, child.restarts, detail, child.spec.is_needed)
