"""A PUSH socket without a thread: `send` hands the message to the kernel before it returns."""

import logging
import select
import socket
from collections.abc import Callable
from pathlib import Path

from arbsniper_tui.model.errors import BadPeer
from arbsniper_tui.wire.zmtp import PULL, PUSH, framed, hello, hello_length

_log = logging.getLogger(__name__)

BUFFER_BYTES = 1 << 16
"""The send buffer asked of the kernel: some hundred small messages, some ms of work for the reader."""
_HELLO_BYTES = 256
_CONNECT_EVERY_S = 0.01


class PushSocket:
    """Connects when there is something to send, and again after the reader has disconnected."""

    def __init__(self, path: Path, on_lost: Callable[[], None] = lambda: None) -> None:
        """`on_lost` is called when a connection ends. Messages that the reader had not read are lost then."""
        self._path = str(path)
        self._on_lost = on_lost
        self._connection: socket.socket | None = None
        self._greeting = b""
        self._is_greeted = False
        self.rest = b""
        """The unsent part of the last message; `flush` sends it."""

    def send(self, body: bytes) -> bool:
        """Send a message without waiting. Returns False if there is no reader or no room."""
        if (not self._is_greeted or self.rest) and not self._is_ready():
            return False
        message = framed(body)
        sent = self._write(message)
        if 0 < sent < len(message):
            self.rest = message[sent:]
        return sent > 0

    def flush(self) -> bool:
        """Send the rest of the last message. Returns whether all of it is sent."""
        if self.rest:
            sent = self._write(self.rest)
            self.rest = self.rest[sent:]  # empty if the connection was lost over it
        return not self.rest

    def wait(self) -> None:
        """Block until `send` or `flush` may succeed."""
        if self._connection is None:
            select.select([], [], [], _CONNECT_EVERY_S)
        elif self._is_greeted:
            select.select([], [self._connection], [])
        else:
            select.select([self._connection], [], [])

    def close(self) -> None:
        """Close at once. A message that is sent in part is lost."""
        if self._connection is not None:
            self._connection.close()

    def _is_ready(self) -> bool:
        if self._connection is None and not self._connect():
            return False
        if not self._is_greeted and not self._reads_greeting():
            return False
        return self.flush() and self._is_greeted

    def _connect(self) -> bool:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        try:
            connection.connect(self._path)
            connection.send(hello(PUSH))
        except OSError:  # the reader does not listen yet, or its queue of connections is full
            connection.close()
            return False
        self._connection, self._greeting = connection, b""
        return True

    def _reads_greeting(self) -> bool:
        assert self._connection is not None
        try:
            received = self._connection.recv(_HELLO_BYTES)
            self._greeting += received
            if not received:
                raise BadPeer("the reader closed before it said hello")
            self._is_greeted = hello_length(self._greeting, PULL) > 0
        except BlockingIOError:
            return False
        except (OSError, BadPeer) as error:
            self._lose(str(error))
        return self._is_greeted

    def _write(self, message: bytes) -> int:
        """Returns how many bytes the kernel took."""
        assert self._connection is not None
        try:
            return self._connection.send(message)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._lose(str(error))
            return 0

    def _lose(self, reason: str) -> None:
        _log.info("the bus lost its reader: %s", reason)
        assert self._connection is not None
        self._connection.close()
        self._connection, self._is_greeted, self.rest = None, False, b""
        self._on_lost()
