"""An API on a node that is a snapshot: no process, no socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from arbsniper_tui.api.access import ON_LOOPBACK
from arbsniper_tui.api.app import make_app
from arbsniper_tui.api.caller import Callers
from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.token_callers import TokenCallers
from arbsniper_tui.session.snapshot import Changes, Snapshot


class StillSession:
    """Shows one snapshot, which a test may change."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def pull(self) -> Changes:
        return Changes(intro=True)


@asynccontextmanager
async def api_on(snapshot: Snapshot, callers: Callers | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that has read this snapshot."""
    session: Any = StillSession(snapshot)
    reader = NodeReader(session)
    reading = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    app = make_app(reader, None, Crowd(), callers or TokenCallers(ON_LOOPBACK, None))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # two spellings of ASGI
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
