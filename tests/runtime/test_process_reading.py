"""What the system says of processes: their memory, whether they are stopped, and nothing of those that have ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arbsniper_tui.runtime.process_reading import read_process, read_processes

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc on this system")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def test_this_process_runs_and_uses_memory() -> None:
    reading = read_process(os.getpid())
    assert reading is not None
    assert reading.memory_bytes > 2**20
    assert not reading.is_stopped
    user_s, system_s, *_ = os.times()
    assert 0 < reading.cpu_s <= user_s + system_s + 0.02, "in hundredths of a second"


def test_a_stopped_process_is_told_from_one_that_runs(
    child: subprocess.Popen[bytes], wait_until: Callable[..., object]
) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    wait_until(lambda: (found := read_process(child.pid)) and found.is_stopped)
    os.kill(child.pid, signal.SIGCONT)
    wait_until(lambda: (found := read_process(child.pid)) and not found.is_stopped)


def test_a_process_that_has_ended_is_left_out_before_and_after_its_parent_takes_notice(
    child: subprocess.Popen[bytes], wait_until: Callable[..., object]
) -> None:
    child.kill()
    wait_until(lambda: read_processes([child.pid, os.getpid()]).keys() == {os.getpid()})
    child.wait()
    assert read_process(child.pid) is None
