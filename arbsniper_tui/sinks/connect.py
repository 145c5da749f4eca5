"""Making a connection to Redis: URL, TLS, AUTH, database and a first PING, away from the thread that must not wait."""

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import redis
from redis.connection import Connection, parse_url

from arbsniper_tui.sinks.errors import RedisUnreachable

log = logging.getLogger(__name__)

# The one function of redis-py used here that carries no types.
url_arguments = cast("Callable[[str], dict[str, Any]]", parse_url)

CONNECT_TIMEOUT_S = 2.0
FIRST_BACKOFF_NS = 100_000_000
LONGEST_BACKOFF_NS = 2_000_000_000
# Arguments of a URL that belong to a pool of connections, not to one.
POOL_ARGUMENTS = ("max_connections", "timeout")

Connect = Callable[[str], Future[socket.socket]]
"""Begin to connect to a URL. The result is a connected socket, or RedisUnreachable."""


def address_of(url: str) -> str:
    """Where a URL leads, as `host:port/db` or a path, without user, password and options."""
    try:
        arguments = url_arguments(url)
    except ValueError:
        return ""
    if "path" in arguments:
        return str(arguments["path"])
    host, port = arguments.get("host", "localhost"), arguments.get("port", 6379)
    return f"{host}:{port}/{arguments.get('db', 0)}"


def open_socket(url: str, timeout_s: float = CONNECT_TIMEOUT_S) -> socket.socket:
    """Connect, authenticate, select the database, and have a PING answered; raises RedisUnreachable."""
    connection: Any = None
    try:
        connection = _connection(url, timeout_s)
        connection.connect()
        # A stopped server's kernel still accepts connections; only an answer shows that it is there.
        connection.send_command("PING")
        connection.read_response()
    except (redis.RedisError, OSError, ValueError, TypeError) as error:
        if connection is not None:
            connection.disconnect()
        raise RedisUnreachable(f"{address_of(url) or 'redis.url'}: {_in_words(error)}") from error
    # redis-py has no public way to part with its socket, and its Connection blocks in send and in read. Nothing is
    # left unread in its parser here, and without `_sock` its finaliser has nothing to close.
    connected: socket.socket = connection._sock
    connection._sock = None
    return connected


def _connection(url: str, timeout_s: float) -> Any:
    arguments = url_arguments(url)
    for name in POOL_ARGUMENTS:
        arguments.pop(name, None)
    connection_class: Any = arguments.pop("connection_class", Connection)
    # RESP2: understood by every server, and no message comes that was not asked for.
    arguments |= {"socket_connect_timeout": timeout_s, "socket_timeout": timeout_s, "protocol": 2}
    return connection_class(**arguments)


def _in_words(error: Exception) -> str:
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    if isinstance(error, redis.AuthenticationError):
        return f"authentication refused ({error})"
    if isinstance(error, redis.BusyLoadingError):
        return "the server is loading its data"
    if isinstance(error, (redis.TimeoutError, TimeoutError)):
        return "no answer"
    if isinstance(cause, socket.gaierror):
        return "no such host name"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, FileNotFoundError):
        return "no such socket"
    if isinstance(error, (ValueError, TypeError)):
        return f"not a usable Redis URL ({error})"
    return str(getattr(cause, "strerror", None) or cause)


def connect_in_background(url: str) -> Future[socket.socket]:
    """Begin to connect in a thread of its own, which ends with the attempt."""
    attempt: Future[socket.socket] = Future()
    attempt.set_running_or_notify_cancel()
    threading.Thread(target=_fulfil, args=(attempt, url), name="redis-connect", daemon=True).start()
    return attempt


def _fulfil(attempt: Future[socket.socket], url: str) -> None:
    try:
        attempt.set_result(open_socket(url))
    except RedisUnreachable as error:
        attempt.set_exception(error)
    except Exception as error:
        log.exception("connecting to redis at %s failed in an unforeseen way", address_of(url))
        attempt.set_exception(RedisUnreachable(f"{address_of(url)}: {error!r}"))


def abandon(attempt: Future[socket.socket]) -> None:
    """Nobody waits for this attempt any more: whatever it brings is closed."""

    def close_socket(done: Future[socket.socket]) -> None:
        if not done.cancelled() and done.exception() is None:
            done.result().close()

    attempt.add_done_callback(close_socket)


class Reconnection:
    """Attempts one after another, 0.1, 0.2 ... 2 s apart; the first at once."""

    def __init__(self, url: str, connect: Connect) -> None:
        self._url = url
        self._connect = connect
        self._attempt: Future[socket.socket] | None = None
        self._next_at_ns = 0
        self._backoff_ns = FIRST_BACKOFF_NS
        self.failures = 0
        """Attempts that failed, ever."""
        self.failure = ""
        """Why the last attempt failed, in words; empty before the first has, and after one that did not."""

    def poll(self, now_ns: int) -> socket.socket | None:
        """The connected socket, once; None while there is none. Begins the next attempt when it is due."""
        if self._attempt is None:
            if now_ns < self._next_at_ns:
                return None
            self._attempt = self._connect(self._url)
        if not self._attempt.done():
            return None
        attempt, self._attempt = self._attempt, None
        error = attempt.exception()
        if error is None:
            self.failure = ""
            self._backoff_ns = FIRST_BACKOFF_NS
            return attempt.result()
        self.failures += 1
        self.failure = str(error)
        self.wait(now_ns)
        return None

    def wait(self, now_ns: int) -> None:
        """Put the next attempt off by the backoff, and double that."""
        self._next_at_ns = now_ns + self._backoff_ns
        self._backoff_ns = min(2 * self._backoff_ns, LONGEST_BACKOFF_NS)

    def hurry(self) -> None:
        """The next attempt is due now."""
        self._next_at_ns = 0

    def close(self) -> None:
        if self._attempt is not None:
            abandon(self._attempt)
            self._attempt = None
