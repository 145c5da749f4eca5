"""One GET, and every way in which it can fail, in words with the URL."""

import asyncio
import base64
import gzip
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Awaitable, Callable

import pytest

from arbsniper_tui.model.errors import RestError
from arbsniper_tui.net.rest import fetch

Eventually = Callable[..., Awaitable[None]]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*answers: bytes, requests: list[bytes] | None = None) -> Script:
    """Each connection gets the next answer, the last one for good; what was asked goes to `requests`."""
    left = list(answers)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if requests is not None:
            requests.append(request)
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return script


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def failure(serve_raw: Callable, script: Script, **limits: float) -> str:
    """Why a GET fails, after the URL."""
    async with serve_raw(script) as port:
        url = f"http://127.0.0.1:{port}/list"
        with pytest.raises(RestError) as caught:
            await fetch(url, **limits)
    said, _, reason = str(caught.value).partition("/list: ")
    assert said == f"GET http://127.0.0.1:{port}"
    return reason


async def test_the_body_of_a_good_answer_is_returned_and_the_program_names_itself(serve_raw: Callable) -> None:
    requests: list[bytes] = []
    async with serve_raw(answering(whole(b'{"a": 1}'), requests=requests)) as port:
        assert await fetch(f"http://127.0.0.1:{port}/list?kind=spot") == b'{"a": 1}'
    assert requests[0].startswith(b"GET /list?kind=spot HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{port}\r\n".encode() in requests[0]
    assert b"arbsniper-tui/" in requests[0]


async def test_a_post_sends_no_body_and_says_so(serve_raw: Callable) -> None:
    requests: list[bytes] = []
    async with serve_raw(answering(whole(b'{"token": 1}'), requests=requests)) as port:
        assert await fetch(f"http://127.0.0.1:{port}/token", method="POST") == b'{"token": 1}'
    assert requests[0].startswith(b"POST /token HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 0\r\n" in requests[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + whole(b"abcde"),
        whole(gzip.compress(b"abcde"), "Content-Encoding: gzip"),
        whole(gzip.compress(b"abcde"), "Content-Encoding: GZIP") + b"more than was announced",
        whole(b"abcde", "Content-Encoding: identity"),
    ],
    ids=["chunks", "until the end", "after a hint", "gzip", "gzip in capitals", "identity"],
)
async def test_a_body_is_read_in_every_form_that_servers_send(serve_raw: Callable, answer: bytes) -> None:
    async with serve_raw(answering(answer)) as port:
        assert await fetch(f"http://127.0.0.1:{port}/list") == b"abcde"


async def test_a_large_body_comes_whole_zipped_or_not(serve_raw: Callable) -> None:
    body = bytes(range(256)) * 20_000
    async with serve_raw(answering(whole(body), whole(gzip.compress(body), "Content-Encoding: gzip"))) as port:
        assert await fetch(f"http://127.0.0.1:{port}/") == body
        assert await fetch(f"http://127.0.0.1:{port}/") == body


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404 Not Found"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503 Service Unavailable"),
        (
            whole(b'{"code":-1003,"msg":"Too much request weight used"}', status="418 I'm a teapot"),
            'HTTP 418 I\'m a teapot: {"code":-1003,"msg":"Too much request weight used"}',
        ),
        (whole(b"\x1b[2J\r\nforged", status="500 No\x1b[2J"), r"HTTP 500"),
        (b"\x16\x03\x01 this is no HTTP at all\r\n\r\n", "no HTTP"),
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort", "closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "received 5 bytes, expected 9"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed"),
        (whole(gzip.compress(b"a" * 100)[:-9], "Content-Encoding: gzip"), "cut short"),
        (whole(b"this is no gzip", "Content-Encoding: gzip"), "gzip"),
        (whole(zlib.compress(b"a"), "Content-Encoding: br"), "expected gzip, found 'br'"),
    ],
    ids=[
        "404",
        "503",
        "with words",
        "hostile words",
        "garbage",
        "nothing",
        "chunk cut short",
        "body cut short",
        "header cut short",
        "gzip cut short",
        "not zipped",
        "another encoding",
    ],
)
async def test_a_failure_names_the_url_and_the_reason(serve_raw: Callable, answer: bytes, reason: str) -> None:
    said = await failure(serve_raw, answering(answer))
    assert reason in said
    assert said.isprintable()


async def test_a_refused_connection_is_told_as_such(closed_port: int) -> None:
    with pytest.raises(RestError, match=f"^GET http://127.0.0.1:{closed_port}/: connection refused$"):
        await fetch(f"http://127.0.0.1:{closed_port}/")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://127.0.0.1:notaport/",
        "http://127.0.0.1:99999/",
        "http://",
        "file:///etc/passwd",
        "http://[::1/",
        "http://h/\r\nX: y",
        f"http://{'a' * 70}.com/",
        "http://\u2028/",
        "http://127.0.0.1:1/\u00e9 \x00",
        "",
    ],
    ids=ascii,
)
async def test_a_url_that_is_none_is_told_and_not_a_fault_of_the_program(url: str) -> None:
    with pytest.raises(RestError, match="^GET "):
        await fetch(url)


async def test_a_server_without_tls_is_told_and_not_trusted(serve_raw: Callable) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(whole(b"plain"))
        await writer.drain()

    async with serve_raw(plain) as port:
        with pytest.raises(RestError, match=f"^GET https://127.0.0.1:{port}/: (?!no whole answer)"):
            await fetch(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["in the status", "in the header", "in the body", "in a body without end"],
)
async def test_a_byte_from_time_to_time_does_not_prolong_the_deadline(serve_raw: Callable, first: bytes) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    assert await failure(serve_raw, dripping, within_s=0.3) == "no whole answer within 0.3 s"


async def test_silence_ends_at_the_deadline(serve_raw: Callable) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    assert await failure(serve_raw, silent, within_s=0.05) == "no whole answer within 0.05 s"


@pytest.mark.parametrize(
    "answer",
    [
        whole(b"x" * 2000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n",
        whole(gzip.compress(b"x" * 2000), "Content-Encoding: gzip"),
        whole(gzip.compress(b"x" * 30_000_000), "Content-Encoding: gzip"),
    ],
    ids=["announced", "without end", "in chunks", "zipped", "zipped a thousandfold"],
)
async def test_a_body_beyond_the_bound_is_not_taken(serve_raw: Callable, answer: bytes) -> None:
    assert await failure(serve_raw, answering(answer), largest=1999) == "a body of more than 1999 bytes"


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n", 20_000),
        (whole(gzip.compress(b"x" * (60 << 20)), "Content-Encoding: gzip"), 4 * 60),
    ],
    ids=["many chunks", "zipped a thousandfold"],
)
async def test_a_body_that_is_much_work_leaves_the_loop_to_others_in_between(
    serve_raw: Callable, answer: bytes, pieces: int
) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serve_raw(answering(answer)) as port:
        others = asyncio.create_task(take_turns())
        await fetch(f"http://127.0.0.1:{port}/")
        others.cancel()
    assert turns >= pieces


async def test_a_header_without_end_is_not_taken(serve_raw: Callable) -> None:
    assert "too long" in await failure(serve_raw, answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000))


async def test_a_redirect_is_followed_to_http_alone_and_not_for_ever(serve_raw: Callable) -> None:
    requests: list[bytes] = []
    there = b"HTTP/1.1 302 Found\r\nLocation: /new?a=b\r\nContent-Length: 0\r\n\r\n"
    async with serve_raw(answering(there, whole(b"moved"), requests=requests)) as port:
        assert await fetch(f"http://127.0.0.1:{port}/list") == b"moved"
    assert requests[1].startswith(b"GET /new?a=b HTTP/1.1\r\n")
    assert "redirect" in await failure(serve_raw, answering(there))
    for elsewhere in ("file:///etc/passwd", "ftp://127.0.0.1/", ""):
        answer = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n".encode()
        assert await failure(serve_raw, answering(answer))


@pytest.mark.parametrize(
    "location", ["http://[bad", "//[", "http://host:port/", "http://a..b/", "ftp://host/", "http:"]
)
async def test_a_redirect_to_what_is_no_url_is_told_and_not_a_fault_of_the_program(
    serve_raw: Callable, location: str
) -> None:
    assert await failure(serve_raw, answering(whole(b"", f"Location: {location}", status="302 Found")))


async def test_a_user_in_the_url_is_sent_to_its_own_server_alone(serve_raw: Callable) -> None:
    own: list[bytes] = []
    other: list[bytes] = []
    async with serve_raw(answering(whole(b"elsewhere"), requests=other)) as other_port:
        there = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other_port}/\r\nContent-Length: 0\r\n\r\n"
        here = b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"
        async with serve_raw(answering(here, there.encode(), requests=own)) as port:
            assert await fetch(f"http://us%40er:hunter%3A2@127.0.0.1:{port}/list") == b"elsewhere"
    expected = b"\r\nAuthorization: Basic " + base64.b64encode(b"us@er:hunter:2") + b"\r\n"
    assert [expected in request for request in own] == [True, True]
    assert b"authorization" not in other[0].lower()


async def test_a_failure_shows_neither_password_nor_query(serve_raw: Callable, closed_port: int) -> None:
    with pytest.raises(RestError, match=f"^GET http://127.0.0.1:{closed_port}/list: connection refused$"):
        await fetch(f"http://user:hunter2@127.0.0.1:{closed_port}/list?key=hunter3")
    there = b"HTTP/1.1 302 Found\r\nLocation: ftp://user:hunter4@host/?key=hunter5\r\nContent-Length: 0\r\n\r\n"
    assert await failure(serve_raw, answering(there)) == "expected a URL of http or https, found 'ftp://host/'"


async def test_a_fetch_that_is_cancelled_leaves_no_connection(serve_raw: Callable, eventually: Eventually) -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.set()
        try:
            await reader.read()
        finally:
            gone.set()

    async with serve_raw(silent) as port:
        fetching = asyncio.create_task(fetch(f"http://127.0.0.1:{port}/"))
        await eventually(came.is_set)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        await eventually(gone.is_set)


def test_a_loop_that_ends_waits_for_no_answer_and_leaves_no_thread() -> None:
    async def give_up(url: str, steps: int) -> None:
        fetching = asyncio.create_task(fetch(url))
        for _ in range(steps):
            await asyncio.sleep(0)
        fetching.cancel()
        await asyncio.wait([fetching])

    before = threading.enumerate()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for steps in range(20):
            asyncio.run(give_up(f"http://127.0.0.1:{silent.getsockname()[1]}/", steps))
            assert threading.enumerate() == before


def test_the_library_is_loaded_with_the_first_fetch_and_not_before() -> None:
    code = "import sys, arbsniper_tui.feeds.venue_list; print('h11' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
