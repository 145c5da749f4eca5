"""Three nodes that share the work by symbols, a Redis Cluster of six and two API processes: one of each is killed."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consumer_process import Consumer
from node_process import RunningNode
from redis_cluster import ClusterOfSix
from shared_api import SharedApi
from waiting import wait_until

from arbsniper_tui.sinks.redis_keys import STREAM_KEY

StartNode = Callable[..., RunningNode]
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
VENUES = ("--demo", "--venue", "binance", "--venue", "okx", "--threshold", "0.02")
pytestmark = pytest.mark.xdist_group("redis cluster")


@pytest.fixture
def apis(cluster: ClusterOfSix, tmp_path: Path) -> Iterator[list[SharedApi]]:
    apis = [SharedApi(tmp_path / f"api-{number}", cluster.url) for number in range(2)]
    yield apis
    for each in apis:
        each.kill()


def name_of(node: RunningNode) -> str:
    return f"demo-{node.process.pid}"


def symbols_signalled(api: SharedApi) -> set[str]:
    found = api.get("/v1/signals/latest?limit=500")
    return {each["symbol"] for each in found["signals"]} if found else set()


def test_one_of_each_may_be_killed(start_node: StartNode, cluster: ClusterOfSix, apis: list[SharedApi]) -> None:
    consumer = Consumer(cluster.url)
    wait_until(lambda: any("reading" in line for line in consumer.said), lambda: consumer.said)
    nodes = [start_node(*VENUES, "--symbol", each, "--redis-url", cluster.url, demo=False) for each in SYMBOLS]
    names = {name_of(node) for node in nodes}
    for api in apis:
        api.wait_for(lambda api=api: api.nodes().keys() == names and symbols_signalled(api) == set(SYMBOLS))

    master = cluster.master_of(STREAM_KEY)
    os.kill(master.pid, signal.SIGKILL)
    master.stop()
    dead, *living = nodes
    dead.close()
    gone, api = apis
    gone.kill()

    left = {name_of(node) for node in living}
    api.wait_for(lambda: api.nodes().keys() == left)
    for symbol in ("ETH-USDT", "SOL-USDT"):
        api.wait_for(lambda symbol=symbol: (api.get(f"/v1/best/{symbol}") or {}).get("bid"))
    # Its last prices may outlive what it last said of itself.
    api.wait_for(lambda: api.client.get("/v1/best/BTC-USDT").status_code == 404)
    for node in left:
        seen = len(consumer.numbers(node))
        wait_until(lambda node=node, seen=seen: len(consumer.numbers(node)) > seen + 20, lambda: consumer.said[-5:])
    for each in living:
        assert each.stop() == 0
    client = cluster.client()
    stored = [json.loads(fields[b"json"]) for _, fields in client.xrange(STREAM_KEY)]
    client.close()
    for node in left:
        numbers = sorted({event["seq"] for event in stored if event["node"] == node})
        assert numbers == list(range(1, len(numbers) + 1))
        wait_until(lambda node=node, last=numbers[-1]: consumer.numbers(node)[-1] == last, lambda: consumer.said[-5:])
    assert consumer.stop() == 0
    assert consumer.is_complete
