"""A real redis-server where one can be found, and a scripted peer on the other end of a socket where it cannot show
what is meant."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import hiredis
import pytest
from redis_server import RedisServer
from waiting import LOOK_EVERY_S, wait_until

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.sinks.connect import Attempt, connect_in_background
from arbsniper_tui.sinks.redis_sink import RedisSink

MS = 1_000_000
S = 1000 * MS


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    client = server.client()
    yield client
    client.close()


class LiveSink:
    """A sink with the system's clocks, which a test may set forward."""

    def __init__(self, url: str) -> None:
        self.attempts: list[Attempt] = []
        self.sink = RedisSink(url, source="url", max_signal_age_ms=5000, connect=self._connect)
        self.forward_ns = 0
        self.sent = 0

    def _connect(self, url: str) -> Attempt:
        self.attempts.append(connect_in_background(url))
        return self.attempts[-1]

    def now_ns(self) -> int:
        return time.monotonic_ns() + self.forward_ns

    def wall_ms(self) -> int:
        return (time.time_ns() + self.forward_ns) // MS

    def signal(self) -> bytes:
        """Send the next signal, `signal-0`, `signal-1` ...; returns it."""
        payload = b"signal-%d" % self.sent
        self.sent += 1
        self.sink.announce(payload, self.wall_ms(), self.now_ns())
        self.sink.flush()
        return payload

    def pump(self) -> None:
        self.sink.pump(self.now_ns())

    def pump_until(self, condition: Callable[[], object]) -> None:
        def pump_and_rest() -> None:
            self.pump()
            time.sleep(LOOK_EVERY_S)

        wait_until(condition, self.sink.health, between=pump_and_rest)

    def pump_until_state(self, state: str) -> None:
        self.pump_until(lambda: self.sink.health().state == state)


@pytest.fixture
def open_sink() -> Iterator[Callable[[str], LiveSink]]:
    opened: list[LiveSink] = []

    def open_one(url: str) -> LiveSink:
        opened.append(LiveSink(url))
        return opened[-1]

    yield open_one
    for live in opened:
        live.sink.close(0)


class Peer:
    """The server's end of one connection: reads commands as lists of words, answers what the test says."""

    def __init__(self, send_buffer_bytes: int | None = None) -> None:
        self.sink_end, self._socket = socket.socketpair()
        if send_buffer_bytes is not None:
            self.sink_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        self._socket.setblocking(False)
        self._reader = hiredis.Reader()

    def commands(self) -> list[list[bytes]]:
        """Every whole command that has arrived since the last call."""
        while True:
            try:
                chunk = self._socket.recv(1 << 20)
            except BlockingIOError:
                break
            if not chunk:
                break
            self._reader.feed(chunk)
        commands = []
        while (command := self._reader.gets()) is not False:
            commands.append(command)
        return commands

    @property
    def is_left(self) -> bool:
        """Whether the sink has closed its end."""
        return self.sink_end.fileno() == -1

    def answer(self, replies: bytes) -> None:
        self._socket.sendall(replies)

    def answer_all(self) -> list[list[bytes]]:
        commands = self.commands()
        self.answer(b":1\r\n" * len(commands))
        return commands

    def close(self) -> None:
        self._socket.close()


class SinkStage:
    """A sink on a clock of its own, connected to scripted peers."""

    def __init__(self) -> None:
        self.now_ns = 100 * S
        self.attempts: list[Attempt] = []
        self.peers: list[Peer] = []
        self.sink = RedisSink(
            "redis://user:secret@redis.example:6380/2",
            source="url",
            max_signal_age_ms=5000,
            connect=self._connect,
        )

    @property
    def wall_ms(self) -> int:
        return 1_700_000_000_000 + self.now_ns // MS

    def _connect(self, url: str) -> Attempt:
        self.attempts.append(Attempt())
        return self.attempts[-1]

    def accept(self, send_buffer_bytes: int | None = None) -> Peer:
        """Let the attempt under way succeed; its first PING is answered, so that nothing is in flight."""
        if not self.attempts or self.attempts[-1].done():
            self.step()
        peer = Peer(send_buffer_bytes)
        self.peers.append(peer)
        self.attempts[-1].set_result(peer.sink_end)
        self.step()
        return peer

    def accept_idle(self, send_buffer_bytes: int | None = None) -> Peer:
        peer = self.accept(send_buffer_bytes)
        assert peer.answer_all()[0] == [b"PING"]
        self.step()
        return peer

    def refuse(self) -> None:
        self.attempts[-1].set_exception(RedisUnreachable("redis.example:6380/2: connection refused"))
        self.step()

    def step(self, ns: int = 0) -> None:
        self.now_ns += ns
        self.sink.pump(self.now_ns)

    def signal(self, payload: bytes) -> None:
        self.sink.announce(payload, self.wall_ms, self.now_ns)
        self.sink.flush()

    def event(self, payload: bytes) -> None:
        self.sink.append_event(payload, "open", self.now_ns)
        self.sink.flush()


@pytest.fixture
def stage() -> Iterator[SinkStage]:
    stage = SinkStage()
    yield stage
    stage.sink.close(0)
    for peer in stage.peers:
        peer.close()
