"""Replaces the clocks and the unseeded dice of this process. Import it before the program, which binds both early."""

import random
import time
from collections.abc import Callable

STARTED_NS = 1_000 * 10**9
"""The monotonic clock when a loop begins."""
WALL_OFFSET_NS = 1_700_000_000 * 10**9 - STARTED_NS
"""From the monotonic clock to the time since 1970."""

real_s = time.perf_counter
"""What really passes."""


class _Clock:
    read_s: Callable[[], float] = staticmethod(lambda: 0.0)


def follow(loop_time_s: Callable[[], float]) -> None:
    """Let all clocks of the process go with a loop's."""
    _Clock.read_s = staticmethod(loop_time_s)


def _monotonic_ns(*clock: int) -> int:
    return STARTED_NS + round(_Clock.read_s() * 1e9)


def _wall_ns() -> int:
    return _monotonic_ns() + WALL_OFFSET_NS


class _SeededRandom(random.Random):
    def __init__(self, seed: int | float | str | bytes | bytearray | None = None) -> None:
        super().__init__(1 if seed is None else seed)


time.monotonic_ns = time.clock_gettime_ns = _monotonic_ns
time.monotonic = lambda: _monotonic_ns() / 1e9
time.time_ns = _wall_ns
time.time = lambda: _wall_ns() / 1e9
random.Random = _SeededRandom  # type: ignore[misc]  # it is a class to all who use it
