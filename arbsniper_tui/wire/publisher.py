"""The node's sockets for viewers: publishes frames and events, answers commands. Nothing here waits for a viewer."""

from collections.abc import Callable
from typing import cast

import zmq

from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import (
    HELD_FOR_A_VIEWER,
    VIEW_TOPIC,
    Command,
    LauncherCommand,
    Refused,
    Reply,
    decode_command,
    decode_launcher_command,
    encode,
)

_LOOK_EVERY_MS = 20
_EVENTS, _POLLIN = int(zmq.EVENTS), int(zmq.POLLIN)  # `&` of enum flags runs Python code, of ints it does not


class Publisher:
    """An XPUB socket for frames and events. It counts the viewers, so that no frame is made while there is none.

    A viewer that falls behind loses messages and sees the gap. A lossless publisher (of a replay) waits for its reader
    for as long as `while_behind` returns true; that is called again and again meanwhile.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoints: Endpoints,
        *,
        is_lossless: bool = False,
        while_behind: Callable[[], bool] = lambda: True,
    ) -> None:
        self._socket = context.socket(zmq.XPUB)
        self._socket.set(zmq.SNDHWM, HELD_FOR_A_VIEWER)
        self._flags = int(zmq.NOBLOCK)
        if is_lossless:
            self._socket.set(zmq.XPUB_NODROP, 1)
            self._socket.set(zmq.SNDTIMEO, _LOOK_EVERY_MS)
            self._flags = 0
        self._while_behind = while_behind
        self._socket.set(zmq.XPUB_VERBOSER, 1)
        self._socket.set(zmq.LINGER, 200)
        self._socket.bind(endpoints.frames)
        self.viewers = 0
        """Sockets that ask for frames."""

    def take_subscriptions(self) -> None:
        """Update the number of viewers."""
        while _has_come(self._socket):
            message = self._socket.recv(zmq.NOBLOCK)
            if message[1:] == VIEW_TOPIC:
                self.viewers += 1 if message[0] else -1

    def publish(self, topic: bytes, body: bytes) -> None:
        """Send a message to every subscriber of the topic."""
        message = topic + body
        while True:
            try:
                self._socket.send(message, self._flags)
            except zmq.Again:
                if self._while_behind():
                    continue
            return

    def close(self) -> None:
        self._socket.close()


class CommandServer:
    """A REP socket: one answer for each command."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints) -> None:
        self._socket = context.socket(zmq.REP)
        self._socket.set(zmq.LINGER, 200)
        self._socket.bind(endpoints.commands)

    def serve(self, handle: Callable[[Command], Reply]) -> None:
        """Answer the commands that have arrived. One that cannot be read gets a Refused."""
        while _has_come(self._socket):
            message = b"".join(self._socket.recv_multipart(zmq.NOBLOCK))
            self._socket.send(encode(_answer(message, handle)))

    def close(self) -> None:
        self._socket.close()


class SlowServer:
    """A REP socket of a process that takes its time: the answer is given after any number of calls of `take`."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], address: str) -> None:
        self._socket = context.socket(zmq.REP)
        self._socket.set(zmq.LINGER, 200)
        self._socket.bind(address)
        self._is_owing = False

    def take(self) -> LauncherCommand | None:
        """The next command, once the one before it is answered; None where there is none. One that cannot be read is
        refused."""
        while not self._is_owing and _has_come(self._socket):
            message = b"".join(self._socket.recv_multipart(zmq.NOBLOCK))
            self._is_owing = True
            try:
                command: LauncherCommand = decode_launcher_command(message)
            except UNREADABLE as error:
                self.answer(Refused(f"this node does not know the command ({error})"))
                continue
            return command
        return None

    def answer(self, reply: Reply) -> None:
        """Answer the command that was taken last."""
        self._is_owing = False
        self._socket.send(encode(reply))

    def close(self) -> None:
        self._socket.close()


def _has_come(socket: zmq.Socket[bytes]) -> bool:
    """Whether there is a message to receive. Cheaper than the exception that an empty socket raises."""
    return bool(cast(int, socket.get(_EVENTS)) & _POLLIN)


def _answer(message: bytes, handle: Callable[[Command], Reply]) -> Reply:
    try:
        command = decode_command(message)
    except UNREADABLE as error:
        return Refused(f"this node does not know the command ({error})")
    return handle(command)
