"""A PUSH socket without a thread: what it takes is in the kernel's hands when `send` returns."""

import logging
import select
import socket
from collections.abc import Callable
from pathlib import Path

from arbsniper_tui.model.errors import BadPeer
from arbsniper_tui.wire.zmtp import PULL, PUSH, framed, hello, hello_length

_log = logging.getLogger(__name__)

BUFFER_BYTES = 1 << 16
"""Of messages under way, as the kernel counts them: some hundred small ones, some ms of work for the reader."""
_HELLO_BYTES = 256
_KNOCK_EVERY_S = 0.01


class PushSocket:
    """Connects by itself whenever there is something to send, and again after the reader has gone."""

    def __init__(self, path: Path, on_lost: Callable[[], None] = lambda: None) -> None:
        """`on_lost` is called when a connection ends; what was under way is lost then."""
        self._path = str(path)
        self._on_lost = on_lost
        self._connection: socket.socket | None = None
        self._welcome = b""
        self._is_welcome = False
        self.rest = b""
        """Of a message that was taken, but is not in the kernel's hands as a whole: `flush` then."""

    def send(self, body: bytes) -> bool:
        """Take a message, without waiting. False: there is no reader, or it is behind."""
        if (not self._is_welcome or self.rest) and not self._is_ready():
            return False
        message = framed(body)
        sent = self._write(message)
        if 0 < sent < len(message):
            self.rest = message[sent:]
        return sent > 0

    def flush(self) -> bool:
        """Whether every message that was taken has left as a whole."""
        if self.rest:
            sent = self._write(self.rest)
            self.rest = self.rest[sent:]  # nothing, if the reader was lost over it
        return not self.rest

    def wait(self) -> None:
        """Until `send` or `flush` may find room."""
        if self._connection is None:
            select.select([], [], [], _KNOCK_EVERY_S)
        elif self._is_welcome:
            select.select([], [self._connection], [])
        else:
            select.select([self._connection], [], [])

    def close(self) -> None:
        """Close at once; a message of which a part is still here is lost."""
        if self._connection is not None:
            self._connection.close()

    def _is_ready(self) -> bool:
        if self._connection is None and not self._connect():
            return False
        if not self._is_welcome and not self._reads_welcome():
            return False
        return self.flush() and self._is_welcome

    def _connect(self) -> bool:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        try:
            connection.connect(self._path)
            connection.send(hello(PUSH))
        except OSError:  # nobody is there yet, or the reader has too many knocking
            connection.close()
            return False
        self._connection, self._welcome = connection, b""
        return True

    def _reads_welcome(self) -> bool:
        assert self._connection is not None
        try:
            received = self._connection.recv(_HELLO_BYTES)
            self._welcome += received
            if not received:
                raise BadPeer("the reader closed before it said hello")
            self._is_welcome = hello_length(self._welcome, PULL) > 0
        except BlockingIOError:
            return False
        except (OSError, BadPeer) as error:
            self._lose(str(error))
        return self._is_welcome

    def _write(self, message: bytes) -> int:
        """How many bytes of it have left."""
        assert self._connection is not None
        try:
            return self._connection.send(message)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._lose(str(error))
            return 0

    def _lose(self, why: str) -> None:
        _log.info("the bus lost its reader: %s", why)
        assert self._connection is not None
        self._connection.close()
        self._connection, self._is_welcome, self.rest = None, False, b""
        self._on_lost()
