"""A viewer's sockets: receives frames and events, sends commands and receives their answers."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import zmq

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import (
    HELD_FOR_A_VIEWER,
    Command,
    LauncherCommand,
    Reply,
    decode_reply,
    encode,
)

ANSWER_WITHIN_MS = 2000
SEND_AGAIN_S = 1.0
_CONNECT_EVERY_MS = 10
"""How often a connection to a node that is just starting is tried; the first picture waits for it."""


class Subscription:
    """A SUB socket. A slow or stopped reader does not affect the node."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, *topics: bytes) -> None:
        self._socket = context.socket(zmq.SUB)
        self._socket.set(zmq.RCVHWM, HELD_FOR_A_VIEWER)
        self._socket.set(zmq.LINGER, 0)
        for topic in topics:
            self._socket.subscribe(topic)
        self._socket.set(zmq.RECONNECT_IVL, _CONNECT_EVERY_MS)
        self._socket.connect(endpoints.frames)

    def receive(self) -> tuple[bytes, bytes] | None:
        """Topic and body of the next message, or None where there is none. Never waits."""
        try:
            message = self._socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None
        return message[:1], message[1:]

    def wait(self, timeout_ms: int) -> bool:
        """Wait for a message. Returns whether one has arrived within this time."""
        return bool(self._socket.poll(timeout_ms))

    def close(self) -> None:
        self._socket.close()


class CommandClient:
    """A REQ socket that may send again before the last command is answered, as after a restart of the node."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, *, to_launcher: bool = False
    ) -> None:
        """Commands go to the deciding process, or to the one that launched the node."""
        self._endpoints = endpoints
        self._socket = context.socket(zmq.REQ)
        self._socket.set(zmq.REQ_RELAXED, 1)
        self._socket.set(zmq.REQ_CORRELATE, 1)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RECONNECT_IVL, _CONNECT_EVERY_MS)
        self._socket.connect(endpoints.settings if to_launcher else endpoints.commands)

    def send(self, command: Command | LauncherCommand) -> None:
        """Send without waiting. The answer to an earlier command that is still missing will be ignored."""
        # zmq.Again: the queue is full after a long absence of the node, so one command less does not matter.
        with suppress(zmq.Again):
            self._socket.send(encode(command), zmq.NOBLOCK)

    def answer(self, timeout_ms: int = 0) -> Reply | None:
        """The answer to the last command, or None if it does not arrive within this time."""
        deadline_s = time.monotonic() + timeout_ms / 1000
        while self._socket.poll(max(0, round((deadline_s - time.monotonic()) * 1000))):
            try:
                reply: Reply = decode_reply(self._socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                # It was the answer to an earlier command: poll() reports it, and recv() skips it.
                continue
            return reply
        return None

    def ask(self, command: Command | LauncherCommand, timeout_ms: int = ANSWER_WITHIN_MS) -> Reply:
        """Send a command and wait for its answer. Raises NodeUnreachable."""
        self.send(command)
        reply = self.answer(timeout_ms)
        if reply is None:
            raise NodeUnreachable(f"the node at {self._endpoints.folder} did not answer within {timeout_ms / 1000:g} s")
        return reply

    def close(self) -> None:
        self._socket.close()


class CommandQueue:
    """Commands that must all be carried out, in order. Each is sent until it is answered, without waiting."""

    def __init__(self, client: CommandClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._waiting: deque[Command] = deque()
        self._sent_s: float | None = None
        """When the first of them was sent; None if it was not."""

    def put(self, command: Command) -> None:
        """Add a command, and send it at once if it is the first."""
        self._waiting.append(command)
        self.pump()

    def pump(self) -> None:
        """Take the answer to the first command and send the next. Call a few times a second."""
        if self._sent_s is not None:
            if self._client.answer() is not None:
                self._waiting.popleft()
            elif self._clock() - self._sent_s < SEND_AGAIN_S:
                return
            self._sent_s = None
        if self._waiting:
            self._client.send(self._waiting[0])
            self._sent_s = self._clock()

    def close(self) -> None:
        self._client.close()
