"""One GET, and every way in which it can fail, in words with the URL."""

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest

from arbsniper_tui.model.errors import RestError
from arbsniper_tui.net import rest
from arbsniper_tui.net.rest import fetch


def answering(answer: bytes, requests: list[bytes] | None = None) -> Callable[..., object]:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if requests is not None:
            requests.append(request)
        writer.write(answer)
        await writer.drain()

    return script


async def test_the_body_of_a_good_answer_is_returned_and_the_program_names_itself(serve_raw: Callable) -> None:
    requests: list[bytes] = []
    async with serve_raw(answering(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}', requests)) as port:
        assert await fetch(f"http://127.0.0.1:{port}/list?kind=spot") == b'{"a": 1}'
    assert requests[0].startswith(b"GET /list?kind=spot HTTP/1.1\r\n")
    assert b"arbsniper-tui/" in requests[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404 Not Found"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503 Service Unavailable"),
        (b"\x16\x03\x01 this is no HTTP at all\r\n\r\n", "no HTTP"),
        (b"", "closed connection without response"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort", "IncompleteRead"),
    ],
    ids=["404", "503", "garbage", "nothing", "cut short"],
)
async def test_a_failure_names_the_url_and_the_reason(serve_raw: Callable, answer: bytes, reason: str) -> None:
    async with serve_raw(answering(answer)) as port:
        with pytest.raises(RestError) as caught:
            await fetch(f"http://127.0.0.1:{port}/list")
    assert f"GET http://127.0.0.1:{port}/list: " in str(caught.value)
    assert reason in str(caught.value)


async def test_a_refused_connection_is_told_as_such(closed_port: int) -> None:
    with pytest.raises(RestError, match=f"GET http://127.0.0.1:{closed_port}/: .*refused"):
        await fetch(f"http://127.0.0.1:{closed_port}/")


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:notaport/"])
async def test_a_url_that_is_none_is_told_and_not_a_fault_of_the_program(url: str) -> None:
    with pytest.raises(RestError, match="^GET "):
        await fetch(url)


async def test_silence_ends_at_the_limit(serve_raw: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "TIMEOUT_S", 0.05)
    released = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()

    async with serve_raw(silent) as port:
        with pytest.raises(RestError, match="timed out"):
            await fetch(f"http://127.0.0.1:{port}/")
        released.set()


def test_a_loop_that_ends_does_not_wait_for_an_answer_that_never_comes(wait_until: Callable[..., None]) -> None:
    def asking() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "rest"]

    async def give_up(url: str) -> None:
        fetching = asyncio.create_task(fetch(url))
        await asyncio.sleep(0)
        fetching.cancel()
        await asyncio.wait([fetching])

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(give_up(f"http://127.0.0.1:{silent.getsockname()[1]}/"))
        assert [thread.daemon for thread in asking()] == [True]
    wait_until(lambda: not asking())
