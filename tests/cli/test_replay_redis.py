"""`replay --redis-url`: the signals of the tapes reach the subscribers of that server, whatever the speed."""

import json
import os
import signal
import time

import pytest
from redis_server import RedisServer

BINANCE_URL = "wss://stream.binance.com:9443/stream"
OKX_URL = "wss://ws.okx.com:8443/ws/v5/public"
START_S = 1_700_000_000.0


def binance(serial: int) -> str:
    book = f'{{"u":{serial},"s":"BTCUSDT","b":"60000.00","B":"1.0","a":"60000.01","A":"1.0"}}'
    return f'{{"stream":"btcusdt@bookTicker","data":{book}}}'


def okx(serial: int) -> str:
    """One percent above Binance at every fourth frame."""
    bid = 60600.0 if serial % 4 == 0 else 60000.0
    return (
        f'{{"arg":{{"channel":"bbo-tbt","instId":"BTC-USDT"}},"data":[{{"asks":[["{bid + 0.01:.2f}","2","0","1"]],'
        f'"bids":[["{bid:.2f}","2","0","1"]],"ts":"{round(START_S * 1000) + serial}","seqId":{serial}}}]}}'
    )


def messages(place, subscriber, count: int) -> list[dict]:
    """The next messages; waits for each."""
    return [place.wait_for(lambda: subscriber.get_message(timeout=0.05), "a message") for _ in range(count)]


def write_tapes(place, signals: int) -> tuple[str, str]:
    """Two tapes on which the spread opens so many times."""
    frames = range(1, 4 * signals + 2)
    place.tape("b", "", BINANCE_URL, *((START_S + i / 10, binance(i)) for i in frames))
    place.tape("o", "", OKX_URL, *((START_S + i / 10, okx(i)) for i in frames))
    return "b", "o"


@pytest.mark.parametrize("is_named", [False, True])
def test_the_redis_of_a_config_is_left_alone_unless_the_option_names_one(
    place, server: RedisServer, is_named: bool
) -> None:
    tapes = write_tapes(place, 3)
    (place.folder / "own.toml").write_text(f"[redis]\nurl = '{server.url}'\nmode = 'url'\n")
    option = ("--redis-url", server.url) if is_named else ()
    done = place.run("replay", *tapes, "--no-ui", "--speed", "max", "--config", "own.toml", *option)
    assert done.returncode == 0, done.stderr
    printed = len(done.stdout.splitlines())
    with server.client() as client:
        stored = client.zcard("signals:history")
        assert (stored, bool(client.keys("*"))) == ((printed, True) if is_named else (0, False))
    assert printed == 3


@pytest.mark.parametrize("speed", ["max", "100"])
def test_a_replay_publishes_each_of_its_signals_and_stores_it(place, server: RedisServer, speed: str) -> None:
    tapes = write_tapes(place, 30)
    with server.client() as client, client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe("arbitrage:signals")
        done = place.run("replay", *tapes, "--no-ui", "--speed", speed, "--redis-url", server.url)
        assert done.returncode == 0, done.stderr
        expected = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(expected) == 30
        heard = [json.loads(message["data"]) for message in messages(place, subscriber, 30)]
        stored = [json.loads(payload) for payload in client.zrange("signals:history", 0, -1)]
    assert heard == expected
    assert stored == expected


def test_a_fast_replay_waits_for_a_slow_server_before_its_first_signal(place, server: RedisServer) -> None:
    """More signals than a sink keeps in memory."""
    tapes = write_tapes(place, 1500)
    with server.client() as client, client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe("arbitrage:signals")
        assert place.wait_for(lambda: client.pubsub_numsub("arbitrage:signals")[0][1] == 1)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            replay = place.start("replay", *tapes, "--no-ui", "--speed", "max", "--redis-url", server.url)
            place.wait_for(lambda: "spread: process" in replay.err)
            # Time enough for a replay that does not wait.
            until_s = time.monotonic() + 1.0
            while len(replay.lines) <= 1000 and time.monotonic() < until_s:
                time.sleep(0.01)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert [json.loads(message["data"])["seq"] for message in messages(place, subscriber, 1500)] == [
            *range(1, 1501)
        ]
        assert place.wait_for(lambda: replay.process.poll() is not None) and replay.process.returncode == 0
        assert client.zcard("signals:history") == 1000


def test_a_replay_that_is_stopped_closes_what_is_open(place, server: RedisServer) -> None:
    frames = [(START_S + i / 10, i) for i in range(1, 3000)]
    place.tape("b", "", BINANCE_URL, *((t, binance(i)) for t, i in frames))
    place.tape("o", "", OKX_URL, *((t, okx(4 * i)) for t, i in frames))
    with server.client() as client:
        replay = place.start("replay", "b", "o", "--no-ui", "--speed", "1", "--redis-url", server.url)
        place.wait_for(lambda: replay.lines, "the opening")
        assert replay.end() == 0
        events = [json.loads(fields[b"json"]) for _, fields in client.xrange("arbitrage:stream")]
    closed = [event["signal"] for event in events if event["event"] == "close"]
    assert [(close["id"], close["reason"]) for close in closed] == [(replay.lines[0]["id"], "stopped")]
    assert closed[0]["duration_ms"] < 60_000
