"""Simulated venues on loopback, and a client that waits for what it wants to see."""

import asyncio
import json
import socket
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.error import HTTPError

import pytest
from waiting import DEADLINE_S
from websockets.asyncio.client import ClientConnection, connect

from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import SIMULATED
from arbsniper_tui.sim.server import open_venues
from arbsniper_tui.sim.venue import VenueSim

Frame = Any


class Client:
    """One WebSocket. Every wait is for a frame, never for a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, *requests: object) -> None:
        for request in requests:
            await self.connection.send(request if isinstance(request, str) else json.dumps(request))

    async def data(self) -> bytes:
        """The next frame, sent as text or as binary."""
        async with asyncio.timeout(DEADLINE_S):
            message = await self.connection.recv()
        return message.encode() if isinstance(message, str) else message

    async def text(self) -> str:
        return (await self.data()).decode()

    async def frame(self) -> Frame:
        return json.loads(await self.text())

    async def first(self, wanted: Callable[[Frame], object]) -> Frame:
        """The first frame that is wanted; those before it are lost."""
        while True:
            frame = await self.frame()
            if wanted(frame):
                return frame

    async def some(self, count: int) -> list[Frame]:
        return [await self.frame() for _ in range(count)]

    async def closed(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self.connection.wait_closed()


class Venues:
    """The venues that run, and where."""

    def __init__(self, sims: dict[str, VenueSim], ports: dict[str, int]) -> None:
        self.sims = sims
        self._ports = ports

    def url(self, venue: str, target: str, scheme: str = "ws") -> str:
        return f"{scheme}://127.0.0.1:{self._ports[venue]}{target}"

    @asynccontextmanager
    async def client(self, venue: str, target: str, headers: Iterable[tuple[str, str]] = ()) -> AsyncIterator[Client]:
        url = self.url(venue, target)
        async with connect(
            url, open_timeout=DEADLINE_S, max_queue=None, additional_headers=list(headers)
        ) as connection:
            yield Client(connection)

    async def refusal(self, venue: str, target: str) -> int:
        """The status of a REST answer that is an error."""
        with pytest.raises(HTTPError) as caught:
            await self.get(venue, target)
        caught.value.close()
        return caught.value.code

    async def get(self, venue: str, target: str) -> Any:
        """The decoded body of a REST answer."""
        return json.loads(await asyncio.to_thread(self._read, self.url(venue, target, "http")))

    @staticmethod
    def _read(url: str) -> bytes:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as response:
            assert response.headers["Content-Type"] == "application/json"
            body: bytes = response.read()
            return body


def listening() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@pytest.fixture
async def venues() -> AsyncIterator[Venues]:
    plan = SimPlan(seed=7)
    sockets = {venue: listening() for venue in SIMULATED}
    ports = {venue: listener.getsockname()[1] for venue, listener in sockets.items()}
    async with open_venues(plan, sockets) as sims:
        yield Venues(sims, ports)
