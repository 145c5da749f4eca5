"""One open connection to Redis as a reader uses it: commands with their replies, and what is published."""

import socket
import time

import hiredis

from arbsniper_tui.model.errors import LinkLost
from arbsniper_tui.sinks.link import WOULD_BLOCK
from arbsniper_tui.sinks.outgoing import pack_command

ANSWER_WITHIN_S = 2.0
_READ_BYTES = 1 << 18


class RedisConnection:
    """Owns a connected, authenticated socket. Every call but `close` raises LinkLost when the connection is broken."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = hiredis.Reader()

    def ask(self, *command: str | int | bytes) -> object:
        """Send a command and wait for its reply. An error reply is returned as a hiredis.ReplyError."""
        self.send(*command)
        deadline_s = time.monotonic() + ANSWER_WITHIN_S
        while (reply := self._next()) is False:
            if not self._read(max(0.0, deadline_s - time.monotonic())):
                raise LinkLost(f"no reply within {ANSWER_WITHIN_S:g} s")
        return reply

    def send(self, *command: str | int | bytes) -> None:
        """Send a command whose reply `receive` will return."""
        self._socket.settimeout(ANSWER_WITHIN_S)
        try:
            self._socket.sendall(pack_command(command))
        except OSError as error:
            raise LinkLost(_words(error)) from error

    def receive(self, within_s: float) -> list[object]:
        """What has come, whole messages alone; waits for the first bytes for at most `within_s`."""
        self._read(within_s)
        messages: list[object] = []
        while (message := self._next()) is not False:
            messages.append(message)
        return messages

    def close(self) -> None:
        self._socket.close()

    def _next(self) -> object:
        try:
            message: object = self._reader.gets()
        except hiredis.ProtocolError as error:
            raise LinkLost(f"not a Redis reply: {error}") from error
        return message

    def _read(self, within_s: float) -> bool:
        """Feed the reader with the next bytes. Returns whether some came in time."""
        self._socket.settimeout(within_s)
        try:
            chunk = self._socket.recv(_READ_BYTES)
        except (TimeoutError, *WOULD_BLOCK):
            return False
        except OSError as error:
            raise LinkLost(_words(error)) from error
        if not chunk:
            raise LinkLost("connection closed by the server")
        self._reader.feed(chunk)
        return True


def _words(error: OSError) -> str:
    return f"connection lost: {error.strerror or error}"
