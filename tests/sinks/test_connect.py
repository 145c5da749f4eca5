"""URLs, attempts and their spacing, what a failed connection is called, and that no attempt lasts."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from redis_server import RedisServer
from waiting import DEADLINE_S

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.connect import ATTEMPT_WITHIN_NS, Attempt, Reconnection, connect_in_background
from arbsniper_tui.sinks.open_socket import open_socket

from .conftest import MS


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://127.0.0.1:6379/0", "127.0.0.1:6379/0"),
        ("redis://user:secret@redis.example", "redis.example:6379/0"),
        ("rediss://:secret@redis.example:7000/5?ssl_cert_reqs=none", "redis.example:7000/5"),
        ("unix:///run/redis.sock?password=secret", "unix:///run/redis.sock"),
        ("http://redis.example", ""),
    ],
)
def test_an_address_has_no_user_password_or_options(url: str, address: str) -> None:
    assert address_of(url) == address


def refused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://redis.example", "redis.url: not a usable Redis URL"),
        ("redis://127.0.0.1:1/0?no_such_option=1", "127.0.0.1:1/0: not a usable Redis URL"),
        ("unix:///nonexistent/redis.sock", "unix:///nonexistent/redis.sock: no such socket"),
        ("redis://no-such-host.invalid:6379", "no-such-host.invalid:6379/0: no such host name"),
    ],
)
def test_a_failed_connection_says_what_and_where(url: str, words: str) -> None:
    with pytest.raises(RedisUnreachable, match=words):
        open_socket(url)


def test_a_refused_connection_says_so() -> None:
    port = refused_port()
    with pytest.raises(RedisUnreachable, match=f"127.0.0.1:{port}/0: connection refused"):
        open_socket(f"redis://127.0.0.1:{port}")


def test_a_listener_that_never_answers_is_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(RedisUnreachable, match="no answer"):
            open_socket(f"redis://127.0.0.1:{port}", timeout_s=0.1)


def test_a_background_attempt_brings_an_open_socket(server: RedisServer) -> None:
    connected = connect_in_background(server.url).result(DEADLINE_S)
    with connected:
        connected.sendall(b"PING\r\n")
        assert connected.recv(100) == b"+PONG\r\n"


def test_a_background_attempt_brings_the_reason_of_its_failure() -> None:
    attempt = connect_in_background(f"redis://127.0.0.1:{refused_port()}")
    assert isinstance(attempt.exception(DEADLINE_S), RedisUnreachable)


class Dial:
    """Counts attempts; each fails at once until `connected` is set."""

    def __init__(self) -> None:
        self.attempts = 0
        self.connected: socket.socket | None = None

    def __call__(self, url: str) -> Attempt:
        self.attempts += 1
        attempt = Attempt()
        if self.connected is None:
            attempt.set_exception(RedisUnreachable("refused"))
        else:
            attempt.set_result(self.connected)
        return attempt


def test_attempts_are_spaced_01_02_up_to_2_s() -> None:
    dial = Dial()
    reconnection = Reconnection("redis://127.0.0.1", dial)
    attempted_at_ms = []
    for now_ms in range(0, 9000, 10):
        before = dial.attempts
        reconnection.poll(now_ms * MS)
        if dial.attempts > before:
            attempted_at_ms.append(now_ms)
    gaps_ms = [later - earlier for earlier, later in zip(attempted_at_ms, attempted_at_ms[1:], strict=False)]
    assert attempted_at_ms[0] == 0
    assert gaps_ms == [100, 200, 400, 800, 1600, 2000, 2000]
    assert reconnection.failure == "refused"


def test_a_success_starts_the_spacing_anew() -> None:
    dial = Dial()
    reconnection = Reconnection("redis://127.0.0.1", dial)
    for now_ms in (0, 100, 300):
        assert reconnection.poll(now_ms * MS) is None
    with socket.socket() as dial.connected:
        assert reconnection.poll(700 * MS) is dial.connected
        assert reconnection.failure == ""
        reconnection.wait(1000 * MS)
        assert reconnection.poll(1099 * MS) is None
        assert reconnection.poll(1100 * MS) is dial.connected


class Dribble:
    """A listener that answers one byte of an endless line at a time: no time-out for a single read ends that."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://:secret@127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_connected = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        try:
            connected, _ = self._listener.accept()
            with connected:
                self.is_connected.set()
                while True:
                    connected.sendall(b"+")
                    time.sleep(0.01)
        except OSError:
            return

    def close(self) -> None:
        """Only a peer that was left lets the thread end."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def dribble() -> Iterator[Dribble]:
    dribble = Dribble()
    yield dribble
    dribble.close()


def test_an_abandoned_attempt_ends_and_leaves_its_server(dribble: Dribble) -> None:
    attempt = connect_in_background(dribble.url)
    assert dribble.is_connected.wait(DEADLINE_S)
    assert not attempt.done()
    attempt.abandon()
    attempt.abandon()
    attempt.join(DEADLINE_S)
    assert attempt.thread is not None and not attempt.thread.is_alive()
    assert isinstance(attempt.exception(DEADLINE_S), RedisUnreachable)


def test_a_connection_that_nobody_accepts_is_abandoned_too() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # The listener's queue is full, so the next connection gets no answer.
        filling = [socket.socket() for _ in range(3)]
        for each in filling:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        attempt = connect_in_background(f"redis://127.0.0.1:{listener.getsockname()[1]}")
        attempt.abandon()
        attempt.join(DEADLINE_S)
        assert attempt.thread is not None and not attempt.thread.is_alive()
        for each in filling:
            each.close()


def test_what_an_abandoned_attempt_brings_is_closed(server: RedisServer) -> None:
    attempt = connect_in_background(server.url)
    connected = attempt.result(DEADLINE_S)
    attempt.abandon()
    assert connected.fileno() == -1


def test_an_attempt_that_takes_too_long_is_ended_and_told_and_the_next_one_begins(dribble: Dribble) -> None:
    begun: list[Attempt] = []

    def connect(url: str) -> Attempt:
        begun.append(connect_in_background(url))
        return begun[-1]

    reconnection = Reconnection(dribble.url, connect)
    assert reconnection.poll(0) is None
    assert dribble.is_connected.wait(DEADLINE_S)
    assert reconnection.poll(ATTEMPT_WITHIN_NS) is None
    assert reconnection.failure == ""
    assert reconnection.poll(ATTEMPT_WITHIN_NS + 1) is None
    assert reconnection.failure.endswith("/0: no connection within 6 s")
    assert "secret" not in reconnection.failure
    begun[0].join(DEADLINE_S)
    assert reconnection.poll(ATTEMPT_WITHIN_NS + 2) is None
    assert (len(begun), reconnection.failures) == (1, 1)
    reconnection.poll(ATTEMPT_WITHIN_NS + 200 * MS)
    assert len(begun) == 2
    reconnection.close()


def test_closing_ends_the_attempt_under_way(dribble: Dribble) -> None:
    begun: list[Attempt] = []

    def connect(url: str) -> Attempt:
        begun.append(connect_in_background(url))
        return begun[-1]

    reconnection = Reconnection(dribble.url, connect)
    reconnection.poll(0)
    assert dribble.is_connected.wait(DEADLINE_S)
    reconnection.close()
    begun[0].join(DEADLINE_S)
    assert begun[0].thread is not None and not begun[0].thread.is_alive()
