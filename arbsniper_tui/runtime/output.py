"""Lines to a reader that may be slow, stopped or gone. Writing never waits for it; what waits in memory is bounded.

A descriptor that other processes share must stay as it is: with O_NONBLOCK set on it, the user's shell and its other
programs would have writes refused. So a pipe and a terminal are opened anew, which gives a description of our own.
"""

import errno
import os
import select
import socket
import stat
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

LIMIT_BYTES = 1 << 20
"""Of lines that wait: some thousands."""
_PIPE_BUF = select.PIPE_BUF
_TERMINAL_BYTES = 1
"""A terminal that is ready takes one character; more than that may have to wait in the middle."""
_READER_GONE = (errno.EPIPE, errno.EIO, errno.ECONNRESET, errno.ENOTCONN)
"""EIO: the terminal was closed."""

OnGap = Callable[[int], bytes]
"""Called with a number of dropped lines when the reader is back; returns what is written in their place."""


def _no_mark(dropped: int) -> bytes:
    return b""


class Output:
    """One descriptor. A line of up to PIPE_BUF bytes stays whole beside what other processes write there."""

    def __init__(self, descriptor: int, *, limit_bytes: int | None = LIMIT_BYTES, on_gap: OnGap = _no_mark) -> None:
        """Above `limit_bytes` the oldest half is dropped; with None nothing is, and the caller has to `drain`."""
        self._descriptor = descriptor
        self._write = _writer(descriptor)
        self._limit_bytes = limit_bytes
        self._on_gap = on_gap
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._rest = b""
        """Of lines that were begun."""
        self.dropped = 0
        """Lines dropped since the reader was told of the last ones."""

    @property
    def has_written_all(self) -> bool:
        """Whether nothing waits."""
        return not (self._rest or self._lines or self.dropped)

    @property
    def unwritten(self) -> int:
        """Lines that the reader has not taken and was not told of, the dropped ones among them."""
        return self.dropped + len(self._lines) + self._rest.count(b"\n")

    def put(self, line: bytes) -> None:
        """Take a line; `pump` writes it. Raises BrokenPipeError when the reader has gone."""
        self._lines.append(line)
        self._waiting_bytes += len(line)
        if self._limit_bytes is not None and self._waiting_bytes > self._limit_bytes and not self.pump():
            # Half of them at once: a reader that is too slow sees few long gaps, not one behind every line.
            while self._waiting_bytes > self._limit_bytes // 2 and len(self._lines) > 1:
                self._waiting_bytes -= len(self._lines.popleft())
                self.dropped += 1

    def pump(self) -> bool:
        """Write as much as the reader takes now. Returns whether nothing waits any more.

        Raises BrokenPipeError when the reader has gone; without a limit also what else hinders, such as a full disk.
        """
        while self._rest or self._begin():
            try:
                sent = self._write(self._rest)
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in _READER_GONE:
                    raise BrokenPipeError(error.errno, error.strerror) from error
                if self._limit_bytes is None:
                    raise
                return False
            if not sent:
                return False
            self._rest = self._rest[sent:]
        return True

    def drain(self, within_s: float | None = None, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait for the reader, at most this long (None: without end). Returns whether nothing waits any more. Raises
        what `pump` raises."""
        deadline_s = time.monotonic() + (within_s if within_s is not None else float("inf"))
        while not self.pump():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or is_stopping():
                return False
            self.wait(min(left_s, 0.1))
        return True

    def wait(self, timeout_s: float) -> None:
        """Until the reader may take more, at most this long."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll(timeout_s * 1000)
        time.sleep(0.001)  # a full disk and a terminal without room for a whole character are "ready" all the time

    def _begin(self) -> bytes:
        """The next whole lines that fit into one write; empty when none waits."""
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            self._rest = self._on_gap(dropped)
        while self._lines and (not self._rest or len(self._rest) + len(self._lines[0]) <= _PIPE_BUF):
            line = self._lines.popleft()
            self._waiting_bytes -= len(line)
            self._rest += line
        return self._rest


def _writer(descriptor: int) -> Callable[[bytes], int]:
    """What writes as many bytes as fit without waiting, and returns how many."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        connection = socket.socket(fileno=os.dup(descriptor))
        return lambda chunk: connection.send(chunk, socket.MSG_DONTWAIT)
    is_terminal = os.isatty(descriptor)
    if not is_terminal and not stat.S_ISFIFO(mode):
        return partial(os.write, descriptor)  # a file takes everything at once
    own = _reopened(descriptor, is_terminal)
    if own is not None:
        return partial(os.write, own)
    return partial(_write_when_ready, descriptor, _TERMINAL_BYTES if is_terminal else _PIPE_BUF)


def _reopened(descriptor: int, is_terminal: bool) -> int | None:
    """A description of our own of the same pipe or terminal; None where that is refused, as after `su`."""
    paths = [f"/proc/self/fd/{descriptor}"]
    if is_terminal:
        with suppress(OSError):
            paths.append(os.ttyname(descriptor))
        with suppress(OSError):
            os.tcgetpgrp(descriptor)  # fails unless it is the controlling terminal, which anyone may open
            paths.append("/dev/tty")
    for path in paths:
        with suppress(OSError):
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return None


def _write_when_ready(descriptor: int, limit: int, chunk: bytes) -> int:
    """Write as much as fits for certain when a descriptor is ready."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return os.write(descriptor, chunk[:limit]) if poll.poll(0) else 0
