"""Live nodes by name: one at a time, and each closes what the run before it left open."""

import json
import os
import signal
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from node_process import RunningNode, stands_still
from redis_server import RedisServer
from simulated_venues import simulated_venues
from waiting import DEADLINE_S

from arbsniper_tui.model.threshold import HIGHEST_THRESHOLD_PCT
from arbsniper_tui.sinks.redis_binary import RedisBinary

Start = Callable[[], RunningNode]


@pytest.fixture
def server(redis_binary: RedisBinary, short_folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(short_folder / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start(short_folder: Path, server: RedisServer) -> Iterator[Start]:
    """Starts live nodes of one name, on simulated venues."""
    nodes: list[RunningNode] = []
    with simulated_venues("okx", "bybit") as venues:
        config = short_folder / "arbsniper.toml"
        config.write_text(
            f"[node]\nname = 'desk-1'\n[signals]\nthreshold_pct = 0.01\n[redis]\nmode = 'url'\nurl = '{server.url}'\n"
            + venues.table("okx")
            + venues.table("bybit")
        )

        def start() -> RunningNode:
            folder = short_folder / str(len(nodes))
            folder.mkdir()
            nodes.append(RunningNode(folder, ("--no-ui", "--config", str(config)), state=short_folder / "state"))
            return nodes[-1]

        yield start
        for node in nodes:
            node.close()


def events(server: RedisServer) -> list[dict[str, Any]]:
    with server.client() as client:
        return [json.loads(fields[b"json"]) for _, fields in client.xrange("arbitrage:stream")]


def open_ids(server: RedisServer) -> set[str]:
    """Opportunities that have no close."""
    kinds = {
        kind: {each["signal"]["id"] for each in events(server) if each["event"] == kind} for kind in ("open", "close")
    }
    return kinds["open"] - kinds["close"]


def kill_with_something_open(node: RunningNode, server: RedisServer) -> set[str]:
    """Kill all of a node; what Redis holds as open. The node may have closed the one or other already."""
    while True:
        node.wait_for(lambda: open_ids(server))
        os.killpg(node.process.pid, signal.SIGSTOP)
        node.wait_for(lambda: all(map(stands_still, node.everyone())))
        events(server)  # Redis has read what was on its way to it before it answers the next question.
        if left := open_ids(server):
            break
        os.killpg(node.process.pid, signal.SIGCONT)
    os.killpg(node.process.pid, signal.SIGKILL)
    node.process.wait()
    return left


def close_all(node: RunningNode, server: RedisServer) -> None:
    """While Redis takes it: a node that stops waits for Redis half a second at most."""
    with closing(node.session()) as session:
        node.watch(session, lambda: session.snapshot.status is not None)
        session.set_threshold(HIGHEST_THRESHOLD_PCT)
        node.watch(session, lambda: (status := session.snapshot.status) and status.open_opportunities == 0)
    node.wait_for(lambda: not open_ids(server), lambda: events(server)[-5:])


def test_a_second_node_of_a_name_is_refused_until_the_first_has_ended(start: Start, short_folder: Path) -> None:
    first = start()
    first.pid("spread")
    second = start()
    assert second.process.wait(DEADLINE_S) == 2
    assert "a node named 'desk-1' runs already" in second.log
    assert 'give this one a name of its own: [node] name = "desk-1-2"' in second.log
    memory = short_folder / "state/arbsniper-tui/desk-1/memory"
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    assert first.stop() == 0
    start().pid("spread")


def test_what_a_killed_node_left_open_is_closed_by_the_next_of_its_name(start: Start, server: RedisServer) -> None:
    first = start()
    left = kill_with_something_open(first, server)
    second = start()
    second.wait_for(lambda: not left & open_ids(server), lambda: events(server)[-5:])
    close_all(second, server)
    assert second.stop() == 0

    told = events(server)
    numbers: dict[str, list[int]] = defaultdict(list)
    for event in told:
        assert event["node"] == "desk-1"
        numbers[event["run"]].append(event["seq"])
    assert len(numbers) == 2
    assert all(of_run == list(range(1, len(of_run) + 1)) for of_run in numbers.values())
    closes = Counter(event["signal"]["id"] for event in told if event["event"] == "close")
    assert closes == dict.fromkeys((event["signal"]["id"] for event in told if event["event"] == "open"), 1)
    late = [event for event in told if event["event"] == "close" and event["signal"]["id"] in left]
    # What the first had closed, and Redis did not have yet, is sent by the next as it was.
    of_next = [event for event in late if event["run"] == told[-1]["run"]]
    assert {event["signal"]["reason"] for event in of_next} <= {"restart"}


def test_a_demo_leaves_nothing_behind(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    node.pid("spread")
    assert node.stop() == 0
    assert not (node.folder / "state").exists()
