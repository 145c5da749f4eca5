"""How long a thread's turns on a CPU are (Linux 6.12 and newer; elsewhere nothing happens).

Everyone gets the same share. But who takes short turns gets the CPU at once when it has something to do, and who takes
long ones lets others go first (docs/decisions/0003). https://docs.kernel.org/scheduler/sched-eevdf.html
"""

import ctypes
import logging
import os
import sys

_log = logging.getLogger(__name__)

PROMPT_MS = 0.5
"""For who decides: enough for a signal with cold caches."""
PATIENT_MS = 20.0
"""For who draws. The kernel's own are about 3."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}.get(os.uname().machine) if sys.platform == "linux" else None
_RESET_ON_FORK = 1


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
    """For the calling thread alone: what it starts has the usual ones. Another policy than the usual one stays."""
    if _SCHED_SETATTR is None or os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK != os.SCHED_OTHER:
        return
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        policy=os.SCHED_OTHER,
        flags=_RESET_ON_FORK,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime_ns=round(turn_ms * 1e6),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SCHED_SETATTR, 0, ctypes.byref(attributes), 0):
        _log.debug("turns of %g ms: %s", turn_ms, os.strerror(ctypes.get_errno()))
