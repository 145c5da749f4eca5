"""Peers on loopback that say by hand what they say."""

import asyncio
import base64
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """WebSocket bytes as a server writes them."""

    TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA

    @staticmethod
    def frame(
        payload: bytes, opcode: int = TEXT, *, fin: bool = True, first_bits: int = 0, length_bits: int = 0
    ) -> bytes:
        first = (0x80 if fin else 0) | first_bits | opcode
        size = len(payload)
        if size < 126 and length_bits == 0:
            head = bytes([first, size])
        elif size < 65536 and length_bits in (0, 16):
            head = bytes([first, 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([first, 127]) + size.to_bytes(8, "big")
        return head + payload

    @staticmethod
    def close(code: int, reason: str = "") -> bytes:
        return Wire.frame(code.to_bytes(2, "big") + reason.encode(), Wire.CLOSE)

    @staticmethod
    def accepted(request: bytes) -> bytes:
        """The answer to a handshake."""
        key = next(
            line.split(b":", 1)[1].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[int]:
    """A TCP server on loopback that runs the script for each connection; the port."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def serve_raw() -> Callable[[Script], object]:
    return serving


@pytest.fixture
def wire() -> type[Wire]:
    return Wire


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and nobody else can: it is held until the test ends."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
