"""Attempts to connect to Redis, in the background and one after another: the loop that asks for them never waits."""

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from urllib.parse import urlsplit

from arbsniper_tui.sinks.errors import RedisUnreachable

log = logging.getLogger(__name__)

FIRST_BACKOFF_NS = 100_000_000
LONGEST_BACKOFF_NS = 2_000_000_000
Connect = Callable[[str], Future[socket.socket]]
"""Begin to connect to a URL. The result is a connected socket, or RedisUnreachable."""


def address_of(url: str) -> str:
    """Where a URL leads, as `host:port/db` or a path, without user, password and options."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        return ""
    if parts.scheme == "unix":
        return parts.path
    if parts.scheme not in ("redis", "rediss"):
        return ""
    return f"{parts.hostname or 'localhost'}:{port}/{parts.path.strip('/') or 0}"


def connect_in_background(url: str) -> Future[socket.socket]:
    """Begin to connect in a thread of its own, which ends with the attempt."""
    attempt: Future[socket.socket] = Future()
    attempt.set_running_or_notify_cancel()
    threading.Thread(target=_fulfil, args=(attempt, url), name="redis-connect", daemon=True).start()
    return attempt


def _fulfil(attempt: Future[socket.socket], url: str) -> None:
    try:
        # redis-py takes longer to import than everything else that a node needs before its first quote.
        from arbsniper_tui.sinks.open_socket import open_socket

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
        """Why the last attempt failed, in words; empty where none has failed since a connection was had."""

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
        self.note_failure(str(error), now_ns)
        return None

    @property
    def is_under_way(self) -> bool:
        return self._attempt is not None

    def note_failure(self, reason: str, now_ns: int) -> None:
        """An attempt brought nothing that can be used."""
        self.wait(now_ns)
        self.failures += 1
        self.failure = reason

    def wait(self, now_ns: int) -> None:
        """Put the next attempt off by the backoff, and double that."""
        self.failure = ""
        self._next_at_ns = now_ns + self._backoff_ns
        self._backoff_ns = min(2 * self._backoff_ns, LONGEST_BACKOFF_NS)

    def hurry(self) -> None:
        """The next attempt is due now."""
        self._next_at_ns = 0

    def close(self) -> None:
        if self._attempt is not None:
            abandon(self._attempt)
            self._attempt = None
