"""A node that writes to the master that three real Sentinels name, until that is killed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lying_sentinel import ENDLESS, SILENT, lying, naming
from node_process import RunningNode
from redis_cluster import Sentinels
from redis_server import RedisServer

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.sinks.open_socket import open_socket
from arbsniper_tui.sinks.redis_keys import STREAM_KEY
from arbsniper_tui.tools.doctor.redis import check_redis

StartNode = Callable[..., RunningNode]


@pytest.fixture
def sentinels(redis_binary: object, tmp_path: Path) -> Iterator[Sentinels]:
    sentinels = Sentinels(tmp_path / "sentinels")
    try:
        sentinels.start()
        yield sentinels
    finally:
        sentinels.stop()


def streamed(server: RedisServer) -> list[dict[str, Any]]:
    client = server.client()
    try:
        return [json.loads(fields[b"json"]) for _, fields in client.xrange(STREAM_KEY)]
    finally:
        client.close()


def last_beat(server: RedisServer) -> dict[str, Any]:
    """The newest heartbeat; empty before the first."""
    return next((event for event in reversed(streamed(server)) if event["event"] == "heartbeat"), {})


def test_doctor_asks_the_master_that_sentinels_name(sentinels: Sentinels) -> None:
    found = check_redis(RedisSettings(url=sentinels.url, mode="url"))
    assert found.verdict == "ok" and "answers in" in found.found


def test_who_is_no_master_of_theirs_is_told(sentinels: Sentinels) -> None:
    with pytest.raises(RedisUnreachable, match="no Sentinel leads to a master other .*it watches no other"):
        open_socket(sentinels.url.replace("mymaster", "other"))


def test_the_next_master_has_every_event_of_the_killed_one(start_node: StartNode, sentinels: Sentinels) -> None:
    first, second = sentinels.servers
    node = start_node("--threshold", "0.02", "--redis-url", sentinels.url)
    node.wait_for(lambda: len(streamed(first)) > 20)
    first.stop()
    before = len(streamed(second))
    node.wait_for(lambda: len(streamed(second)) > before + 50 and last_beat(second).get("redis") == "up")
    assert node.stop() == 0
    stored = [event["seq"] for event in streamed(second)]
    assert sorted(set(stored)) == list(range(1, max(stored) + 1))
    assert not last_beat(second).get("lost")


def test_a_node_goes_on_while_its_sentinel_lies_and_the_true_master_has_every_event(
    start_node: StartNode, sentinels: Sentinels, closed_port: int
) -> None:
    master, replica = sentinels.servers
    lies = (naming(replica.port), naming(closed_port), b":5\r\n", SILENT, ENDLESS)
    with lying(lies[0]) as sentinel:
        url = f"redis+sentinel://{sentinel.address}/mymaster/0"
        node = start_node("--threshold", "0.02", "--redis-url", url)
        for lie in lies:
            sentinel.answer, asked = lie, sentinel.asked
            node.wait_for(lambda asked=asked: sentinel.asked > asked + 1)
            node.wait_for_signals(5)
        assert not streamed(master)
        assert f"{sentinel.address} names 127.0.0.1:{replica.port}: expected a master, found a slave" in node.log
        assert f"{sentinel.address}: its reply does not end" in node.log
        assert node.log.count("redis is away") <= 2 * len(lies)
        assert "Traceback" not in node.log
        sentinel.answer = naming(master.port)
        node.wait_for(lambda: last_beat(master).get("redis") == "up")
        assert node.stop() == 0
    stored = [event["seq"] for event in streamed(master)]
    assert stored == list(range(1, len(stored) + 1))
