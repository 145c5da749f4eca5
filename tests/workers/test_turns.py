"""Short and long turns on the CPU, as the kernel shows them."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arbsniper_tui.workers.turns import PATIENT_MS, PROMPT_MS, take_turns_of

SHOWN = Path("/proc/thread-self/sched")

knows_turns = pytest.mark.skipif(
    not SHOWN.exists() or "se.slice" not in SHOWN.read_text(), reason="turns of one's own came with Linux 6.12"
)


def turn_ms(shown: str) -> float:
    (line,) = (line for line in shown.splitlines() if line.startswith("se.slice"))
    return int(line.split()[-1]) / 1e6


def turns_of_a_thread(asked_ms: float) -> tuple[float, float, float]:
    """Before asking, after it, and of a process started then."""
    before = turn_ms(SHOWN.read_text())
    take_turns_of(asked_ms)
    started = subprocess.run(["cat", "/proc/self/sched"], capture_output=True, text=True, check=True)
    return before, turn_ms(SHOWN.read_text()), turn_ms(started.stdout)


@knows_turns
@pytest.mark.parametrize("asked_ms", [PROMPT_MS, PATIENT_MS])
def test_a_thread_takes_the_turns_it_asked_for_and_what_it_starts_the_usual_ones(asked_ms: float) -> None:
    with ThreadPoolExecutor(1) as one_thread:
        before, after, started = one_thread.submit(turns_of_a_thread, asked_ms).result()
    assert after == asked_ms != before
    assert started == before


@knows_turns
def test_turns_can_be_asked_for_again() -> None:
    with ThreadPoolExecutor(1) as one_thread:
        turns = [one_thread.submit(turns_of_a_thread, asked_ms).result()[1] for asked_ms in (PATIENT_MS, PROMPT_MS)]
    assert turns == [PATIENT_MS, PROMPT_MS]
