"""The history keeps the newest 1000 signals by time, and loses none to a clock that goes back."""

from collections.abc import Callable
from typing import Any

from redis_server import RedisServer
from waiting import DEADLINE_S

from .conftest import LiveSink

OpenSink = Callable[[str], LiveSink]
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


def store(live: LiveSink, first_ms: int, count: int) -> list[bytes]:
    """One signal a ms; returns them."""
    sent = [b"signal of %d" % timestamp_ms for timestamp_ms in range(first_ms, first_ms + count)]
    for number, payload in enumerate(sent):
        live.sink.announce(payload, first_ms + number, live.now_ns())
        live.sink.flush()
        live.pump()
    return sent


def history(client: Any) -> list[bytes]:
    return client.zrange("signals:history", 0, -1)


def test_the_history_keeps_the_newest_1000(server: RedisServer, client: Any, open_sink: OpenSink) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    sent = store(live, NOW_MS, 1010)
    live.sink.close(DEADLINE_S)
    assert history(client) == sent[10:]


def test_a_clock_that_goes_back_costs_neither_new_signals_nor_old_ones(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    before = store(live, NOW_MS + HOUR_MS, 1000)
    after = store(live, NOW_MS, 30)
    live.pump_until(lambda: history(client) == after + before)
    caught_up = store(live, NOW_MS + 2 * HOUR_MS, 1)
    live.sink.close(DEADLINE_S)
    assert history(client) == [*before[1:], *caught_up]


def test_a_clock_that_stays_behind_keeps_the_newest_1000_of_each_time(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    before = store(live, NOW_MS + HOUR_MS, 1000)
    after = store(live, NOW_MS, 1005)
    live.sink.close(DEADLINE_S)
    assert history(client) == after[5:] + before


def test_a_node_started_with_an_earlier_clock_adds_to_the_history_that_it_finds(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    client.zadd("signals:history", {b"earlier %04d" % number: NOW_MS + HOUR_MS for number in range(1000)})
    live = open_sink(server.url)
    waited = store(live, NOW_MS, 3)
    live.pump_until_state("up")
    after = store(live, NOW_MS + 3, 3)
    live.sink.close(DEADLINE_S)
    assert history(client)[:6] == waited + after
    assert client.zcard("signals:history") == 1006


def test_a_longer_history_is_cut_to_1000_even_if_only_one_signal_comes(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    client.zadd("signals:history", {b"earlier %04d" % number: NOW_MS - HOUR_MS + number for number in range(1500)})
    live = open_sink(server.url)
    [sent] = store(live, NOW_MS, 1)
    live.sink.close(DEADLINE_S)
    assert client.zcard("signals:history") == 1000
    assert history(client)[-1] == sent
