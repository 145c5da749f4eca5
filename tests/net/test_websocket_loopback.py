"""The client on real sockets: a WebSocket server of another hand, and servers that misbehave before there is one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from arbsniper_tui.model.errors import WebSocketError
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.websocket import WebSocket, open_websocket

Eventually = Callable[..., Awaitable[None]]


class Heard:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def __call__(self, frames: list[bytes], ts_read_ns: int) -> None:
        self.frames += frames


def unheld() -> Backlog:
    """Nothing here is held back."""
    return Backlog(lambda: None, lambda: None)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@asynccontextmanager
async def connected(handler: Callable[[ServerConnection], Awaitable[None]], heard: Heard) -> AsyncIterator[WebSocket]:
    async with serve(handler, "127.0.0.1", 0, ping_interval=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await open_websocket(f"ws://127.0.0.1:{port}/path?query=1", heard, unheld())
        try:
            yield socket
        finally:
            socket.close()


async def test_text_binary_and_fragments_arrive_in_order(heard: Heard, eventually: Eventually) -> None:
    large = b"x" * 3_000_000

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None and connection.request.path == "/path?query=1"
        assert await connection.recv() == "subscribe"
        await connection.send("text")
        await connection.send(b"binary")
        await connection.send(["in ", "three ", "parts"])
        await connection.send(large)
        await connection.wait_closed()

    async with connected(handler, heard) as socket:
        socket.send("subscribe")
        await eventually(lambda: len(heard.frames) == 4, lambda: len(heard.frames))
        assert heard.frames == [b"text", b"binary", b"in three parts", large]
        assert socket.received_bytes > len(large)


async def test_pings_are_answered_and_ours_measure_the_way(heard: Heard, eventually: Eventually) -> None:
    answered = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await (await connection.ping())
        answered.set()
        await connection.wait_closed()

    async with connected(handler, heard) as socket:
        async with asyncio.timeout(30):
            await answered.wait()
        assert socket.rtt_ms is None
        socket.ping()
        await eventually(lambda: socket.rtt_ms is not None)
        assert socket.rtt_ms is not None and socket.rtt_ms >= 0


async def test_the_servers_close_is_told_with_code_and_reason(heard: Heard) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(1013, "try again later")

    async with connected(handler, heard) as socket:
        async with asyncio.timeout(30):
            assert await socket.closed == "the venue closed the connection: code 1013 try again later"


async def test_our_goodbye_reaches_the_server(heard: Heard) -> None:
    ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        ended.set_result(connection.close_code)

    async with connected(handler, heard) as socket:
        socket.close()
        async with asyncio.timeout(30):
            assert await ended == 1000


async def test_a_connection_that_breaks_off_is_told(heard: Heard) -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with connected(handler, heard) as socket:
        async with asyncio.timeout(30):
            assert await socket.closed


async def test_a_503_is_told_with_host_and_status(heard: Heard) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "maintenance\n")

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(WebSocketError) as caught:
            await open_websocket(f"ws://127.0.0.1:{port}/", heard, unheld())
    assert str(caught.value) == f"127.0.0.1:{port}: the handshake was answered with HTTP 503 Service Unavailable"


async def test_a_refused_connection_is_told_in_words(heard: Heard, closed_port: int) -> None:
    with pytest.raises(WebSocketError, match=f"^127.0.0.1:{closed_port}: connection refused$"):
        await open_websocket(f"ws://127.0.0.1:{closed_port}/", heard, unheld())


async def test_no_answer_ends_at_the_limit_and_leaves_no_connection(heard: Heard, serve_raw: Callable) -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(1024):
                pass
        finally:
            left.set()

    async with serve_raw(silent) as port:
        with pytest.raises(WebSocketError, match=f"^127.0.0.1:{port}: no answer within 0.1 s$"):
            await open_websocket(f"ws://127.0.0.1:{port}/", heard, unheld(), within_s=0.1)
        async with asyncio.timeout(30):
            await left.wait()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "handshake was answered"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "protocol error"),
        (b"", "the venue closed the connection"),
    ],
    ids=["another protocol", "half a handshake", "nothing"],
)
async def test_what_is_no_handshake_is_told(heard: Heard, serve_raw: Callable, answer: bytes, words: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with serve_raw(script) as port:
        with pytest.raises(WebSocketError, match=words):
            await open_websocket(f"ws://127.0.0.1:{port}/", heard, unheld())


async def test_a_url_that_the_library_refuses_is_told_without_its_user(heard: Heard, serve_raw: Callable) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serve_raw(silent) as port:
        with pytest.raises(WebSocketError, match=f"^127.0.0.1:{port}: username provided without password$"):
            await open_websocket(f"ws://hunter2@127.0.0.1:{port}/", heard, unheld())


async def test_bytes_that_arrive_one_by_one_are_whole_frames_in_the_end(
    heard: Heard, serve_raw: Callable, wire: type, eventually: Eventually
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = wire.accepted(await reader.readuntil(b"\r\n\r\n"))
        for byte in answer + wire.frame(b'{"u":1}') + wire.frame(b"y" * 200):
            writer.write(bytes([byte]))
            await writer.drain()
        while await reader.read(1024):
            pass

    async with serve_raw(script) as port:
        socket = await open_websocket(f"ws://127.0.0.1:{port}/", heard, unheld())
        await eventually(lambda: len(heard.frames) == 2)
        socket.close()
    assert heard.frames == [b'{"u":1}', b"y" * 200]


@pytest.mark.parametrize(
    "url",
    [
        "ws:///path",
        "wss://stream..venue.com/path",
        f"ws://{'a' * 64}.venue.com/path",
        "wss://.venue.com/path",
        "ws://a\0b/path",
    ],
    ids=["none", "empty label", "long label", "leading dot", "null character"],
)
async def test_a_url_without_a_valid_host_is_an_error_of_the_connection(heard: Heard, url: str) -> None:
    with pytest.raises(WebSocketError):
        await open_websocket(url, heard, unheld())
