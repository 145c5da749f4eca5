"""The clock by which ages are measured: it never goes back, and it counts the time for which the machine slept."""

import time
from collections.abc import Callable
from functools import partial

# CLOCK_MONOTONIC stands still on Linux while a laptop sleeps, and a quote would be as young afterwards as before. On
# macOS it is the clock that goes on. https://man7.org/linux/man-pages/man3/clock_gettime.3.html
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

now_ns: Callable[[], int] = partial(time.clock_gettime_ns, _CLOCK)
"""Nanoseconds since some moment that is the same for all processes of this machine."""


def wall_ms() -> int:
    """Milliseconds since 1970, by the machine's clock."""
    return time.time_ns() // 1_000_000


PAUSED_NS = 250_000_000
"""A process that is late by this much did not run meanwhile."""
