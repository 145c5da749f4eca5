"""Scheduling on a CPU that processes share: the deciding one goes first, the terminal UI last (docs/decisions/0003)."""

import ctypes
import logging
import os
import sys

_log = logging.getLogger(__name__)

PROMPT_MS = 0.5
"""The length of a turn of the deciding process: enough for a signal with cold caches."""
_BACK = 5
"""Of nice: the CPU time of a third of a usual thread's, where there is not enough for all."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}.get(os.uname().machine) if sys.platform == "linux" else None


class _Attributes(ctypes.Structure):
    """The kernel's `struct sched_attr` (sched_setattr(2)); `runtime_ns` is the length of a turn."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


def take_turns_of(turn_ms: float) -> None:
    """The calling thread's share stays the same; with short turns it gets the CPU as soon as it has something to do.

    Linux 6.12 and newer; elsewhere, and under another policy than the usual one, nothing happens.
    https://docs.kernel.org/scheduler/sched-eevdf.html
    """
    if _SCHED_SETATTR is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        policy=os.SCHED_OTHER,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime_ns=round(turn_ms * 1e6),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SCHED_SETATTR, 0, ctypes.byref(attributes), 0):
        _log.debug("turns of %g ms: %s", turn_ms, os.strerror(ctypes.get_errno()))


def step_back() -> None:
    """The calling thread lets others go first, and so does what it starts from now on.

    Nothing happens but on Linux: elsewhere all threads of a process would step back together.
    """
    if sys.platform == "linux":
        os.nice(_BACK)
