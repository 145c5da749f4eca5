"""The clock of ages."""

import time

from arbsniper_tui.runtime.clock import now_ns


def test_it_never_goes_back() -> None:
    readings = [now_ns() for _ in range(1000)]
    assert readings == sorted(readings)


def test_it_counts_no_less_than_the_monotonic_clock() -> None:
    before_ns = time.monotonic_ns()
    assert now_ns() >= before_ns
