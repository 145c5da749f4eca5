"""The connection below /v1/stream: uvicorn's, with an end to every wait and a bound to what one client takes.

uvicorn's holds back what is sent while more than 64 KiB wait for the client, but for ever; and it answers every ping.
"""

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode as FrameCloseCode
from websockets.frames import Frame

from arbsniper_tui.api.stream.limits import MESSAGES_AT_ONCE, SEND_BUFFER_BYTES, Limits
from arbsniper_tui.api.stream.messages import CloseCode

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

_MOST_FRAGMENTS = 64
SHUTTING_DOWN = "the API ends: connect again, and subscribe from the last seq"


class StreamProtocol(WebSocketsSansIOProtocol):
    """Cuts a client that does not read."""

    limits = Limits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cutting: asyncio.TimerHandle | None = None

    @property
    def cycle(self) -> object:
        """For the crowd: something new while the WebSocket is open, so that it is not closed for its silence."""
        is_open = self.handshake_complete and not self.close_sent and not self.transport.is_closing()
        return object() if is_open else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_cutting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # A header that is too long: the answer is written, and uvicorn does not send it.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cutting = self.loop.call_later(self.limits.unread_s, self._cut)

    def resume_writing(self) -> None:
        self._stop_cutting()
        super().resume_writing()

    def shutdown(self) -> None:
        if self.handshake_complete:
            self._close(CloseCode.SHUTTING_DOWN, SHUTTING_DOWN)
        else:
            super().shutdown()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._give_up()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > _MOST_FRAGMENTS:  # those without content count for nothing in the size of a message
            self._close(CloseCode.BAD_MESSAGE, f"expected at most {_MOST_FRAGMENTS} fragments of a message")

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() > MESSAGES_AT_ONCE:
            self._close(CloseCode.BAD_MESSAGE, f"expected at most {MESSAGES_AT_ONCE} messages at once")
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                # uvicorn would write a traceback into the log, for each such message of a stranger.
                self._close(FrameCloseCode.INVALID_DATA, "expected text in UTF-8")
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # a client that does not read the answers gets none

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            return
        # Closed while more is coming in, the connection would be reset, and the client not read why.
        closed_by = self.conn.close_sent
        assert closed_by is not None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": closed_by.code, "reason": closed_by.reason})
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._give_up()

    async def send(self, message: "ASGISendEvent") -> None:
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)

    def _cut(self) -> None:
        self._close(
            CloseCode.TOO_SLOW, f"expected what is sent to be read, found it unread for {self.limits.unread_s:g} s"
        )

    def _close(self, code: int, reason: str) -> None:
        if not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
            self.close_sent = True
            with suppress(InvalidState):
                self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self._give_up()

    def _give_up(self) -> None:
        """Send nothing any more, and end the connection when the client has answered, or in time."""
        self.stop_keepalive()
        self.disconnected = True
        self.writable.set()
        self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.limits.closed_within_s, self.transport.abort)

    def _stop_cutting(self) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None
