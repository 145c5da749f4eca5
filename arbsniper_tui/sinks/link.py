"""One open connection to Redis that never blocks: writes commands, reads replies, and knows which are unanswered."""

import contextlib
import select
import socket
import ssl
import struct
import sys
import time
from collections import deque

import hiredis

from arbsniper_tui.model.errors import LinkLost
from arbsniper_tui.sinks.outgoing import InFlight

READ_BYTES = 65_536
READS_A_CALL = 32
"""So that a peer which never stops sending holds nobody up."""
LONGEST_REPLY_BYTES = 16 << 20
"""The longest that the sink asks for, a page of the stream, takes some 200 kB."""
# A TLS socket has exceptions of its own for this.
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

# With this option the kernel tells when a reply arrived. The spread worker reads every 20 ms, so without it a round
# trip of 0.14 ms shows as 20 ms (docs/decisions/0015). The socket module does not name it; 35 is its number on x86 and
# ARM.
SO_TIMESTAMPNS = 35 if sys.platform == "linux" and struct.calcsize("l") == 8 else None
TIMESPEC = struct.Struct("@qq")


def _prepare(connected: socket.socket) -> bool:
    """Set a socket's options; returns whether the kernel stamps what it receives."""
    connected.setblocking(False)
    if connected.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A TLS socket has no recvmsg.
    if SO_TIMESTAMPNS is None or isinstance(connected, ssl.SSLSocket):
        return False
    connected.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return True


class RedisLink:
    """Owns a connected, authenticated socket. No call waits, and all but `close` raise LinkLost when the connection is
    broken."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        try:
            self._is_stamped = _prepare(connected)
        except OSError as error:
            connected.close()
            raise LinkLost(f"connection lost: {error.strerror or error}") from error
        self._reader = hiredis.Reader()
        self._unfinished_bytes = 0
        """What has come since the last whole reply, at least."""
        self._arrivals = select.poll()
        self._arrivals.register(connected, select.POLLIN)
        self.in_flight: deque[InFlight] = deque()
        self.unsent = b""
        """What the socket did not take of the last write; nothing else may be written before it."""
        self._end = ""
        """Why no more replies will come."""
        # The kernel does not stamp what arrives on a Unix socket.
        self.unread_ns: int | None = None if connected.family == socket.AF_UNIX else 0
        """How long the newest bytes waited in the kernel before they were read. 0 on systems without stamps. None where
        the kernel gave no stamp (Linux begins a moment after it is asked to), and for a Unix socket."""

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def is_idle(self) -> bool:
        """Whether everything written was taken and answered."""
        return not self.in_flight and not self.unsent

    def oldest_age_ns(self, now_ns: int) -> int:
        """How long the oldest unanswered command has waited; 0 when none does."""
        return now_ns - self.in_flight[0][0] if self.in_flight else 0

    def write(self, packed: bytes, in_flight: list[InFlight]) -> None:
        """Send commands, only while nothing is unsent. What the socket does not take is kept in `unsent`."""
        self.in_flight.extend(in_flight)
        try:
            taken = self._socket.send(packed)
        except WOULD_BLOCK:
            taken = 0
        except OSError as error:
            raise LinkLost(f"connection lost: {error.strerror or error}") from error
        self.unsent = packed[taken:]

    def write_unsent(self) -> None:
        if self.unsent:
            self.write(self.unsent, [])

    def receive(self) -> list[tuple[InFlight, object]]:
        """The commands that were answered since the last call, each with its reply. An error reply is a
        hiredis.ReplyError."""
        if self._end:
            raise LinkLost(self._end)
        end = self._read()
        answered: list[tuple[InFlight, object]] = []
        try:
            while (reply := self._reader.gets()) is not False:
                if not self.in_flight:
                    end = "a reply to nothing that was asked"
                    break
                answered.append((self.in_flight.popleft(), reply))
                self._unfinished_bytes = 0
        except hiredis.ProtocolError as error:
            end = f"not a Redis reply: {error}"
        if self._unfinished_bytes > LONGEST_REPLY_BYTES:
            end = "its reply does not end"
        if end and not answered:
            raise LinkLost(end)
        # Replies that came before the end still count.
        self._end = end
        return answered

    def _read(self) -> str:
        """Feed the reader with what has arrived, a step at a time. Returns why no more can come, or an empty string."""
        # TLS may hold bytes that it has read from its socket already: poll does not see them.
        for _ in range(READS_A_CALL):
            if not (isinstance(self._socket, ssl.SSLSocket) or self._arrivals.poll(0)):
                return ""
            try:
                chunk = self._read_chunk()
            except WOULD_BLOCK:
                return ""
            except OSError as error:
                return f"connection lost: {error.strerror or error}"
            if not chunk:
                return "connection closed by the server"
            self._reader.feed(chunk)
            self._unfinished_bytes += len(chunk)
        return ""

    def _read_chunk(self) -> bytes:
        if not self._is_stamped:
            return self._socket.recv(READ_BYTES)
        chunk, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, socket.CMSG_SPACE(TIMESPEC.size))
        self.unread_ns = None
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = TIMESPEC.unpack(content[: TIMESPEC.size])
                self.unread_ns = max(0, time.time_ns() - seconds * 1_000_000_000 - nanoseconds)
        return chunk

    def close(self, *, abort: bool = False) -> None:
        """With `abort`, the kernel discards what it has not sent yet, so that nothing arrives late."""
        if abort:
            # A socket that its peer has reset takes no options, and has nothing left to discard.
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
