"""A venue's list is asked for until it is had, and then again for ever."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import repeat

import pytest

from arbsniper_tui.feeds.venue_list import keep_listed, refreshes_s
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

Eventually = Callable[..., Awaitable[None]]

PRODUCTS = b'[{"id":"BTC-USD","status":"online","trading_disabled":false},{"id":"OLD-USD","status":"delisted"}]'
HALTED = PRODUCTS.replace(b"false", b"true")


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Heard:
    """What a venue's list gave, in order: a list, or the words of a failure."""

    def __init__(self) -> None:
        self.said: list[dict[str, Listing] | str] = []
        self.bodies: list[bytes] = []

    def on_list(self, listings: dict[str, Listing], pages: Sequence[tuple[str, bytes]]) -> None:
        self.said.append(listings)
        self.bodies += [body for _, body in pages]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@asynccontextmanager
async def kept(serve_raw: Callable, heard: Heard, venue: str, *answers: bytes) -> AsyncIterator[None]:
    """The list of a venue whose REST gives these answers, the last one for good; no wait is longer than a moment."""
    left = list(answers)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    def at_once(rng: random.Random) -> Iterator[float]:
        return repeat(0.001)

    async with serve_raw(script) as port:
        keeping = asyncio.create_task(
            keep_listed(
                VENUES[venue],
                VENUES[venue].markets[0].market,
                f"http://127.0.0.1:{port}/list",
                heard.on_list,
                heard.said.append,
                retries_s=at_once,
                refreshes_s=at_once,
            )
        )
        try:
            yield
            assert not keeping.done()
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


async def test_failures_are_told_one_by_one_and_the_list_is_had_in_the_end(
    serve_raw: Callable, heard: Heard, eventually: Eventually
) -> None:
    answers = (
        b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
        b"not HTTP\r\n\r\n",
        ok(b"<html>maintenance</html>"),
        ok(b'{"message":"wrong shape"}'),
        ok(PRODUCTS),
    )
    async with kept(serve_raw, heard, "coinbase", *answers):
        await eventually(lambda: len(heard.said) > 4, lambda: heard.said)
    *failures, listings = heard.said[:5]
    for failure, words in zip(failures, ("HTTP 503", "not the HTTP", "<html>", "wrong shape"), strict=True):
        assert isinstance(failure, str) and words in failure
    assert isinstance(listings, dict)
    assert heard.bodies[0] == PRODUCTS
    assert listings["BTC-USD"].is_trading and not listings["OLD-USD"].is_trading


async def test_the_list_goes_on_being_refreshed_through_failures(
    serve_raw: Callable, heard: Heard, eventually: Eventually
) -> None:
    answers = ok(PRODUCTS), ok(HALTED), b"HTTP/1.1 500 Sorry\r\n\r\n", ok(HALTED), ok(PRODUCTS)
    async with kept(serve_raw, heard, "coinbase", *answers):
        await eventually(lambda: len(heard.said) > 6, lambda: heard.said)
    trading = [said if isinstance(said, str) else said["BTC-USD"].is_trading for said in heard.said[:7]]
    assert isinstance(trading[2], str) and "HTTP 500 Sorry" in trading[2]
    assert trading[:2] + trading[3:] == [True, False, False, True, True, True]


@pytest.mark.parametrize(
    ("venue", "body", "words"),
    [
        ("coinbase", b"[]", "at least one instrument in the list of coinbase"),
        ("binance", b'{"symbols":[]}', "at least one instrument in the list of binance"),
        ("binance", b'{"symbols":[{"symbol":"X_260925","contractType":"CURRENT_QUARTER"}]}', "at least one instrument"),
        ("binance", b'{"code":-1001,"msg":"Internal error; unable to process your request."}', "Internal error"),
        ("kraken", b'{"error":["EService:Unavailable"]}', "EService:Unavailable"),
        (
            "kraken",
            b'{"error":["EService:Busy"],"result":{"XBTUSDT":{"wsname":"XBT/USDT","status":"online"}}}',
            "EService:Busy",
        ),
        ("kraken", b'{"error":[],"result":{}}', "at least one instrument in the list of kraken"),
        ("kraken", b'{"error":[],"result":{"XBTUSDT":{"status":"online"}}}', "at least one instrument"),
        ("okx", b'{"code":"50001","data":[],"msg":"Service temporarily unavailable"}', "Service temporarily"),
        ("okx", b'{"code":"0","data":[],"msg":""}', "at least one instrument in the list of okx"),
    ],
)
async def test_a_list_that_lists_nothing_is_a_failure_in_words(
    serve_raw: Callable, heard: Heard, eventually: Eventually, venue: str, body: bytes, words: str
) -> None:
    async with kept(serve_raw, heard, venue, ok(body)):
        await eventually(lambda: len(heard.said) > 1, lambda: heard.said)
    for said in heard.said:
        assert isinstance(said, str)
        assert words in said


def test_lists_are_refreshed_every_five_minutes_and_not_all_at_once() -> None:
    waits_s = refreshes_s(random.Random(7), 300.0)
    drawn = [next(waits_s) for _ in range(1000)]
    assert min(drawn) >= 240 and max(drawn) <= 360
    assert max(drawn) - min(drawn) > 100
    assert next(refreshes_s(random.Random(7), 300.0)) == drawn[0]
