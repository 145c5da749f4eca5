"""The stream while processes are killed, hang or end, and while a client does not read."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from api_stage import ApiStage
from node_process import OF_FOUR, RunningNode
from stream_stage import StreamClient, is_welcome, raw_handshake, served
from waiting import wait_until

from arbsniper_tui.api.stream.limits import Limits
from arbsniper_tui.api.stream.messages import CloseCode, EventsChange, PricesChange, RoutesChange
from arbsniper_tui.api.stream.protocol import SHUTTING_DOWN
from arbsniper_tui.wire.endpoints import Endpoints

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT")


def opened(client: StreamClient) -> list[int]:
    return [each.seq for each in client.read().events if each.event == "open"]


def closed(client: StreamClient) -> list[int]:
    return [each.seq for each in client.read().events if each.event == "close"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_no_event_is_lost_or_doubled_over_a_killed_or_hung_process(stage: ApiStage, number: int) -> None:
    with StreamClient(stage.address) as client:
        client.subscribe("events")
        client.first(EventsChange)
        stage.open()
        stage.node.wait_for(lambda: opened(client))
        ended = stage.node.pid("api")
        os.kill(ended, number)
        stage.close_opportunity()
        assert client.wait_until_closed()[0] == 1006
    stage.node.wait_for(lambda: stage.node.pids("api")[-1] != ended and is_welcome(stage.address))
    with StreamClient(stage.address) as again:
        again.subscribe("events", after=client.place)
        assert not again.first(EventsChange).is_snapshot
        stage.open()
        stage.node.wait_for(lambda: opened(again))
        seen = [each for each in client.events + again.events if each.event in ("open", "close")]
        assert [each.event for each in seen] == ["open", "close", "open"]
        assert [each.signal.id for each in seen if each.signal][0] == [each.signal.id for each in seen if each.signal][
            1
        ]
        assert not any(each.missed for each in again.all(EventsChange))
    assert len(stage.node.pids("spread")) == 1


def test_a_node_that_was_started_again_has_another_run_and_its_clients_begin_anew(
    stage: ApiStage, start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    with StreamClient(stage.address) as client:
        client.subscribe("events")
        client.first(EventsChange)
        stage.open()
        stage.node.wait_for(lambda: opened(client))
        assert stage.node.stop() == 0
        assert client.wait_until_closed() == (CloseCode.SHUTTING_DOWN, SHUTTING_DOWN)
    (folder := tmp_path / "again").mkdir()
    second = ApiStage(start_node, folder, stage.binance, stage.kraken)
    try:
        second.open()
        second.node.wait_for(lambda: is_welcome(second.address))
        with StreamClient(second.address) as again:
            again.subscribe("events", after=client.place)
            first = again.first(EventsChange)
            assert first.is_snapshot and first.run != client.place["run"]
            assert client.place["run"] in first.not_resumed
            second.close_opportunity()
            second.node.wait_for(lambda: closed(again))
    finally:
        second.close()


def test_a_node_that_does_not_answer_is_told_and_nobody_is_let_in_meanwhile(stage: ApiStage) -> None:
    with StreamClient(stage.address) as client:
        client.subscribe("prices")
        client.first(PricesChange)
        spread = stage.node.pid("spread")
        os.kill(spread, signal.SIGSTOP)
        try:
            code, reason = client.wait_until_closed()
            assert code == CloseCode.NODE_GONE and reason.startswith("no word from the node")
            status, body = raw_handshake(stage.address)
            assert status == 503 and "no word from the node" in body
        finally:
            os.kill(spread, signal.SIGCONT)
    stage.node.wait_for(lambda: is_welcome(stage.address))


def test_a_killed_spread_worker_costs_no_event(stage: ApiStage) -> None:
    with StreamClient(stage.address) as client:
        client.subscribe("events")
        client.first(EventsChange)
        stage.open()
        stage.node.wait_for(lambda: opened(client))
        os.kill(stage.node.pid("spread"), signal.SIGKILL)
        stage.quote_until(lambda: client.read().ending or closed(client))
    if not closed(client):
        # It took the node longer than the API waits for its word.
        assert client.ending is not None and client.ending[0] == CloseCode.NODE_GONE
        stage.node.wait_for(lambda: is_welcome(stage.address))
        with StreamClient(stage.address) as again:
            again.subscribe("events", after=client.place)
            stage.quote_until(lambda: closed(again))


@pytest.fixture
def busy(start_node: Callable[..., RunningNode], tmp_path: Path) -> Iterator[Endpoints]:
    """The sockets of a demo with so many instruments that a client which does not read is soon noticed."""
    config = tmp_path / "busy.toml"
    config.write_text(f"symbols = {list(SYMBOLS)!r}\n".replace("'", '"') + '[redis]\nmode = "off"\n')
    node = start_node("--demo", "--config", str(config), *OF_FOUR, demo=False)
    session = node.session()
    node.watch(session, lambda: len([row for row in session.snapshot.quotes.values() if row.quotes]) > 20)
    session.close()
    yield Endpoints(node.sockets)


def test_a_client_that_never_reads_is_cut_with_the_reason_and_the_others_read_on(busy: Endpoints) -> None:
    # Longer than a busy machine keeps the one that reads from doing so, with what the system holds for it.
    limits = Limits(unread_s=2.0, closed_within_s=600.0, clients=3)
    with served(busy, limits=limits) as address:
        wait_until(lambda: is_welcome(address))
        with StreamClient(address) as reading, StreamClient(address, receive_bytes=65536) as silent:
            for client in (reading, silent):
                client.subscribe("prices")
                client.subscribe("routes")
            assert raw_handshake(address)[0] == 429, "two are the share of one address"
            # The one that was cut leaves its place to another.
            wait_until(lambda: reading.read().ending or raw_handshake(address)[0] == 101)
            seen = len(reading.all(PricesChange))
            wait_until(lambda: len(reading.read().all(PricesChange)) > seen + 10)
            code, reason = silent.wait_until_closed()
            assert code == CloseCode.TOO_SLOW and reason.endswith("found it unread for 2 s")
        with httpx.Client(base_url=address, trust_env=False) as http:
            assert http.get("/v1/prices").is_success


def test_a_client_that_reads_late_gets_the_newest_state_and_the_count_of_what_it_missed(busy: Endpoints) -> None:
    with served(busy, limits=Limits(unread_s=600.0)) as address:
        wait_until(lambda: is_welcome(address))
        with StreamClient(address) as reading, StreamClient(address, receive_bytes=65536) as late:
            for client in (reading, late):
                client.subscribe("prices")
                client.subscribe("routes")
            told = 0

            def is_far_ahead() -> bool:
                nonlocal told
                told += sum(
                    len(each.prices) if isinstance(each, PricesChange) else len(each.routes)
                    for each in reading.read().messages
                    if isinstance(each, PricesChange | RoutesChange)
                )
                reading.messages.clear()
                # Each row takes some 300 bytes and more: far beyond all buffers between the two.
                return told > 7_000

            wait_until(is_far_ahead)
            newest = max(each.received_at or 0.0 for each in reading.prices.values())
            wait_until(
                lambda: max((each.received_at or 0.0 for each in late.read().prices.values()), default=0.0) >= newest
            )
            assert sum(each.missed for each in late.messages if isinstance(each, PricesChange | RoutesChange)) > 0
            assert late.prices.keys() == reading.prices.keys() and late.ending is None
