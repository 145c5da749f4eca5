"""What a real server's stream holds after it was killed, emptied or written to by others is found out on connection."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer
from waiting import wait_until

from arbsniper_tui.sinks.redis_binary import RedisBinary
from arbsniper_tui.sinks.sink import PastEvent
from arbsniper_tui.sinks.stream_check import PAGE

from .conftest import LiveSink

OpenSink = Callable[[str], LiveSink]


@pytest.fixture
def lasting(redis_binary: RedisBinary, tmp_path: Path) -> Iterator[RedisServer]:
    """A server that keeps what it holds over a kill."""
    server = RedisServer(tmp_path / "lasting", "--appendonly", "yes")
    server.start()
    yield server
    server.stop()


def stored(server: RedisServer) -> list[bytes]:
    with server.client() as client:
        return [fields[b"json"] for _, fields in client.xrange("arbitrage:stream")]


def write(live: LiveSink, *events: bytes) -> None:
    for event in events:
        live.sink.append_event(event, "heartbeat", live.now_ns())


def up_with(live: LiveSink, *events: bytes) -> None:
    """Connected, with these events confirmed."""
    live.pump_until_state("up")
    write(live, *events)
    live.pump_until(lambda: live.sink.unconfirmed == 0)


def past(first: int, last: int, *, stored_to: int) -> list[PastEvent]:
    return [PastEvent(b"event-%d" % n, "heartbeat", n <= stored_to) for n in range(first, last + 1)]


def test_what_is_not_confirmed_is_counted_until_it_is(server: RedisServer, open_sink: OpenSink) -> None:
    live = open_sink(server.url)
    write(live, b"1", b"2")
    assert live.sink.unconfirmed == 2
    up_with(live, b"3")
    assert stored(server) == [b"1", b"2", b"3"]


def test_after_a_kill_the_stream_goes_on_where_it_ended(lasting: RedisServer, open_sink: OpenSink) -> None:
    live = open_sink(lasting.url)
    up_with(live, b"1", b"2")
    lasting.stop()
    live.pump_until_state("away")
    write(live, b"3")
    lasting.start()
    up_with(live, b"4")
    assert stored(lasting) == [b"1", b"2", b"3", b"4"]
    assert live.sink.health().detail == ""


def test_confirmed_events_that_the_server_lost_are_sent_again(lasting: RedisServer, open_sink: OpenSink) -> None:
    live = open_sink(lasting.url)
    up_with(live, b"1", b"2", b"3", b"4")
    with lasting.client() as client:
        # As a kill leaves it that came before the last write to the file.
        client.xdel("arbitrage:stream", *[place for place, _ in client.xrange("arbitrage:stream")[2:]])
    lasting.stop()
    live.pump_until_state("away")
    write(live, b"5")
    lasting.start()
    up_with(live, b"6")
    assert stored(lasting) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert live.sink.health().detail == "lost 2 events that it had confirmed; the newest 2 events are sent again"


def test_a_server_that_came_back_empty_is_told_and_gets_the_newest_again(
    server: RedisServer, open_sink: OpenSink, caplog: pytest.LogCaptureFixture
) -> None:
    live = open_sink(server.url)
    up_with(live, b"1", b"2")
    server.stop()
    live.pump_until_state("away")
    server.start()
    live.pump_until_state("up")
    live.pump_until(lambda: "came back" in live.sink.health().detail)
    assert live.sink.health().detail == "came back empty; the newest 2 events are sent again"
    assert "redis came back empty" in caplog.text
    up_with(live, b"3")
    assert stored(server) == [b"1", b"2", b"3"]


def test_events_of_a_killed_process_are_sent_before_new_ones_where_they_are_missing(
    server: RedisServer, open_sink: OpenSink
) -> None:
    with server.client() as client:
        for number in (1, 2, 3, 4):
            client.xadd("arbitrage:stream", {"event": "heartbeat", "json": f"event-{number}"})
    live = open_sink(server.url)
    # 3 and 4 had arrived, and the process was killed before it read that.
    live.sink.send_again(past(1, 6, stored_to=2))
    write(live, b"new")
    assert live.sink.unconfirmed == 5
    live.pump_until(lambda: live.sink.unconfirmed == 0)
    assert stored(server) == [b"event-%d" % number for number in range(1, 7)] + [b"new"]
    assert live.sink.health().detail == ""


def test_they_are_found_behind_many_events_of_other_nodes(server: RedisServer, open_sink: OpenSink) -> None:
    with server.client() as client:
        client.xadd("arbitrage:stream", {"event": "heartbeat", "json": "event-1"})
        for number in range(3 * PAGE):
            client.xadd("arbitrage:stream", {"event": "heartbeat", "json": f"another-{number}"})
    live = open_sink(server.url)
    live.sink.send_again(past(1, 2, stored_to=0))
    live.pump_until(lambda: live.sink.unconfirmed == 0)
    ours = [event for event in stored(server) if event.startswith(b"event")]
    assert ours == [b"event-1", b"event-2"]


def test_signals_of_a_killed_process_come_into_the_history_and_not_onto_the_channel(
    server: RedisServer, open_sink: OpenSink
) -> None:
    with server.client() as client, client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("arbitrage:signals", "arbitrage:events")
        live = open_sink(server.url)
        live.sink.send_again([PastEvent(b"event", "open", is_stored=False, signal=b"signal", timestamp_ms=7)])
        live.pump_until(lambda: live.sink.unconfirmed == 0)
        assert client.zrange("signals:history", 0, -1, withscores=True) == [(b"signal", 7.0)]
        heard: list[Any] = []

        def hears() -> bool:
            if message := channel.get_message():
                heard.append((message["channel"], message["data"]))
            return bool(heard)

        wait_until(hears)
        assert heard == [(b"arbitrage:events", b"event")]


def test_a_server_that_does_not_show_its_stream_gets_what_was_not_confirmed(
    server: RedisServer, open_sink: OpenSink
) -> None:
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-xrevrange")
    live = open_sink(server.url)
    live.sink.send_again(past(1, 4, stored_to=2))
    live.pump_until(lambda: live.sink.unconfirmed == 0)
    assert stored(server) == [b"event-3", b"event-4"]
