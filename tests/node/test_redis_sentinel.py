"""A node that writes to the master that three real Sentinels name, until that is killed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
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
    with pytest.raises(RedisUnreachable, match="no Sentinel that answers knows a master other"):
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
