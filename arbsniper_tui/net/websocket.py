"""A WebSocket client for quotes: hands over all frames of one read at once, with the time from which their age counts.

The `websockets` library does the handshake, control frames, fragmented messages and closing. This module cuts
unfragmented data frames, which are nearly all that a venue sends, out of the read (docs/decisions/0004, 0015).
"""

import asyncio
import fcntl
import logging
import termios
from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import WebSocketError
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.tls import tls_context
from arbsniper_tui.net.words import words_of
from arbsniper_tui.runtime.clock import now_ns

MAX_FRAME = 64 << 20
"""The largest frame accepted: a whole book of a large venue takes several MB."""
MAX_HANDSHAKE = 64 << 10
OPEN_WITHIN_S = 10.0
CROWDED_BYTES = 1 << 16
"""A read of this size has probably left more in the socket."""

_HEADERS_END = b"\r\n\r\n"
_WHOLE = (0x81, 0x82)
"""First bytes of unfragmented text and binary frames without extensions."""
_NOT_WHOLE: tuple[int, ...] = ()
"""Used between the fragments of a message, where no other data frame may come: the library rejects one."""
_NEVER_NS = 2**63
_PINGS_KEPT = 16
"""Unanswered pings that are remembered; some venues never answer."""


def _holds_no_secret(record: logging.LogRecord) -> bool:
    """Whether a line of the library's log shows neither a password nor a path, which may hold a key or a token."""
    if isinstance(record.msg, str) and record.msg.startswith("> GET"):
        return False
    return not (isinstance(record.args, tuple) and record.args[:1] == ("Authorization",))


# With the level DEBUG the library logs the path and each header of its request.
logging.getLogger("websockets.client").addFilter(_holds_no_secret)

Headers = Sequence[tuple[str, str]]
"""Name and value of each."""
OnFrames = Callable[[list[bytes], int], None]
"""Receives the data frames of one read, and the time from which their age counts, in ns of `runtime.clock`."""


class WebSocket(asyncio.Protocol):
    """One connection. The future `closed` is done when it has ended; its result is the reason in words.

    The age of a frame counts from its read, unless it may have waited longer. After a pause of this process it counts
    from the moment before the pause, and while a pong is overdue from the last ping that was answered. A venue answers
    in order, so the next pong ends both.
    """

    def __init__(
        self, url: str, on_frames: OnFrames, backlog: Backlog, max_age_ns: int = _NEVER_NS, headers: Headers = ()
    ) -> None:
        """A pong is overdue `max_age_ns` after its ping."""
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last_read_ns = now_ns()
        self.received_bytes = 0
        self.rtt_ms: float | None = None
        self.answered_ns: int | None = None
        """When the newest ping that was answered was sent, in ns; None before the first answer."""
        self._on_frames = on_frames
        self._backlog = backlog
        self._max_age_ns = max_age_ns
        self._headers = headers
        self.overdue_ns = _NEVER_NS
        """When the next pong is overdue, in ns."""
        self.as_old_as_ns = 0
        """The time from which the age of what is read counts, in ns. 0: the time of the read."""
        self._doubted_ns = 0
        """The answer to a ping sent after this time, in ns, ends the doubt."""
        self._pings: dict[bytes, int] = {}
        self._protocol = ClientProtocol(parse_uri(url), max_size=MAX_FRAME)
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._buffer = bytearray()
        self._needed = 0
        self._fragments: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's, but have the same methods.
        self._transport = cast(asyncio.Transport, transport)
        request = self._protocol.connect()
        request.headers.update(self._headers)
        self._protocol.send_request(request)
        self._write()

    def data_received(self, data: bytes) -> None:
        # One function from bytes to frames: with cold caches each further call costs several times its usual (0003).
        ts_read_ns = self.last_read_ns = now_ns()
        size = len(data)
        self.received_bytes += size
        if ts_read_ns > self._backlog.late_ns or ts_read_ns > self.overdue_ns or size >= CROWDED_BYTES:
            self._note_late_or_large(ts_read_ns, size)
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        if not self._is_open:
            data = self._shake_hands(data)
        frames: list[bytes] = []
        # A pong in this read does not vouch for the frames before it.
        as_old_as_ns = self.as_old_as_ns or ts_read_ns
        at, size, self._needed = 0, len(data), 0
        whole = _NOT_WHOLE if self._fragments else _WHOLE
        while size - at >= 2:
            length, body = data[at + 1], at + 2
            if length == 126:
                body = at + 4
                length = int.from_bytes(data[at + 2 : body], "big")
            elif length > 126:
                body = at + 10
                length = int.from_bytes(data[at + 2 : body], "big")
                if data[at + 1] > 127 or length > MAX_FRAME:
                    self.abort(f"protocol error: a frame that is masked or longer than {MAX_FRAME} bytes")
                    at = size
                    break
            end = body + length
            if size < end or size < body:
                self._needed = end - at
                break
            if data[at] in whole:
                frames.append(data[body:end])
            elif not self._take_part(data[at:end], frames):
                at = size
                break
            else:
                whole = _NOT_WHOLE if self._fragments else _WHOLE
            at = end
        if at < size:
            self._buffer += data[at:]
        if frames:
            self._on_frames(frames, as_old_as_ns)

    def _note_late_or_large(self, ts_read_ns: int, size: int) -> None:
        """Act on a read that may be old, or has probably left more in the socket."""
        if ts_read_ns > self._backlog.late_ns:
            self._backlog.beat(ts_read_ns)
        if ts_read_ns > self.overdue_ns:
            self.doubt(self.overdue_ns - self._max_age_ns)
        if size >= CROWDED_BYTES:
            self._backlog.crowd()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else self._close_reason())

    def send(self, text: str) -> None:
        """Send one text frame. Does nothing on a connection that has ended."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text.encode())
            self._write()

    def ping(self) -> None:
        """Send a ping. Its round trip becomes `rtt_ms` when the pong arrives."""
        if self._protocol.state is State.OPEN:
            sent_ns = now_ns()
            payload = b"%x" % sent_ns
            self._pings[payload] = sent_ns
            if len(self._pings) > _PINGS_KEPT:
                del self._pings[next(iter(self._pings))]
            self._protocol.send_ping(payload)
            self._write()

    def doubt(self, since_ns: int) -> None:
        """Count the age of what is read from now on from `since_ns`: until the answer to a ping sent now arrives, or,
        for a venue that has never answered one, until `trust` is called."""
        self.as_old_as_ns = since_ns if not self.as_old_as_ns else min(since_ns, self.as_old_as_ns)
        self.overdue_ns = _NEVER_NS
        self._doubted_ns = now_ns()
        self.ping()

    def trust(self) -> None:
        """Note that everything that had waited is read."""
        if self.answered_ns is None:
            self.as_old_as_ns = 0

    @property
    def unread_bytes(self) -> int:
        """How many bytes have arrived and are not read yet."""
        if self._transport is None or self._transport.is_closing():
            return 0
        connected = self._transport.get_extra_info("socket")
        waiting = bytearray(4)
        fcntl.ioctl(connected.fileno(), termios.FIONREAD, waiting)
        return int.from_bytes(waiting, "little")

    def abort(self, reason: str) -> None:
        """Drop the connection now. `closed` gets `reason` as its result."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Send a close frame and close, without waiting for the answer."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._write()
        self._end("closed here")
        if self._transport is not None:
            self._transport.close()

    def _shake_hands(self, data: bytes) -> bytes:
        """Pass the response to the handshake to the library. Returns the bytes after it."""
        end = data.find(_HEADERS_END)
        if end < 0:
            if len(data) > MAX_HANDSHAKE:
                self.abort(f"the handshake was answered with more than {MAX_HANDSHAKE} bytes and no end of its header")
                return b""
            self._buffer += data
            return b""
        status = data.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")[2]
        if not status.startswith("101"):
            self.abort(f"the handshake was answered with HTTP {status}")
            return b""
        self._protocol.receive_data(data[: end + len(_HEADERS_END)])
        self._take_events()
        return data[end + len(_HEADERS_END) :]

    def _take_part(self, data: bytes, frames: list[bytes]) -> bool:
        """Pass a control frame or a fragment to the library. Returns whether the connection still lives."""
        self._protocol.receive_data(data)
        self._take_events(frames)
        return not self.closed.done()

    def _take_events(self, frames: list[bytes] | None = None) -> None:
        """Take what the library made of control frames and fragments, and send its answers."""
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                if self._protocol.state is State.OPEN and not self.opened.done():
                    self._is_open = True
                    self.opened.set_result(None)
            elif isinstance(event, Frame):
                self._take(event, [] if frames is None else frames)
        self._write()
        if error := self._protocol.handshake_exc or self._protocol.parser_exc:
            self.abort(f"protocol error: {error}")
        elif self._protocol.state is not State.OPEN:
            self.abort(self._close_reason())

    def _take(self, frame: Frame, frames: list[bytes]) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                frames.append(b"".join(self._fragments))
                self._fragments.clear()
        elif frame.opcode is Opcode.PONG and bytes(frame.data) in self._pings:
            self._take_pong(self._pings[bytes(frame.data)])

    def _take_pong(self, sent_ns: int) -> None:
        """Note an answer: everything that arrives after it was sent after `sent_ns`."""
        self.rtt_ms = (self.last_read_ns - sent_ns) / 1e6
        self.answered_ns = sent_ns
        self._pings = {payload: later_ns for payload, later_ns in self._pings.items() if later_ns > sent_ns}
        if sent_ns >= self._doubted_ns:
            self.as_old_as_ns = 0
            self.overdue_ns = sent_ns + self._max_age_ns
        elif self.as_old_as_ns:
            self.as_old_as_ns = max(self.as_old_as_ns, sent_ns)

    def _write(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)

    def _close_reason(self) -> str:
        received = self._protocol.close_rcvd
        if received is None:
            return "the venue closed the connection"
        words = f" {received.reason}" if received.reason else ""
        return f"the venue closed the connection: code {received.code}{words}"

    def _end(self, reason: str) -> None:
        # The reason may quote the venue: a status line, the reason of a close frame, bytes of a frame.
        reason = clean_text(reason)
        if not self.closed.done():
            self.closed.set_result(reason)
        if not self.opened.done():
            self.opened.set_exception(WebSocketError(reason))
            self.opened.exception()  # marks it as retrieved: nobody may be waiting for `opened`


async def open_websocket(
    url: str,
    on_frames: OnFrames,
    backlog: Backlog,
    max_age_ns: int = _NEVER_NS,
    within_s: float = OPEN_WITHIN_S,
    headers: Headers = (),
) -> WebSocket:
    """Connect and shake hands, with these headers besides the usual. Raises WebSocketError: what failed, and where."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "wss"
    port = parts.port or (443 if is_tls else 80)
    socket: WebSocket | None = None
    try:
        async with asyncio.timeout(within_s):
            context = await tls_context() if is_tls else None
            _, socket = await asyncio.get_running_loop().create_connection(
                lambda: WebSocket(url, on_frames, backlog, max_age_ns, headers), parts.hostname or "", port, ssl=context
            )
            await socket.opened
    except TimeoutError as error:
        if socket is not None:
            socket.abort("no answer to the handshake")
        raise WebSocketError(f"{parts.hostname}:{port}: no answer within {within_s:g} s") from error
    except InvalidURI as error:
        # The library's message would show the whole URL, with user and password.
        raise WebSocketError(f"{parts.hostname}:{port}: {error.msg}") from error
    except (WebSocketError, OSError, ValueError, InvalidHandshake) as error:
        # ValueError: the host name cannot be encoded for DNS or TLS.
        raise WebSocketError(f"{parts.hostname}:{port}: {words_of(error)}") from error
    return socket
