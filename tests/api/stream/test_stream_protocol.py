"""The connection below the stream, for what looks after the API's connections."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from arbsniper_tui.api.crowd import SILENT_S, Crowd
from arbsniper_tui.api.stream.protocol import StreamProtocol


class FakeTransport(asyncio.Transport):
    """Notes that it was aborted."""

    is_aborted = False

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.is_aborted = True


async def test_a_silent_stream_stays_and_one_that_does_not_end_is_aborted() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    config = uvicorn.Config(app, ws=StreamProtocol, log_config=None)
    config.load()
    protocol = StreamProtocol(config, ServerState(), {})
    protocol.transport = transport = FakeTransport()
    protocol.handshake_complete = True
    now_s = 0.0
    crowd = Crowd(lambda: now_s)
    crowd.watch({protocol})
    for _ in range(3 * round(SILENT_S)):
        now_s += 1.0
        crowd.sweep()
    assert not transport.is_aborted
    protocol.close_sent = True
    for _ in range(round(SILENT_S) + 2):
        now_s += 1.0
        crowd.sweep()
    assert transport.is_aborted
