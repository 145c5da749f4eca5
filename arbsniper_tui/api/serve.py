"""The process: one loop that reads the node and answers requests."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager, closing
from typing import Any

import uvicorn

from arbsniper_tui.api.access import Access
from arbsniper_tui.api.app import make_app
from arbsniper_tui.api.caller import Callers
from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.door import Door
from arbsniper_tui.api.listener import CountedListener
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.node_writer import NodeWriter
from arbsniper_tui.api.plan import BACKLOG, address_of
from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.api.redis_reader import RedisReader
from arbsniper_tui.api.revoked_ids import STALE_AFTER_S, RevokedIds
from arbsniper_tui.api.source import Source
from arbsniper_tui.api.stream.limits import ANSWER_PING_WITHIN_S, MESSAGE_BYTES, PING_EVERY_S, STREAM_LIMITS, Limits
from arbsniper_tui.api.stream.protocol import StreamProtocol
from arbsniper_tui.api.token_callers import TokenCallers
from arbsniper_tui.api.token_file import TokenFile
from arbsniper_tui.model.redis_url import RedisUrl
from arbsniper_tui.runtime.state_folder import StateFolder
from arbsniper_tui.runtime.tasks import run_until
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints

_log = logging.getLogger(__name__)

MOST_HEADER_BYTES = 16 * 1024
HANDSHAKE_S = 10.0
"""A connection that has not begun TLS after this is closed."""
_LOOKS, _LOOK_EVERY_S = 15, 0.02
"""How often it is looked whether clients have heard that the stream ends."""
_IDLE_S = 20
"""A connection without a request is closed after this."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, crowd: Crowd | None, handshake_s: float) -> None:
        """The crowd counts connections by address; None where all come from a proxy."""
        super().__init__(config)
        self._crowd = crowd
        self._handshake_s = handshake_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As that of the base class, but with a bound on the handshake of TLS, and connections counted by client."""
        config, loop = self.config, asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            made = config.http_protocol_class
            # The type says no more than that it is some protocol.
            return made(config=config, server_state=self.server_state, app_state={})  # type: ignore[call-arg]

        bound_s = self._handshake_s if config.ssl else None
        listeners = [CountedListener(each, self._crowd) if self._crowd else each for each in sockets or ()]
        self.servers = [
            await loop.create_server(
                protocol, sock=each, backlog=config.backlog, ssl=config.ssl, ssl_handshake_timeout=bound_s
            )
            for each in listeners
        ]
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are those of the process, which says what they do."""
        yield


def make_server(
    app: Door, crowd: Crowd, access: Access, handshake_s: float = HANDSHAKE_S, limits: Limits = STREAM_LIMITS
) -> uvicorn.Server:
    """A server whose connections the crowd looks after."""
    server = _Server(
        uvicorn.Config(
            app,
            backlog=BACKLOG,
            h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            http="h11",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ssl_certfile=access.certificate_file or None,
            ssl_keyfile=access.private_key_file or None,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=_IDLE_S,
            ws=type("LimitedProtocol", (StreamProtocol,), {"limits": limits}),
            ws_max_size=MESSAGE_BYTES,
            # Compressed, each message would be made anew for each client.
            ws_per_message_deflate=False,
            ws_ping_interval=PING_EVERY_S,
            ws_ping_timeout=ANSWER_PING_WITHIN_S,
        ),
        None if access.behind_proxy else crowd,
        handshake_s,
    )
    crowd.watch(server.server_state.connections)
    # What strangers send is no news of this program.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return server


async def serve(
    endpoints: Endpoints,
    listener: socket.socket,
    access: Access,
    stop: asyncio.Event,
    *,
    callers: Callers | None = None,
    limits: Limits = STREAM_LIMITS,
    **beside: Coroutine[Any, Any, None],
) -> None:
    """Answer for a node on this socket until `stop` is set; `beside` runs with it. `callers` stand in for those with
    tokens. Raises what ended one of them before."""
    with closing(Session(endpoints)) as session, closing(NodeWriter(endpoints)) as writer:
        reader = NodeReader(session, f"{access.scheme}://{address_of(listener)}")
        async with _revoked_in(access.revoked_in, math.inf) as revoked:
            await _answer(reader, reader.read(), writer, listener, access, stop, beside, callers, limits, revoked)


async def serve_redis(url: RedisUrl, listener: socket.socket, access: Access, stop: asyncio.Event) -> None:
    """Answer for all nodes that write to this Redis, as `serve` does."""
    keys = RedisKeys(url)
    try:
        reader = RedisReader(keys)
        async with _revoked_in(url, STALE_AFTER_S) as revoked:
            await _answer(reader, reader.read(), None, listener, access, stop, {}, revoked=revoked)
    finally:
        await keys.close()


@asynccontextmanager
async def _revoked_in(url: RedisUrl | None, stale_after_s: float) -> AsyncIterator[RevokedIds | None]:
    """None where no Redis is named. The client is one of its own: that of a Cluster, when it has lost one master, ends
    what is asked at the others too."""
    if url is None:
        yield None
        return
    keys = RedisKeys(url)
    try:
        yield RevokedIds(keys, stale_after_s)
    finally:
        await keys.close()


async def _answer(
    reader: Source,
    reading: Coroutine[Any, Any, None],
    writer: NodeWriter | None,
    listener: socket.socket,
    access: Access,
    stop: asyncio.Event,
    beside: dict[str, Coroutine[Any, Any, None]],
    callers: Callers | None = None,
    limits: Limits = STREAM_LIMITS,
    revoked: RevokedIds | None = None,
) -> None:
    crowd = Crowd()
    file = TokenFile(StateFolder(access.state_node)) if access.state_node else None
    tokens = TokenCallers(access, file, revoked=revoked)
    app = make_app(reader, writer, crowd, callers or tokens, access, limits)
    server = make_server(app, crowd, access, limits=limits)
    url = f"{access.scheme}://{address_of(listener)}"
    _log.info("answering at %s/v1/ (to try it: %s/docs)", url, url)
    works = {
        "read": reading,
        "answer": server.serve([listener]),
        "sweep": crowd.keep_sweeping(),
        "tokens": tokens.keep_reading(),
    }
    if revoked is not None:
        works["revocations"] = revoked.keep_reading()
    try:
        await run_until(stop, works | beside)
    finally:
        await _end_streams(server)


async def _end_streams(server: uvicorn.Server) -> None:
    """Tell the clients of the stream that it ends, and wait for a moment until they have heard it."""
    connections = server.server_state.connections
    streams = [each for each in connections if isinstance(each, StreamProtocol)]
    for each in streams:
        each.shutdown()
    for _ in range(_LOOKS):
        if not connections.intersection(streams):
            return
        await asyncio.sleep(_LOOK_EVERY_S)
