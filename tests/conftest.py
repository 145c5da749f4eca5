"""What tests of every folder share: waiting for a condition, never for a time, and short folders for sockets."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from command_place import captures, place, shared_place
from hypothesis import HealthCheck, settings
from node_process import COMMAND, RunningNode
from raw_peers import closed_port, serve_raw, wire

__all__ = ["captures", "closed_port", "place", "serve_raw", "shared_place", "wire"]  # fixtures

DEADLINE_S = 30.0
# The same examples in every run, and no bound on the time that one takes.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
LOOK_EVERY_S = 0.01

Condition = Callable[[], object]
Shown = Callable[[], object]


def pytest_xdist_auto_num_workers() -> int:
    """Two to a core: most tests wait for processes and sockets."""
    return 2 * (os.cpu_count() or 1)


def _nothing() -> str:
    return "nothing to show"


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Blocks until a condition holds; what `shown` returns stands in the failure."""

    def wait(condition: Condition, shown: Shown = _nothing) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"not within {DEADLINE_S:g} s: {shown()}"
            time.sleep(LOOK_EVERY_S)

    return wait


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """The same for tests that run on an event loop."""

    async def wait(condition: Condition, shown: Shown = _nothing) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"not within {DEADLINE_S:g} s: {shown()}"
            await asyncio.sleep(LOOK_EVERY_S)

    return wait


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name: the kernel allows about 100 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="arb"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start_node() -> Iterator[Callable[..., RunningNode]]:
    """Starts nodes; whatever a test does to them, none outlives it."""
    nodes: list[RunningNode] = []
    folders: list[Path] = []

    def start(*arguments: str, demo: bool = True, command: Sequence[str] = COMMAND) -> RunningNode:
        folders.append(Path(tempfile.mkdtemp(prefix="arb")))
        nodes.append(RunningNode(folders[-1], (*arguments, *(("--demo",) if demo else ()), "--no-ui"), command))
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
