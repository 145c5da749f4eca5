"""Waiting in tests: for a condition, never for a time, and with one deadline for all."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

DEADLINE_S = 120.0
"""What a machine may take that is busy with other work; no test that passes waits for it."""
LOOK_EVERY_S = 0.01

Shown = Callable[[], object]


def _nothing() -> str:
    return "nothing to show"


def _rest() -> None:
    time.sleep(LOOK_EVERY_S)


def wait_until(
    condition: Callable[[], Value | None], shown: Shown = _nothing, *, between: Callable[[], object] = _rest
) -> Value:
    """Block until the condition is true, and return its value. What `shown` returns stands in the failure; `between`
    runs between two looks."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"not within {DEADLINE_S:g} s: {shown()}"
        between()
    return value


async def eventually(condition: Callable[[], Value | None], shown: Shown = _nothing) -> Value:
    """The same for tests that run on an event loop."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"not within {DEADLINE_S:g} s: {shown()}"
        await asyncio.sleep(LOOK_EVERY_S)
    return value
