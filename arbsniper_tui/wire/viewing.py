"""The viewers' end: frames and events as they are published, and commands with their answers."""

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
    Reply,
    decode_reply,
    encode,
)

ANSWER_WITHIN_MS = 2000
SEND_AGAIN_S = 1.0
_KNOCK_EVERY_MS = 10
"""At a node that is just starting: the first picture waits for it."""


class Subscription:
    """A SUB socket. Nothing that a reader does or leaves undone reaches the node."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, *topics: bytes) -> None:
        self._socket = context.socket(zmq.SUB)
        self._socket.set(zmq.RCVHWM, HELD_FOR_A_VIEWER)
        self._socket.set(zmq.LINGER, 0)
        for topic in topics:
            self._socket.subscribe(topic)
        self._socket.set(zmq.RECONNECT_IVL, _KNOCK_EVERY_MS)
        self._socket.connect(endpoints.frames)

    def receive(self) -> tuple[bytes, bytes] | None:
        """Topic and body of the next message, or None where there is none; never waits."""
        try:
            message = self._socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None
        return message[:1], message[1:]

    def wait(self, timeout_ms: int) -> bool:
        """Whether a message has come within this time."""
        return bool(self._socket.poll(timeout_ms))

    def close(self) -> None:
        self._socket.close()


class CommandLine:
    """A REQ socket that forgets an answer which never came, so that a node that restarts can be asked again."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._socket = context.socket(zmq.REQ)
        self._socket.set(zmq.REQ_RELAXED, 1)
        self._socket.set(zmq.REQ_CORRELATE, 1)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RECONNECT_IVL, _KNOCK_EVERY_MS)
        self._socket.connect(endpoints.commands)

    def send(self, command: Command) -> None:
        """Send without waiting; a command before it whose answer is not in is forgotten."""
        # A node that has been away for long finds enough of them when it is back.
        with suppress(zmq.Again):
            self._socket.send(encode(command), zmq.NOBLOCK)

    def answer(self, timeout_ms: int = 0) -> Reply | None:
        """The answer to the last command, or None where it is not in within this time."""
        deadline_s = time.monotonic() + timeout_ms / 1000
        while self._socket.poll(max(0, round((deadline_s - time.monotonic()) * 1000))):
            try:
                reply: Reply = decode_reply(self._socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                # What had come answers a forgotten command: polling does not tell, and receiving passes over it.
                continue
            return reply
        return None

    def ask(self, command: Command, timeout_ms: int = ANSWER_WITHIN_MS) -> Reply:
        """Send and wait. Raises NodeUnreachable."""
        self.send(command)
        reply = self.answer(timeout_ms)
        if reply is None:
            raise NodeUnreachable(f"the node at {self._endpoints.folder} did not answer within {timeout_ms / 1000:g} s")
        return reply

    def close(self) -> None:
        self._socket.close()


class CommandQueue:
    """Commands that must all be carried out, in order: each is sent until it is answered, and nobody waits for it."""

    def __init__(self, line: CommandLine, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = line
        self._clock = clock
        self._waiting: deque[Command] = deque()
        self._sent_s: float | None = None
        """When the first of them was sent; None while it was not."""

    def put(self, command: Command) -> None:
        """Add a command, and send it at once where it is the first."""
        self._waiting.append(command)
        self.pump()

    def pump(self) -> None:
        """Take the answer to the first command and send the next. Call a few times a second."""
        if self._sent_s is not None:
            if self._line.answer() is not None:
                self._waiting.popleft()
            elif self._clock() - self._sent_s < SEND_AGAIN_S:
                return
            self._sent_s = None
        if self._waiting:
            self._line.send(self._waiting[0])
            self._sent_s = self._clock()

    def close(self) -> None:
        self._line.close()
