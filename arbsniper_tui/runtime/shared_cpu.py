"""Feed and spread worker on one CPU: a quote's way is one step after the other, and waking a sleeping CPU for each step
costs more than the step (docs/decisions/0003). A worker that gets busy leaves the shared CPU until it is calm again.
"""

import logging
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from arbsniper_tui.model.errors import UsageError

_log = logging.getLogger(__name__)

BUSY_SHARE = 0.4
CALM_SHARE = 0.2
PATIENCE_TICKS = 3


def allowed_cpus() -> set[int]:
    """The CPUs that this process may use; empty where the system does not let a process choose."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def shared_cpu(choice: str | int, allowed: Collection[int], pid: int) -> int | None:
    """The CPU for the workers of the node with this process id, out of those allowed; None to bind nothing.

    `choice` is `[engine] cpu`: "auto", "off" or the number of a CPU. Several nodes are likely to get different CPUs.
    Raises UsageError for a number that is not allowed.
    """
    if isinstance(choice, int):
        if choice not in allowed:
            usable = ", ".join(map(str, sorted(allowed))) or "none, this system does not let a process choose"
            raise UsageError(f"found {choice}, expected a CPU that this process may use: {usable}")
        return choice
    if choice == "off" or len(allowed) < 2:
        return None
    # The first one serves most interrupts.
    others = sorted(allowed)[1:]
    return others[pid % len(others)]


def stay_off(cpu: int | None) -> None:
    """Run this process, and the threads that it starts from now on, on any other CPU than this; None, or no other:
    anywhere."""
    others = allowed_cpus() - {cpu}
    if cpu is None or not others:
        return
    try:
        os.sched_setaffinity(0, others)
    except OSError as error:
        _log.warning("cannot choose a CPU: %s", error)


class SharedCpu:
    """This process's stay on the shared CPU. Call `tick` about once a second."""

    def __init__(self, cpu: int | None) -> None:
        self._cpu = cpu
        self._all = allowed_cpus() if cpu is not None else set()
        self._is_shared = False
        self._contrary_ticks = 0
        self._cpu_s, self._wall_s = time.process_time(), time.monotonic()
        if cpu is not None:
            self._move({cpu})
            self._is_shared = True

    def tick(self) -> None:
        """Look at the CPU time used since the last call, and move if that has asked for it three times."""
        if self._cpu is None:
            return
        cpu_s, wall_s = time.process_time(), time.monotonic()
        share = (cpu_s - self._cpu_s) / max(wall_s - self._wall_s, 1e-3)
        self._cpu_s, self._wall_s = cpu_s, wall_s
        if not is_contrary(share, is_shared=self._is_shared):
            self._contrary_ticks = 0
            return
        self._contrary_ticks += 1
        if self._contrary_ticks >= PATIENCE_TICKS:
            self._contrary_ticks = 0
            self._is_shared = not self._is_shared
            self._move({self._cpu} if self._is_shared else self._all)

    def _move(self, cpus: set[int]) -> None:
        """Move this process. Where the system does not allow it (any more), it stays where it is from now on."""
        try:
            # Each thread by itself: Linux has no call for a whole process.
            for task in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):  # a thread that has ended meanwhile
                    os.sched_setaffinity(int(task.name), cpus)
        except OSError as error:
            _log.warning("cannot choose a CPU: %s", error)
            self._cpu = None


def is_contrary(share: float, *, is_shared: bool) -> bool:
    """Whether a process that uses this share of a CPU should move: off the shared CPU, or back to it."""
    return share > BUSY_SHARE if is_shared else share < CALM_SHARE
