"""A venue's list is asked for until it is had."""

import asyncio
from collections.abc import Callable

import pytest

from arbsniper_tui.net import backoff
from arbsniper_tui.net.listings import keep_fetching
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Listing

PRODUCTS = b'[{"id":"BTC-USD","status":"online","trading_disabled":false},{"id":"OLD-USD","status":"delisted"}]'


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_failures_are_told_one_by_one_and_the_list_is_had_in_the_end(
    serve_raw: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.001)
    monkeypatch.setattr(backoff, "LONGEST_S", 0.002)
    answers = iter(
        (
            b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
            b"not HTTP\r\n\r\n",
            ok(b"<html>maintenance</html>"),
            ok(b'{"message":"wrong shape"}'),
            ok(PRODUCTS),
        )
    )

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        await writer.drain()

    failures: list[str] = []
    had: list[tuple[dict[str, Listing], bytes]] = []
    async with serve_raw(script) as port:
        url = f"http://127.0.0.1:{port}/products"
        async with asyncio.timeout(30):
            await keep_fetching(VENUES["coinbase"], url, lambda *had_now: had.append(had_now), failures.append)
    assert len(failures) == 4
    assert "503" in failures[0] and "not HTTP" in failures[1]
    assert "<html>" in failures[2] and "wrong shape" in failures[3]
    [(listings, body)] = had
    assert body == PRODUCTS
    assert listings["BTC-USD"].is_trading and not listings["OLD-USD"].is_trading
