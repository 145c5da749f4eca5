"""An API in this process, on a real node, asked by callers whose token is the name of their role."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from http import HTTPStatus

import httpx
from waiting import LOOK_EVERY_S, eventually

from arbsniper_tui.api.app import make_app
from arbsniper_tui.api.caller import Caller, Role
from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.node_writer import NodeWriter
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints


class NamedRoles:
    def caller_of(self, credentials: str | None) -> Caller:
        if credentials is None:
            return Caller("anyone", Role.VIEWER)
        if credentials not in list(Role):
            raise Declined(HTTPStatus.UNAUTHORIZED, f"found {credentials!r}, expected a role")
        return Caller(f"the {credentials}", Role(credentials))


class _AskingAgain(httpx.ASGITransport):
    """Reads once more while the API says that it stood still itself: a busy machine lets it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while True:
            answer = await super().handle_async_request(request)
            stood_still = answer.status_code == 503 and b"stood still itself" in await answer.aread()
            if request.method != "GET" or not stood_still:
                return answer
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def asking(
    endpoints: Endpoints, role: Role | None, *, within_s: float = 30.0
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that role, once the node has answered."""
    with closing(Session(endpoints)) as session, closing(NodeWriter(endpoints, within_s=within_s)) as writer:
        reader = NodeReader(session)
        app = make_app(reader, writer, Crowd(), NamedRoles())
        reading = asyncio.create_task(reader.read())
        try:
            await eventually(lambda: reader.instruments and not session.snapshot.is_outdated)
            transport = _AskingAgain(app)
            headers = {} if role is None else {"Authorization": str(role)}
            url = "http://127.0.0.1:8787"
            async with httpx.AsyncClient(transport=transport, base_url=url, headers=headers) as client:
                yield client
        finally:
            reading.cancel()
            await asyncio.wait([reading])
