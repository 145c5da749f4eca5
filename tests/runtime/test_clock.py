"""The clock of ages."""

import runpy
import time
from collections.abc import Callable

import pytest

from arbsniper_tui.runtime import clock
from arbsniper_tui.runtime.clock import now_ns


def test_it_never_goes_back() -> None:
    readings = [now_ns() for _ in range(1000)]
    assert readings == sorted(readings)


def test_it_counts_no_less_than_the_monotonic_clock() -> None:
    before_ns = time.monotonic_ns()
    assert now_ns() >= before_ns


def clock_asked(monkeypatch: pytest.MonkeyPatch) -> int:
    """Which clock a newly made `now_ns` reads."""
    monkeypatch.setattr(time, "clock_gettime_ns", lambda asked: asked)
    read: Callable[[], int] = runpy.run_path(str(clock.__file__))["now_ns"]
    return read()


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has one clock that counts sleep")
def test_it_is_the_clock_that_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clock_asked(monkeypatch) == time.CLOCK_BOOTTIME


def test_where_no_clock_is_made_for_that_it_is_the_monotonic_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert clock_asked(monkeypatch) == time.CLOCK_MONOTONIC
