"""Attempts to connect to Redis, one after another, each in a thread, so that the deciding loop never waits."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.sinks.address import address_of

log = logging.getLogger(__name__)

FIRST_BACKOFF_NS = 100_000_000
LONGEST_BACKOFF_NS = 2_000_000_000
ATTEMPT_WITHIN_NS = 6_000_000_000
THREAD_ENDS_WITHIN_S = 0.2


class Attempt(Future[socket.socket]):
    """One attempt to connect. The result is a connected socket, or RedisUnreachable."""

    def __init__(self) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()
        self._lock = threading.Lock()
        self._opening: socket.socket | None = None
        self.is_abandoned = False
        self.thread: threading.Thread | None = None

    def watch(self, opening: socket.socket) -> None:
        """Keep the socket that is being opened, so that `abandon` can interrupt it. Raises RedisUnreachable when the
        attempt is abandoned already."""
        with self._lock:
            if self.is_abandoned:
                raise RedisUnreachable("given up")
            if self._opening is not None:
                self._opening.close()
            # A duplicate, because TLS takes the descriptor out of the socket that it wraps.
            self._opening = opening.dup()

    def abandon(self) -> None:
        """Give the attempt up: shut its socket down, and close the connection if it is made already."""
        with self._lock:
            if self.is_abandoned:
                return
            self.is_abandoned = True
            if self._opening is not None:
                with contextlib.suppress(OSError):
                    self._opening.shutdown(socket.SHUT_RDWR)
        self.add_done_callback(_close_result)

    def end(self) -> None:
        """Release the watched socket when the attempt is over."""
        with self._lock:
            if self._opening is not None:
                self._opening.close()
                self._opening = None

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end."""
        if self.thread is not None:
            self.thread.join(timeout_s)


def _close_result(done: Future[socket.socket]) -> None:
    if done.exception() is None:
        done.result().close()


Connect = Callable[[str], Attempt]
"""Begin to connect to a URL."""


def connect_in_background(url: str) -> Attempt:
    """Begin to connect in a thread of its own, which ends with the attempt."""
    attempt = Attempt()
    attempt.thread = threading.Thread(target=_fulfil, args=(attempt, url), name="redis-connect", daemon=True)
    attempt.thread.start()
    return attempt


def _fulfil(attempt: Attempt, url: str) -> None:
    try:
        # Deferred: redis-py takes longer to import than everything else that a node needs before its first quote.
        from arbsniper_tui.sinks.open_socket import open_socket

        connected = open_socket(url, watch=attempt.watch)
    except Exception as error:
        attempt.end()
        if not isinstance(error, RedisUnreachable):
            log.exception("connecting to redis at %s failed unexpectedly", address_of(url))
            error = RedisUnreachable(f"{address_of(url)}: {error!r}")
        attempt.set_exception(error)
    else:
        attempt.end()
        attempt.set_result(connected)


class Reconnection:
    """Attempts one after another, 0.1, 0.2 ... 2 s apart; the first at once."""

    def __init__(self, url: str, connect: Connect) -> None:
        self._url = url
        self._connect = connect
        self._attempt: Attempt | None = None
        self._begun_ns = 0
        self._next_at_ns = 0
        self._backoff_ns = FIRST_BACKOFF_NS
        self.failures = 0
        """Attempts that failed, ever."""
        self.failure = ""
        """Why the last attempt failed, in words; empty after a success and before the first failure."""

    @property
    def is_under_way(self) -> bool:
        return self._attempt is not None

    def poll(self, now_ns: int) -> socket.socket | None:
        """The connected socket, once per success; else None. Begins the next attempt when it is due."""
        if self._attempt is None:
            if now_ns < self._next_at_ns:
                return None
            self._attempt = self._connect(self._url)
            self._begun_ns = now_ns
        if not self._attempt.done():
            if now_ns - self._begun_ns > ATTEMPT_WITHIN_NS:
                # Only name resolution can still block the thread. No second one is started, so that they cannot add up.
                self._attempt.abandon()
                self.failure = self._too_late
            return None
        attempt, self._attempt = self._attempt, None
        error = attempt.exception()
        if attempt.is_abandoned:
            self.note_failure(self._too_late, now_ns)
        elif error is not None:
            self.note_failure(str(error), now_ns)
        else:
            self.failure = ""
            self._backoff_ns = FIRST_BACKOFF_NS
            return attempt.result()
        return None

    @property
    def _too_late(self) -> str:
        return f"{address_of(self._url)}: no connection within {ATTEMPT_WITHIN_NS / 1e9:g} s"

    def note_failure(self, reason: str, now_ns: int) -> None:
        """Note that an attempt failed, or that its connection broke at once."""
        self.wait(now_ns)
        self.failures += 1
        self.failure = reason

    def wait(self, now_ns: int) -> None:
        """Delay the next attempt by the backoff, and double the backoff."""
        self.failure = ""
        self._next_at_ns = now_ns + self._backoff_ns
        self._backoff_ns = min(2 * self._backoff_ns, LONGEST_BACKOFF_NS)

    def hurry(self) -> None:
        """Make the next attempt due now."""
        self._next_at_ns = 0

    def close(self) -> None:
        """Abandon the running attempt and wait up to 0.2 s for its thread: the interpreter may crash if it exits while
        a thread runs."""
        if self._attempt is not None:
            self._attempt.abandon()
            self._attempt.join(THREAD_ENDS_WITHIN_S)
            self._attempt = None
