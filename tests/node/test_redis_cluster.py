"""A node that writes to a Redis Cluster of six real servers, one of which is killed."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from consumer_process import Consumer
from node_process import RunningNode
from redis_cluster import ClusterOfSix
from waiting import wait_until

from arbsniper_tui.sinks.redis_keys import SIGNALS_CHANNEL, STREAM_KEY

StartNode = Callable[..., RunningNode]
SOON = ("--threshold", "0.02")
pytestmark = pytest.mark.xdist_group("redis cluster")


@pytest.fixture
def consumer(cluster: ClusterOfSix) -> Iterator[Consumer]:
    consumer = Consumer(cluster.url)
    yield consumer
    consumer.stop()


def streamed(cluster: ClusterOfSix) -> list[dict[str, Any]]:
    client = cluster.client()
    try:
        return [json.loads(fields[b"json"]) for _, fields in client.xrange(STREAM_KEY)]
    finally:
        client.close()


def name_of(node: RunningNode) -> str:
    return f"demo-{node.process.pid}"


def numbers(cluster: ClusterOfSix, node: RunningNode) -> list[int]:
    """Of the events of a node, as they stand in the stream."""
    return [event["seq"] for event in streamed(cluster) if event["node"] == name_of(node)]


def test_the_keys_of_the_contract_lie_in_the_cluster(start_node: StartNode, whole_cluster: ClusterOfSix) -> None:
    client = whole_cluster.client()
    prices = "price:binance:BTC/USDT", "price:okx:BTC/USDT:USDT"
    for key in ("signals:history", *prices):
        client.delete(key)  # of another test's node
    node = start_node(*SOON, "--redis-url", whole_cluster.url)
    keys = (*prices, f"node:{name_of(node)}")
    node.wait_for(lambda: client.zcard("signals:history") and all(map(client.get, keys)))
    client.close()
    assert node.stop() == 0
    stored = numbers(whole_cluster, node)
    assert stored == list(range(1, len(stored) + 1))


def test_a_killed_master_costs_no_number_and_no_signal_waits_for_the_next(
    start_node: StartNode, cluster: ClusterOfSix, consumer: Consumer
) -> None:
    wait_until(lambda: any("reading" in line for line in consumer.said), lambda: consumer.said)
    node = start_node(*SOON, "--redis-url", cluster.url)
    node.wait_for(lambda: consumer.signals and streamed(cluster))
    master = cluster.master_of(STREAM_KEY)
    replica = cluster.servers[cluster.servers.index(master) + 3]
    listener = next(each for each in cluster.servers if each not in (master, replica)).client()
    channel = listener.pubsub(ignore_subscribe_messages=True)
    channel.subscribe(SIGNALS_CHANNEL)
    os.kill(replica.pid, signal.SIGSTOP)  # so that nobody takes the killed one's place yet
    master.stop()
    heard: list[dict[str, Any]] = []

    def hears_on() -> bool:
        while (message := channel.get_message(timeout=0.0)) is not None:
            heard.append(json.loads(message["data"]))
        return len(heard) >= 50

    node.wait_for(hears_on, lambda: len(heard))
    os.kill(replica.pid, signal.SIGCONT)
    node.wait_for(lambda: _master_is(cluster, replica))
    seen = len(consumer.events)
    node.wait_for(lambda: len(consumer.events) > seen + 50, lambda: (consumer.said[-5:], consumer.numbers()[-5:]))
    channel.close()
    listener.close()
    assert node.stop() == 0
    stored = [event["seq"] for event in streamed(cluster)]
    assert sorted(set(stored)) == list(range(1, max(stored) + 1))
    wait_until(lambda: consumer.numbers()[-1:] == [max(stored)], lambda: (consumer.numbers()[-1:], consumer.said[-5:]))
    assert consumer.stop() == 0
    assert consumer.is_complete


def _master_is(cluster: ClusterOfSix, expected: object) -> bool:
    try:
        return cluster.master_of(STREAM_KEY) is expected
    except LookupError:
        return False


def test_a_killed_relay_loses_nothing(start_node: StartNode, whole_cluster: ClusterOfSix) -> None:
    node = start_node(*SOON, "--redis-url", whole_cluster.url)
    node.wait_for(lambda: numbers(whole_cluster, node))
    os.kill(node.pid("relay"), signal.SIGKILL)
    node.wait_for(lambda: len(node.pids("relay")) == 2)
    before = len(numbers(whole_cluster, node))
    node.wait_for(lambda: len(numbers(whole_cluster, node)) > before + 20)
    assert node.stop() == 0
    stored = numbers(whole_cluster, node)
    assert stored == list(range(1, len(stored) + 1))
