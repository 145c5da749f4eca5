"""The application without a node, in memory or on a socket: its door, its guards, and its paths, which answer 503."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import NoReturn

import httpx
from waiting import DEADLINE_S

from arbsniper_tui.api.access import Access, TokenKey
from arbsniper_tui.api.app import make_app
from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.door import Door
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.role import Role
from arbsniper_tui.api.serve import make_server
from arbsniper_tui.api.token_callers import TokenCallers
from arbsniper_tui.api.token_file import Issued
from arbsniper_tui.api.tokens import end_s, make_token
from arbsniper_tui.session.snapshot import RouteKey, Snapshot

SECRET = TokenKey("HS256", "of-the-tests-and-of-nothing-else-0123")
AUDIENCE = "node-1"
ASKED = 503
"""What a path answers without a node: the caller was let in."""


class SilentSession:
    """What the reader uses of a session whose node has not answered."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()

    def name_routes(self, routes: Sequence[RouteKey]) -> None:
        pass


class SilentWriter:
    """What handlers use of the writer of a node that does not answer."""

    async def ask(self, command: object, expected: object) -> NoReturn:
        raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, "the node did not answer")


def access(**settings: object) -> Access:
    return Access(**{"audience": AUDIENCE, "token_key": SECRET, "needs_token": True, **settings})  # type: ignore[arg-type]  # checked where it is used


def token(role: Role, made_s: int, *, key: TokenKey = SECRET, audience: str = AUDIENCE, token_id: str = "t1") -> str:
    """For a day."""
    return make_token(key, key.text, audience, token_id, Issued(role, made_s, end_s(made_s, 1)))


def bearer(shown: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {shown}"}


def made_app(given: Access, crowd: Crowd | None = None) -> Door:
    reader = NodeReader(SilentSession())  # type: ignore[arg-type]  # what is used of it is there
    writer = SilentWriter()
    return make_app(reader, writer, crowd or Crowd(), TokenCallers(given, None), given)  # type: ignore[arg-type]  # as above


def client_of(app: Door, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client in memory."""
    transport = httpx.ASGITransport(app, client=(address, 1))  # type: ignore[arg-type]  # other types of one protocol
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False)


@asynccontextmanager
async def served(given: Access, silent_s: float = DEADLINE_S) -> AsyncIterator[int]:
    """The application on a socket of loopback; its port."""
    crowd = Crowd(silent_s=silent_s)
    server = make_server(made_app(given, crowd), crowd, given, handshake_s=silent_s)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port: int = listener.getsockname()[1]
        answering = asyncio.create_task(server.serve([listener]))
        sweeping = asyncio.create_task(crowd.keep_sweeping(every_s=silent_s / 10))
        try:
            yield port
        finally:
            server.should_exit = server.force_exit = True
            sweeping.cancel()
            await asyncio.wait([answering, sweeping])
