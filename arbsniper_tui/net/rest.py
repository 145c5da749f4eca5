"""REST: one request on the loop, bounded in time and size. Nothing of it outlives the loop (docs/decisions/0006)."""

import asyncio
import base64
import importlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from arbsniper_tui import __version__
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import RestError
from arbsniper_tui.model.public_url import public_url
from arbsniper_tui.net.tls import tls_context
from arbsniper_tui.net.words import words_of

if TYPE_CHECKING:
    import h11

WITHIN_S = 20.0
"""For the whole exchange, however many bytes come meanwhile."""
LARGEST_BODY = 64 << 20
"""Unzipped."""

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
_LARGEST_HEADER = 64 << 10
_READ = 64 << 10
_GZIP = 31
"""What zlib calls a gzip header and a window of any size."""
_UNZIPPED_AT_ONCE = 256 << 10
"""About half a millisecond of work; the other tasks of the loop run in between."""
_SHOWN = 200
"""Characters of a URL, and of the body of an error."""


OnHeaders = Callable[[Mapping[str, str]], None]
"""Called with the headers of an answer that succeeds, by their names in small letters, before its body comes."""


async def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    within_s: float = WITHIN_S,
    largest: int = LARGEST_BODY,
    on_headers: OnHeaders | None = None,
) -> bytes:
    """The body of the answer to a GET, or to a POST with this body: at most `largest` bytes. A user in the URL is sent
    to its own host alone, and a body is not sent after a redirect. Raises RestError with the public part of the URL and
    what went wrong."""
    shown = clean_text(public_url(url), _SHOWN)
    try:
        async with asyncio.timeout(within_s):
            return await _follow(url, _Request(method, body, headers or {}), largest, on_headers)
    except TimeoutError as error:
        raise RestError(f"{method} {shown}: no whole answer within {within_s:g} s") from error
    except RestError as error:
        raise RestError(f"{method} {shown}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Request:
    """What is the same at every server that a redirect leads to."""

    method: str
    body: bytes
    headers: Mapping[str, str]


async def _follow(url: str, request: _Request, largest: int, on_headers: OnHeaders | None) -> bytes:
    """Ask, and ask again in the same way where a redirect says. Raises RestError."""
    schemes: tuple[str, ...] = ("http", "https")
    origin: SplitResult | None = None
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            parts = urlsplit(url)
            if parts.scheme not in schemes or not parts.hostname:
                raise RestError(f"expected a URL of {' or '.join(schemes)}, found {public_url(url)!r}")
            origin = origin or parts
            # Another server that a redirect names is not the one that the password is for.
            authorization = _basic_authorization(origin) if _server(parts) == _server(origin) else ""
            answer = await _ask(parts, request, largest, authorization, on_headers)
            if isinstance(answer, bytes):
                return answer
            if request.body:
                raise RestError("found a redirect, expected an answer to what was posted: use the URL it leads to")
            url = urljoin(url, answer)
        except (OSError, ValueError) as error:
            raise RestError(words_of(error)) from error
        if parts.scheme == "https":
            schemes = ("https",)
    raise RestError(f"more than {_MOST_REDIRECTS} redirects")


def _server(parts: SplitResult) -> tuple[str, str | None, int]:
    """Scheme, host and port. Raises ValueError for a port that is none."""
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _basic_authorization(parts: SplitResult) -> str:
    """The header's value for the user and password of a URL; empty without them."""
    if parts.username is None:
        return ""
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


async def _ask(
    parts: SplitResult, request: _Request, largest: int, authorization: str, on_headers: OnHeaders | None
) -> bytes | str:
    """The body, or where else to look for it. Raises RestError, OSError and ValueError."""
    # Not on the loop: loading the library takes 8 ms, for which no quote may wait.
    await asyncio.to_thread(importlib.import_module, "h11")
    scheme, host, port = _server(parts)
    context = await tls_context() if scheme == "https" else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        answer = _Answer(reader)
        writer.write(answer.request(request, parts, authorization))
        return await answer.read(largest, on_headers)
    finally:
        writer.transport.abort()


class _Answer:
    """What a server sends, through the library that knows HTTP."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        from h11 import CLIENT, Connection

        self._reader = reader
        self._connection = Connection(CLIENT, max_incomplete_event_size=_LARGEST_HEADER)
        self._is_begun = False

    def request(self, request: _Request, parts: SplitResult, authorization: str) -> bytes:
        """The bytes that ask for it. Raises ValueError for a URL that HTTP cannot carry."""
        from h11 import Data, EndOfMessage, LocalProtocolError, Request

        headers = [
            ("Host", parts.netloc.rpartition("@")[2]),
            ("User-Agent", f"arbsniper-tui/{__version__}"),
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
            ("Connection", "close"),
            *((("Content-Length", str(len(request.body))),) if request.method == "POST" else ()),
            *request.headers.items(),
            *((("Authorization", authorization),) if authorization else ()),
        ]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            head = self._connection.send(Request(method=request.method, target=target, headers=headers))
            body = self._connection.send(Data(data=request.body)) if request.body else b""
            return (head or b"") + (body or b"") + (self._connection.send(EndOfMessage()) or b"")
        except LocalProtocolError as error:
            raise ValueError(str(error)) from error

    async def read(self, largest: int, on_headers: OnHeaders | None) -> bytes | str:
        """The whole body, or where else to look for it. Raises RestError."""
        from h11 import Response

        while not isinstance(response := await self._event(), Response):
            continue  # 1xx: more is to come
        headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        if response.status_code in _REDIRECTS and "location" in headers:
            return headers["location"]
        if not 200 <= response.status_code < 300:
            reason = f"HTTP {response.status_code} {response.reason.decode('latin-1')}"
            words = (await self._data())[:_SHOWN].decode("utf-8", "replace")
            raise RestError(f"{reason}: {words}" if words else reason)
        if on_headers is not None:
            on_headers(headers)
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding not in ("gzip", "identity"):
            raise RestError(f"a body that is encoded: expected gzip, found {encoding!r}")
        return await self._body(encoding == "gzip", largest)

    async def _body(self, is_zipped: bool, largest: int) -> bytes:
        unzip = zlib.decompressobj(_GZIP) if is_zipped else None
        body = bytearray()
        while data := await self._data():
            while data:
                if unzip is None:
                    piece, data = data, b""
                else:
                    piece = _unzipped(unzip, data)
                    data = unzip.unconsumed_tail
                body += piece
                if len(body) > largest:
                    raise RestError(f"a body of more than {largest} bytes")
                # Reading what has come already does not wait, however many pieces it is in.
                await asyncio.sleep(0)
            if unzip is not None and unzip.eof:
                break
        if unzip is not None and not unzip.eof:
            raise RestError("a zipped body that is cut short")
        return bytes(body)

    async def _data(self) -> bytes:
        """The next bytes of the body; none at its end."""
        from h11 import Data

        event = await self._event()
        return bytes(event.data) if isinstance(event, Data) else b""

    async def _event(self) -> "h11.Event":
        """The next part of the answer. Raises RestError for what is not HTTP, or ends too early."""
        from h11 import NEED_DATA, ConnectionClosed, Event, RemoteProtocolError

        try:
            while (event := self._connection.next_event()) is NEED_DATA:
                received = await self._reader.read(_READ)
                if not received and not self._is_begun:
                    raise RestError("the server closed the connection without an answer")
                self._is_begun = True
                self._connection.receive_data(received)
        except RemoteProtocolError as error:
            raise RestError(f"not the HTTP that was expected: {error}") from error
        if not isinstance(event, Event) or isinstance(event, ConnectionClosed):
            raise RestError("the server closed the connection in the middle of its answer")
        return event


def _unzipped(unzip: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return unzip.decompress(data, _UNZIPPED_AT_ONCE)
    except zlib.error as error:
        raise RestError(f"a body that is no gzip: {error}") from error
