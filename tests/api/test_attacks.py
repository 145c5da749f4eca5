"""Attacks over real sockets: each is refused or cut, and meanwhile others are answered."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from itertools import chain, count
from pathlib import Path

import httpx
import pytest
from api_stage import ApiStage
from app_stage import access, served
from certificate import make_certificate
from waiting import DEADLINE_S, wait_until

OPEN = access(needs_token=False)
SILENT_S = 0.2
REQUEST = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
CUT = b""
OTHER = "127.0.0.2"
"""The address of another client."""
OK = 200
"""What the page at /docs answers, with and without a node."""


async def connect(port: int, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def status_for(port: int, source: str = "127.0.0.1") -> int:
    """What one request on a connection of its own is answered. Asks again where it is cut off: on a busy machine
    an answer may take longer than SILENT_S."""
    answer = CUT
    while not answer:
        reader, writer = await connect(port, source)
        writer.write(b"GET /docs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await read_until_cut(reader)
        writer.close()
    return int(answer.split()[1])


async def read_until_cut(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other end closes or breaks the connection."""
    found = b""
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            found += part
    return found


async def test_headers_that_come_a_byte_at_a_time_are_cut() -> None:
    async with served(OPEN, SILENT_S) as port:
        reader, writer = await connect(port)
        sent = 0
        cut = asyncio.create_task(read_until_cut(reader))
        while not cut.done():
            with suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nX-Endless: "[sent : sent + 1] or b"x")
                await writer.drain()
            sent += 1
            await asyncio.sleep(SILENT_S / 20)
        assert await cut == CUT
        assert await status_for(port) == OK
        writer.close()


async def test_a_body_that_never_comes_is_cut() -> None:
    async with served(OPEN, SILENT_S) as port:
        answer = CUT
        while not answer:  # a busy machine may not answer before it cuts
            reader, writer = await connect(port)
            writer.write(b"PATCH /v1/prices HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            answer = await read_until_cut(reader)
            writer.close()
        assert b"405" in answer.partition(b"\r\n")[0]


async def test_a_client_that_never_reads_is_cut() -> None:
    async with served(OPEN, SILENT_S) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
            connection.setblocking(False)
            loop = asyncio.get_running_loop()
            with pytest.raises(ConnectionError):
                # The server takes no more once its answers wait, and then ends the connection.
                while True:
                    await loop.sock_sendall(connection, REQUEST)
        assert await status_for(port) == OK


async def test_connections_that_never_begin_tls_are_cut(tmp_path: Path) -> None:
    certificate, private_key, trust = make_certificate(tmp_path)
    with_tls = access(needs_token=False, certificate_file=str(certificate), private_key_file=str(private_key))
    async with served(with_tls, SILENT_S) as port, AsyncExitStack() as stack:
        readers = []
        for _ in range(200):
            reader, writer = await connect(port)
            stack.callback(writer.close)
            readers.append(reader)
        for reader in readers:
            assert await read_until_cut(reader) == CUT
    # The bound holds for the handshake alone.
    async with served(with_tls) as port:
        client = httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=trust, trust_env=False)
        async with client:
            assert (await client.get("/docs", timeout=DEADLINE_S)).status_code == OK


async def test_a_body_of_ten_megabytes_is_refused_before_it_is_read() -> None:
    async with served(OPEN) as port:
        reader, writer = await connect(port)
        writer.write(b"PATCH /v1/settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10485760\r\n\r\n")
        answer = await read_until_cut(reader)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"application/problem+json" in answer
        writer.close()
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEADLINE_S
        ) as client:
            # It may be cut off while it still sends.
            with suppress(httpx.TransportError):
                assert (await client.patch("/v1/settings", content=bytes(10 << 20))).status_code == 413
            assert (await client.get("/docs")).status_code == OK


async def test_headers_that_are_too_long_are_refused() -> None:
    async with served(OPEN) as port:
        reader, writer = await connect(port)
        writer.write(b"GET /docs HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000)
        assert (await read_until_cut(reader)).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_a_thousand_idle_connections_keep_nobody_from_being_answered() -> None:
    async with served(OPEN, SILENT_S) as port, AsyncExitStack() as stack:
        readers = []
        for _ in range(1000):
            reader, writer = await connect(port, OTHER)
            stack.callback(writer.close)
            readers.append(reader)
        assert await status_for(port) == OK
        for reader in readers:
            assert await read_until_cut(reader) == CUT
        assert await status_for(port) == await status_for(port, OTHER) == OK


async def flood(port: int, requests: int) -> list[int]:
    """So many requests from one client, as fast as they go, over a few connections."""

    async def on_one(number: int) -> Iterable[int]:
        reader, writer = await connect(port)
        writer.write(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n" * (number - 1))
        writer.write(b"GET /docs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        lines = (await read_until_cut(reader)).split(b"HTTP/1.1 ")[1:]
        writer.close()
        return [int(line[:3]) for line in lines]

    return list(chain.from_iterable(await asyncio.gather(*[on_one(requests // 10) for _ in range(10)])))


async def test_a_flood_of_one_client_is_refused_and_others_are_answered() -> None:
    async with served(access(needs_token=False, requests_per_s=1.0)) as port:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        flooding = asyncio.create_task(flood(port, 2000))
        others = (f"127.0.{number // 250 + 1}.{number % 250 + 1}" for number in count())
        while not flooding.done():
            assert await status_for(port, next(others)) == OK
            await asyncio.sleep(0.05)
        found = await flooding
        assert len(found) == 2000 and set(found) == {OK, 429}
        assert found.count(OK) <= loop.time() - began_s + 2


PATHS = [
    "/v1/../../etc/passwd",
    "/docs/../../../etc/passwd",
    "/docs/%2e%2e/%2e%2e/app.py",
    "/docs/..%2fapp.py",
    "/docs//etc/passwd",
    "/docs/page.js%00.py",
    "//etc/passwd",
    "/v1/best/../../../../etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_nowhere_but_to_what_there_is(quoting: ApiStage, path: str) -> None:
    url = quoting.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=DEADLINE_S) as connection:
        # The client of the other tests would tidy the path.
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.split()[1] in (b"400", b"404")
    assert b"root:" not in answer and b"import" not in answer


def is_answered(stage: ApiStage) -> bool:
    """The client's connection may be closed as the most silent of too many."""
    try:
        return stage.client.get("/v1/prices").status_code == 200
    except httpx.TransportError:
        return False


def test_a_thousand_connections_to_a_node_cost_it_nothing_lasting(quoting: ApiStage) -> None:
    url = quoting.client.base_url
    here = url.host, url.port or 0
    connections = [socket.create_connection(here, source_address=(OTHER, 0)) for _ in range(1000)]
    try:
        wait_until(lambda: is_answered(quoting))
    finally:
        for each in connections:
            each.close()
    assert len(quoting.node.pids("api")) == 1
