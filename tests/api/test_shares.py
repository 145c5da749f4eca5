"""One client that takes all connections it can: it has its share, is told so, and another is served meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_stage import access, client_of, made_app, served
from certificate import make_certificate
from waiting import DEADLINE_S, LOOK_EVERY_S, eventually

from arbsniper_tui.api import rate_limits
from arbsniper_tui.api.crowd import MOST_CONNECTIONS, TOLD_AT_ONCE
from arbsniper_tui.api.rate_limits import share_of

OPEN = access(needs_token=False)
GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
SHARE = share_of(MOST_CONNECTIONS, GREEDY)
HEADERS = b"Host: localhost\r\n"
OK, TOO_MANY = 200, 429

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(port: int, source: str) -> Connection:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


@asynccontextmanager
async def connected(port: int, number: int, source: str = GREEDY) -> AsyncIterator[list[Connection]]:
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(number):
            connections.append(await connect(port, source))
            stack.callback(connections[-1][1].close)
        yield connections


async def ask(connection: Connection, headers: bytes = HEADERS) -> tuple[int, bytes]:
    """Status and all of the answer to the last request on this connection; 0 where it was closed before."""
    reader, writer = connection
    answer = b""
    with suppress(ConnectionError):
        writer.write(b"GET /docs HTTP/1.1\r\n%bConnection: close\r\n\r\n" % headers)
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1]) if answer else 0, answer


async def status(port: int, source: str, headers: bytes = HEADERS) -> int:
    return (await ask(await connect(port, source), headers))[0]


@pytest.mark.parametrize(
    ("address", "places"),
    [
        ("127.0.0.1", 80),
        ("127.8.0.1", 80),
        ("::1", 80),
        ("::ffff:127.0.0.1", 80),
        ("10.0.0.1", 20),
        ("2001:db8::1", 20),
        ("1270.0.0.1", 20),
        ("", 20),
    ],
)
def test_a_client_may_take_a_fifth_and_this_machine_four(address: str, places: int) -> None:
    assert share_of(100, rate_limits.client_of({"client": (address, 1)})) == places


async def test_who_takes_all_it_can_again_and_again_keeps_nobody_out() -> None:
    async with served(OPEN) as port:

        async def take() -> None:
            for _ in range(4):
                async with connected(port, 2 * MOST_CONNECTIONS):
                    await asyncio.sleep(0)

        taking = asyncio.create_task(take())
        while not taking.done():
            assert await status(port, OTHER) == OK
            await asyncio.sleep(LOOK_EVERY_S)
        await taking
        await served_again(port)


async def test_who_has_more_than_its_share_is_told_so_and_served_when_it_closes_some() -> None:
    async with served(OPEN) as port:
        async with connected(port, SHARE) as connections:
            found, answer = await ask(await connect(port, GREEDY))
            assert found == TOO_MANY
            assert b"retry-after: 1\r\n" in answer.lower() and b"connection: close\r\n" in answer.lower()
            assert f"more than {SHARE} connections of {GREEDY} are open".encode() in answer
            assert await status(port, OTHER) == OK
            # The one that was refused is closed, and those there are the share.
            await served_again(port, connections)
        await served_again(port)


async def served_again(port: int, connections: list[Connection] | None = None) -> None:
    """Until the greedy one is answered, on one of these connections or on a new one: the server sees a little later
    what was closed."""
    async with asyncio.timeout(DEADLINE_S):
        found = 0
        while found != OK:
            found, _ = await ask(connections.pop() if connections else await connect(port, GREEDY))


async def test_what_is_far_above_the_share_is_closed_without_a_word() -> None:
    async with served(OPEN) as port, connected(port, 1000) as connections:
        await eventually(lambda: len(cut(connections)) >= 1000 - SHARE - TOLD_AT_ONCE)
        assert await status(port, OTHER) == OK
        assert len(cut(connections)) == 1000 - SHARE - TOLD_AT_ONCE


def cut(connections: list[Connection]) -> list[Connection]:
    return [each for each in connections if each[0].at_eof() or each[0].exception()]


async def test_connections_that_never_begin_tls_have_their_share_too(tmp_path: Path) -> None:
    certificate, private_key, trust = make_certificate(tmp_path)
    files = {"certificate_file": str(certificate), "private_key_file": str(private_key)}
    async with served(access(needs_token=False, **files)) as port, connected(port, 1000) as connections:
        await eventually(lambda: len(cut(connections)) == 1000 - SHARE - TOLD_AT_ONCE)
        transport = httpx.AsyncHTTPTransport(verify=trust, local_address=OTHER)
        async with httpx.AsyncClient(transport=transport, timeout=DEADLINE_S) as client:
            assert (await client.get(f"https://127.0.0.1:{port}/docs")).status_code == OK


async def test_the_connections_of_a_proxy_are_not_its_own() -> None:
    async with (
        served(access(needs_token=False, behind_proxy=True)) as port,
        connected(port, MOST_CONNECTIONS - 10) as connections,
    ):
        for number in (0, SHARE, SHARE + TOLD_AT_ONCE, -1):
            assert (await ask(connections[number], HEADERS + b"X-Forwarded-For: 10.0.0.1\r\n"))[0] == OK


async def test_behind_a_proxy_one_client_has_its_share_of_the_requests_in_hand() -> None:
    app = made_app(access(needs_token=False, behind_proxy=True))
    answer, held = asyncio.Event(), 0
    answers = app.app

    async def answer_later(scope: Any, receive: Any, send: Any) -> None:
        nonlocal held
        held += 1
        await answer.wait()
        await answers(scope, receive, send)

    app.app = answer_later  # type: ignore[assignment]  # it is called as one
    share = share_of(MOST_CONNECTIONS, "10.0.0.1")

    async with client_of(app) as client:

        def asking(address: str) -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(client.get("/docs", headers={"X-Forwarded-For": f"127.0.0.1, {address}"}))

        in_hand = [asking("10.0.0.1") for _ in range(share)]
        await eventually(lambda: held == share)
        refused = await asking("10.0.0.1")
        assert (refused.status_code, refused.headers["retry-after"]) == (TOO_MANY, "1")
        in_hand.append(asking("10.0.0.2"))
        await eventually(lambda: held == share + 1)
        answer.set()
        assert {(await each).status_code for each in in_hand} == {OK}
        assert (await asking("10.0.0.1")).status_code == OK
