"""Keeps the processes of a node running: starts, watches, restarts with backoff, and stops them all in time.

It has no thread and no loop of its own: whoever launched the node calls `poll` a few times a second.
"""

import logging
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import WorkerLost
from arbsniper_tui.model.health import WorkerHealth

_log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0
DEATHS_ALLOWED = 8
WITHIN_S = 60.0
STOP_WITHIN_S = 1.2
_LOOK_EVERY_S = 0.01


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


class Process(Protocol):
    """What is used of subprocess.Popen."""

    pid: int

    def poll(self) -> int | None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def hang_up(self) -> None: ...


class ChildProcess(subprocess.Popen[bytes]):
    """A worker, its plan written to its standard input, which stays open as its lifeline."""

    def __init__(self, spec: WorkerSpec, log_level: str, log_descriptor: int | None) -> None:
        super().__init__(
            # -P: a file in the working folder must not stand in for a library.
            [sys.executable, "-P", "-m", spec.module, log_level],
            stdin=subprocess.PIPE,
            # Nothing but what is asked for goes to standard output, and no worker holds the terminal.
            stdout=subprocess.DEVNULL,
            stderr=log_descriptor,
            pass_fds=spec.descriptors,
        )
        assert self.stdin is not None
        try:
            self.stdin.write(msgspec.json.encode(spec.plan) + b"\n")
            self.stdin.flush()
        except BrokenPipeError:
            _log.warning("%s ended before it had read its plan", spec.name)

    def hang_up(self) -> None:
        """End the lifeline: the worker stops by itself."""
        assert self.stdin is not None
        try:
            self.stdin.close()
        except BrokenPipeError:
            _log.debug("process %d had already closed its standard input", self.pid)


Spawn = Callable[[WorkerSpec], Process]
Notify = Callable[[WorkerHealth], None]


class _Child:
    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.process: Process | None = None
        self.restarts = 0
        self.deaths_s: deque[float] = deque()
        self.start_at_s: float | None = None
        self.ended = False


class Supervisor:
    """Owns the worker processes of one node."""

    def __init__(
        self,
        spawn: Spawn,
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spawn = spawn
        self._notify = notify
        self._clock = clock
        self._children: list[_Child] = []

    def start(self, spec: WorkerSpec) -> None:
        """Start a worker, and keep it running from now on."""
        child = _Child(spec)
        self._children.append(child)
        self._start(child)

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        return {c.spec.name: c.process.pid for c in self._children if c.process is not None}

    def tell_all_but(self, name: str) -> None:
        """Notify once more of every other worker: for one that has just begun to listen."""
        for child in self._children:
            if child.process is not None and child.spec.name != name:
                self._notify(_health(child, up=True))

    def poll(self) -> None:
        """Look after every worker. Raises WorkerLost for one that dies too often."""
        now_s = self._clock()
        for child in self._children:
            if child.process is not None:
                code = child.process.poll()
                if code is not None:
                    self._bury(child, code, now_s)
            elif child.start_at_s is not None and now_s >= child.start_at_s:
                child.start_at_s = None
                child.restarts += 1
                self._start(child)

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """Stop all: first by word, and by force whoever still runs when the time is over."""
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
                while child.process.poll() is None:
                    time.sleep(_LOOK_EVERY_S)
            child.process = None
        self._children.clear()

    def _start(self, child: _Child) -> None:
        child.process = self._spawn(child.spec)
        _log.info("%s: process %d", child.spec.name, child.process.pid)
        self._notify(_health(child, up=True))

    def _bury(self, child: _Child, code: int, now_s: float) -> None:
        assert child.process is not None
        child.process.hang_up()
        how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        pid, child.process = child.process.pid, None
        if code == 0 and child.spec.may_end:
            child.ended = True
            return
        if child.spec.may_end:
            raise WorkerLost(f"{child.spec.name} {how} and cannot begin again: see the log for why")
        child.deaths_s.append(now_s)
        while child.deaths_s[0] < now_s - WITHIN_S:
            child.deaths_s.popleft()
        deaths = len(child.deaths_s)
        if deaths > DEATHS_ALLOWED:
            raise WorkerLost(
                f"{child.spec.name} {how}, and {deaths} times within {WITHIN_S:.0f} s: see the log for why"
            )
        delay_s = min(FIRST_DELAY_S * 2 ** (deaths - 1), LONGEST_DELAY_S)
        child.start_at_s = now_s + delay_s
        detail = f"{how}; starts again in {delay_s:.1f} s"
        _log.error("%s (process %d) %s", child.spec.name, pid, detail)
        self._notify(WorkerHealth(child.spec.name, pid, up=False, restarts=child.restarts, detail=detail))


def spawner(log_level: str, log_descriptor: int | None = None) -> Spawn:
    """Starts real processes, whose logs go to this file descriptor (None: standard error)."""
    return lambda spec: ChildProcess(spec, log_level, log_descriptor)


def _runs(child: _Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _health(child: _Child, *, up: bool) -> WorkerHealth:
    assert child.process is not None
    return WorkerHealth(child.spec.name, child.process.pid, up=up, restarts=child.restarts)
