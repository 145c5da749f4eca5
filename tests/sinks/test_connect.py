"""URLs, attempts and their spacing, and what a failed connection is called."""

import socket
from concurrent.futures import Future

import pytest
from redis_server import RedisServer

from arbsniper_tui.sinks.connect import Reconnection, address_of, connect_in_background
from arbsniper_tui.sinks.errors import RedisUnreachable
from arbsniper_tui.sinks.open_socket import open_socket

from .conftest import DEADLINE_S, MS


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://127.0.0.1:6379/0", "127.0.0.1:6379/0"),
        ("redis://user:secret@redis.example", "redis.example:6379/0"),
        ("rediss://:secret@redis.example:7000/5?ssl_cert_reqs=none", "redis.example:7000/5"),
        ("unix:///run/redis.sock?password=secret", "/run/redis.sock"),
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
        ("unix:///nonexistent/redis.sock", "/nonexistent/redis.sock: no such socket"),
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

    def __call__(self, url: str) -> Future[socket.socket]:
        self.attempts += 1
        attempt: Future[socket.socket] = Future()
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
