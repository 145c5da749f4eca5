"""Who goes first on a CPU, as the kernel shows it."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arbsniper_tui.runtime.turns import PROMPT_MS, step_back, take_turns_of

SHOWN = Path("/proc/thread-self/sched")

knows_turns = pytest.mark.skipif(
    not SHOWN.exists() or "se.slice" not in SHOWN.read_text(), reason="turns of one's own came with Linux 6.12"
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread cannot step back by itself")


def turn_ms() -> float:
    (line,) = (line for line in SHOWN.read_text().splitlines() if line.startswith("se.slice"))
    return int(line.split()[-1]) / 1e6


def before_and_after(asked_ms: float) -> tuple[float, float]:
    before = turn_ms()
    take_turns_of(asked_ms)
    return before, turn_ms()


def step_back_and_look() -> int:
    step_back()
    return os.getpriority(os.PRIO_PROCESS, 0)


@knows_turns
def test_a_thread_takes_the_turns_it_asked_for_and_the_others_the_usual_ones() -> None:
    usual_ms = turn_ms()
    with ThreadPoolExecutor(1) as one_thread:
        before_ms, after_ms = one_thread.submit(before_and_after, PROMPT_MS).result()
        assert before_ms == usual_ms != after_ms == PROMPT_MS
    assert turn_ms() == usual_ms


@linux_only
def test_a_thread_steps_back_alone() -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1) as bystander, ThreadPoolExecutor(1) as one_thread:
        bystander.submit(int).result()
        assert one_thread.submit(step_back_and_look).result() > usual
        assert bystander.submit(os.getpriority, os.PRIO_PROCESS, 0).result() == usual
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual
