"""The sink against a real redis-server that is killed, stopped, restarted and locked."""

import os
import signal
from collections.abc import Callable
from typing import Any

from redis_server import RedisServer
from waiting import DEADLINE_S

from arbsniper_tui.sinks.connect import Attempt

from .conftest import LiveSink, S

OpenSink = Callable[[str], LiveSink]


def subscribe(client: Any, *channels: str) -> Any:
    subscriber = client.pubsub()
    subscriber.subscribe(*channels)
    for _ in channels:
        assert subscriber.get_message(timeout=DEADLINE_S)["type"] == "subscribe"
    return subscriber


def heard(subscriber: Any, count: int) -> list[bytes]:
    messages = [subscriber.get_message(timeout=DEADLINE_S) for _ in range(count)]
    return [message["data"] for message in messages]


def test_a_subscriber_hears_signals_in_order_and_the_history_keeps_them(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    subscriber = subscribe(client, "arbitrage:signals")
    sent = [live.signal() for _ in range(20)]
    assert heard(subscriber, 20) == sent
    live.sink.close(DEADLINE_S)
    assert sorted(client.zrange("signals:history", 0, -1)) == sorted(sent)


def test_events_reach_channel_and_stream(server: RedisServer, client: Any, open_sink: OpenSink) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    subscriber = subscribe(client, "arbitrage:events")
    live.sink.append_event(b'{"seq":1}', "heartbeat", live.now_ns())
    live.sink.flush()
    assert heard(subscriber, 1) == [b'{"seq":1}']
    live.sink.close(DEADLINE_S)
    [(_, fields)] = client.xrange("arbitrage:stream")
    assert fields == {b"event": b"heartbeat", b"json": b'{"seq":1}'}


def test_a_price_expires_after_10_s(server: RedisServer, client: Any, open_sink: OpenSink) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    live.sink.store_price("binance", "BTC/USDT", b'{"price":1.0}', live.now_ns())
    live.sink.flush()
    live.sink.close(DEADLINE_S)
    assert client.get("price:binance:BTC/USDT") == b'{"price":1.0}'
    assert 0 < client.pttl("price:binance:BTC/USDT") <= 10_000


def test_the_round_trip_is_measured(server: RedisServer, open_sink: OpenSink) -> None:
    live = open_sink(server.url)
    live.pump_until(lambda: live.sink.health().rtt_ms is not None)
    assert live.sink.health().rtt_ms >= 0


def test_the_database_of_the_url_is_used(server: RedisServer, client: Any, open_sink: OpenSink) -> None:
    live = open_sink(f"redis://127.0.0.1:{server.port}/3")
    live.pump_until_state("up")
    live.signal()
    live.sink.close(DEADLINE_S)
    client.select(3)
    assert client.zcard("signals:history") == 1


def test_signals_outlive_a_killed_server_that_comes_back_on_its_port(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    os.kill(server.pid, signal.SIGKILL)
    sent = [live.signal()]
    live.pump_until_state("away")
    sent += [live.signal() for _ in range(5)]
    assert live.sink.health().waiting == 6
    server.stop()
    server.start()
    live.pump_until_state("up")
    live.sink.close(DEADLINE_S)
    assert sorted(client.zrange("signals:history", 0, -1)) == sorted(sent)
    assert live.sink.health().lost == 0


def test_a_stopped_server_shows_as_hung_and_gets_what_waited_when_it_goes_on(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    subscriber = subscribe(client, "arbitrage:signals")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        sent = [live.signal()]
        live.pump_until_state("hung")
        sent += [live.signal() for _ in range(3)]
        assert live.sink.health().waiting == 3
    finally:
        os.kill(server.pid, signal.SIGCONT)
    live.pump_until_state("up")
    assert heard(subscriber, 4) == sent


def is_connected(attempt: Attempt) -> bool:
    """Whether the kernel of the server has accepted the connection of this attempt."""
    try:
        return attempt._opening is not None and bool(attempt._opening.getpeername())
    except OSError:
        return False


def test_a_server_stopped_for_long_is_left_and_found_again(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        sent = [live.signal()]
        live.forward_ns += 6 * S
        live.pump_until_state("away")
        # The kernel accepts connections for a stopped server; that alone does not count as up.
        before = len(live.attempts)
        live.pump_until(lambda: len(live.attempts) > before and is_connected(live.attempts[-1]))
        live.pump()
        assert live.sink.health().state == "away"
        sent.append(live.signal())
    finally:
        os.kill(server.pid, signal.SIGCONT)
    live.pump_until_state("up")
    live.sink.close(DEADLINE_S)
    assert sorted(client.zrange("signals:history", 0, -1)) == sorted(sent)


def test_the_right_password_opens_a_locked_server(server: RedisServer, client: Any, open_sink: OpenSink) -> None:
    client.config_set("requirepass", "s3cret")
    live = open_sink(f"redis://:s3cret@127.0.0.1:{server.port}/0")
    live.pump_until_state("up")
    assert "s3cret" not in repr(live.sink.health())


def test_a_wrong_or_missing_password_is_said_without_showing_it(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    client.config_set("requirepass", "s3cret")
    for user_part in ("", ":wr0ng@"):
        live = open_sink(f"redis://{user_part}127.0.0.1:{server.port}/0")
        refused = f"127.0.0.1:{server.port}/0: authentication refused"
        live.pump_until(lambda: refused in live.sink.health().detail)  # noqa: B023  # called at once
        assert live.sink.health().state == "away"
        assert "wr0ng" not in repr(live.sink.health())


def test_closing_delivers_what_waits_even_before_the_first_connection(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    sent = [live.signal() for _ in range(250)]
    live.sink.close(DEADLINE_S)
    assert client.zcard("signals:history") == len(sent)
