"""Asks the node for changes, on behalf of callers: it waits for the answer without holding up other requests."""

import asyncio
from http import HTTPStatus
from typing import TypeVar

import zmq

from arbsniper_tui.api.problems import Declined
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import Command, LauncherCommand, Refused, Reply
from arbsniper_tui.wire.viewing import CommandClient

T = TypeVar("T", bound=Reply)

WITHIN_S = 10.0
"""A worker that does not take a change is waited for half as long by the node itself."""
_LOOK_EVERY_S = 0.02


class NodeWriter:
    """One question at a time to each of the two processes that answer."""

    def __init__(self, endpoints: Endpoints, *, within_s: float = WITHIN_S) -> None:
        self._within_s = within_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._deciding = _Line(CommandClient(self._context, endpoints))
        self._launching = _Line(CommandClient(self._context, endpoints, to_launcher=True))

    async def ask(self, command: Command | LauncherCommand, expected: type[T]) -> T:
        """The node's answer. Raises Declined: 422 for a value that the node refuses, 409 for what it cannot do now, 503
        where it does not answer."""
        line = self._launching if isinstance(command, LauncherCommand) else self._deciding
        try:
            async with asyncio.timeout(self._within_s):
                reply = await line.ask(command)
        except TimeoutError:
            why = f"the node did not answer within {self._within_s:g} s: /v1/settings says what is in force"
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
        if isinstance(reply, expected):
            return reply
        if isinstance(reply, Refused):
            status = HTTPStatus.UNPROCESSABLE_ENTITY if reply.is_value else HTTPStatus.CONFLICT
            raise Declined(status, reply.why)
        raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, "the node gave an answer that is none to this: see its version")

    def close(self) -> None:
        self._deciding.client.close()
        self._launching.client.close()
        self._context.term()


class _Line:
    def __init__(self, client: CommandClient) -> None:
        self.client = client
        self._turn = asyncio.Lock()

    async def ask(self, command: Command | LauncherCommand) -> Reply:
        async with self._turn:
            self.client.send(command)
            while (reply := self.client.answer()) is None:  # noqa: ASYNC110 - no event loop watches its socket
                await asyncio.sleep(_LOOK_EVERY_S)
            return reply
