"""The tasks of a worker: all run until it is told to stop, or the worker ends with what ended one of them."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import TaskEnded
from arbsniper_tui.runtime.shared_cpu import SharedCpu
from arbsniper_tui.runtime.tasks import run_until

Eventually = Callable[..., Awaitable[None]]

ENDS_WITH_A_THREAD = """
import logging, threading
from msgspec import Struct
from arbsniper_tui.runtime.process import run_worker
class Plan(Struct): fails: bool
def work(plan):
    threading.Thread(target=threading.Event().wait).start()
    logging.warning("the last words")
    if plan.fails: raise ValueError("a fault")
run_worker(Plan, work)
"""


async def for_ever() -> None:
    await asyncio.Event().wait()


async def for_a_moment() -> None:
    await asyncio.sleep(0)


async def fail() -> None:
    raise ValueError("no space left")


async def cancel_itself() -> None:
    raise asyncio.CancelledError


async def test_tasks_run_until_they_are_told_to_stop(eventually: Eventually) -> None:
    stop, turns = asyncio.Event(), 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(run_until(stop, {"count": count(), "other": for_ever()}))
    await eventually(lambda: turns > 10)
    assert not running.done()
    stop.set()
    await running
    assert {task.get_name() for task in asyncio.all_tasks()}.isdisjoint({"count", "other", "heartbeat"})


@pytest.mark.parametrize(("ends", "error"), [(fail, ValueError), (for_a_moment, TaskEnded), (cancel_itself, TaskEnded)])
async def test_the_end_of_one_is_the_end_of_all_and_says_why(
    ends: Callable[[], Awaitable[None]], error: type[Exception]
) -> None:
    with pytest.raises(error, match="no space left" if error is ValueError else "the task 'reports' ended"):
        await run_until(asyncio.Event(), {"feed": for_ever(), "reports": ends()})  # type: ignore[dict-item]  # one ends


@pytest.mark.parametrize("fails", [False, True])
def test_a_worker_ends_although_a_thread_of_it_does_not(fails: bool) -> None:
    plan = b'{"fails": %s}\n' % str(fails).lower().encode()
    # Nothing ends it by its lifeline here, so that its plan can come in its place.
    command = [sys.executable, "-c", ENDS_WITH_A_THREAD, '{"plan":0}']
    done = subprocess.run(command, input=plan, capture_output=True, timeout=60, check=False)
    assert done.returncode == fails
    assert b"the last words" in done.stderr
    assert (b"ValueError: a fault" in done.stderr) == fails


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list threads")
def test_threads_that_end_while_they_are_moved_are_no_error() -> None:
    allowed = os.sched_getaffinity(0)
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            threads = [threading.Thread(target=int) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        for _ in range(500):
            shared = SharedCpu(max(allowed))
            shared._move(allowed)
    finally:
        stop.set()
        busy.join()
        os.sched_setaffinity(0, allowed)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let a process choose its CPU")
def test_a_cpu_that_cannot_be_had_is_said_and_done_without(caplog: pytest.LogCaptureFixture) -> None:
    allowed = os.sched_getaffinity(0)
    shared = SharedCpu(4000)
    for _ in range(5):
        shared.tick()
    assert os.sched_getaffinity(0) == allowed
    assert caplog.text.count("cannot choose a CPU") == 1
