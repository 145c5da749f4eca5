"""The tasks of a worker with an event loop: all of them run, or the worker ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from arbsniper_tui.model.errors import TaskEnded
from arbsniper_tui.runtime.process import BEAT_EVERY_S, beat

_CANCELLED_WITHIN_S = 0.5


async def run_until(stop: asyncio.Event, works: dict[str, Coroutine[Any, Any, None]]) -> None:
    """Run all of `works`, by name, until `stop` is set. Raises what ended one of them before, or TaskEnded.

    A task that fails alone would go unnoticed: a worker without its reports looks dead, and one without a feed looks
    alive.
    """
    tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
    tasks.append(asyncio.create_task(_keep_beating(), name="heartbeat"))
    stopping = asyncio.create_task(stop.wait())
    ended, _ = await asyncio.wait((stopping, *tasks), return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, *tasks):
        task.cancel()
    await asyncio.wait(tasks, timeout=_CANCELLED_WITHIN_S)
    for task in tasks:
        if task in ended:
            if not task.cancelled():
                task.result()
            raise TaskEnded(f"the task {task.get_name()!r} ended, and no task may")


async def _keep_beating() -> None:
    while True:
        beat()
        await asyncio.sleep(BEAT_EVERY_S)
