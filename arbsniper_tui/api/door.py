"""What stands before every answer: who may ask from where, and the headers that all answers have."""

from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import blake2b
from http import HTTPStatus
from ipaddress import ip_address
from time import perf_counter_ns
from typing import TYPE_CHECKING

from litestar.enums import ScopeType

from arbsniper_tui.api.access import Access
from arbsniper_tui.api.crowd import MOST_CONNECTIONS, Crowd
from arbsniper_tui.api.problems import PROBLEM_TYPE, Elsewhere, problem_bytes
from arbsniper_tui.api.rate_limits import RateLimits, client_of, share_of, too_often
from arbsniper_tui.api.source import Source
from arbsniper_tui.api.stream.entrance import Entrance, refuse
from arbsniper_tui.api.traffic import Traffic

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

Headers = Iterable[tuple[bytes, bytes]]

_ALWAYS: Headers = [
    (b"cache-control", b"no-cache"),  # a cache asks again each time, with the tag
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
]  # fmt: skip

MOST_BODY_BYTES = 128 * 1024
Refusal = tuple[HTTPStatus, str, dict[str, str]]
"""Status, detail and headers."""
_TOO_MANY = f"more than {MOST_CONNECTIONS} connections are open: try again in a second"
_CLOSE = {"Connection": "close"}
"""The rest of the request is not read."""


class Door:
    """Wraps the application. A page of another site that a browser shows must not read the node through it."""

    def __init__(
        self,
        app: "Litestar",
        stream: Entrance | None,
        reader: Source,
        crowd: Crowd,
        access: Access,
        limits: RateLimits,
        traffic: Traffic,
    ) -> None:
        self.app = app
        self._stream = stream
        self._traffic = traffic
        self._crowd = crowd
        self._reader = reader
        self._access = access
        self._limits = limits
        self._in_hand: Counter[str] = Counter()
        """Requests that are answered now and streams that are open, by client: behind a proxy these tell how much of it
        one client takes."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        client = client_of(scope, behind_proxy=self._access.behind_proxy)
        scope["client"] = (client, 0)
        self._in_hand[client] += 1
        try:
            await self._take(scope, receive, send)
        finally:
            self._in_hand[client] -= 1
            if not self._in_hand[client]:
                del self._in_hand[client]

    async def _take(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            if refusal := self.why_refused(scope):
                await refuse(scope, send, *refusal)
            elif self._stream is None:
                elsewhere = Elsewhere(self._reader.elsewhere() or [])
                await refuse(scope, send, HTTPStatus.CONFLICT, elsewhere.detail, {})
            else:
                await self._stream(scope, receive, send)
            return
        method = scope["method"]
        if method == "HEAD":
            # Answered as GET is; the server leaves out the body.
            scope = {**scope, "method": "GET"}
        asked = scope["headers"] if scope["method"] == "GET" else ()
        answer, began_ns = _Answer(asked, send, self._node_headers), perf_counter_ns()
        try:
            await self._answer(scope, receive, answer)
        finally:
            took_ns = perf_counter_ns() - began_ns
            self._traffic.count(method, scope.get("path_template", ""), answer.status, took_ns)

    async def _answer(self, scope: "HTTPScope", receive: "Receive", answer: "_Answer") -> None:
        if refusal := self.why_refused(scope):
            status, detail, headers = refusal
            await answer.send_problem(status, detail, scope["path"], headers)
            return
        await self.app(scope, receive, answer.send)

    def why_refused(self, scope: "HTTPScope | WebSocketScope") -> Refusal | None:
        """Why what is asked with these headers is not answered, whoever asks; None for no reason. `client` in the scope
        is the one whose limit counts."""
        if self._crowd.is_too_large:
            return HTTPStatus.SERVICE_UNAVAILABLE, _TOO_MANY, {"Retry-After": "1"}
        client, _ = scope["client"] or ("", 0)
        share = share_of(MOST_CONNECTIONS, client)
        if self._in_hand[client] > share or self._crowd.is_too_much_of(client):
            status, detail, told = too_often(1.0, f"{share} connections of {client} are open")
            return status, detail, told | _CLOSE
        per_s = self._access.requests_per_s
        if wait_s := self._limits.wait_s(client, per_s):
            return too_often(wait_s, f"{per_s:g} requests a second from {client}")
        headers = scope["headers"]
        # A page names its origin by the scheme that it was loaded by, which is never ws.
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        why = why_host_refused(headers, self._access) or why_origin_refused(headers, scheme, self._access)
        if why:
            return *why, {}
        return _why_body_refused(headers)

    def _node_headers(self) -> Headers:
        """What the source says of the state that the answer is made from."""
        return [(name.lower().encode(), value.encode()) for name, value in self._reader.headers().items()]


class _Answer:
    """One answer on its way out. The start of it waits for the body, which its tag is made of."""

    def __init__(self, asked: Iterable[tuple[bytes, bytes]], send: "Send", node_headers: Callable[[], Headers]) -> None:
        self._tags = {tag.strip().removeprefix(b"W/") for tag in _values(asked, b"if-none-match", b",")}
        self._send = send
        self._node_headers = node_headers
        self._start: HTTPResponseStartEvent | None = None
        self._body = bytearray()
        self.status: int | None = None
        """None until it has begun to leave."""

    async def send_problem(self, status: HTTPStatus, detail: str, path: str, headers: dict[str, str]) -> None:
        """The whole answer."""
        body = problem_bytes(status, detail, path)
        told = {"Content-Type": PROBLEM_TYPE, "Content-Length": str(len(body)), **headers}
        start = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": start})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def send(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
            return
        self._body += message["body"]
        if message["more_body"]:
            return
        start, body = self._start, bytes(self._body)
        headers = [*start["headers"], *_ALWAYS, *self._node_headers()]
        if start["status"] == HTTPStatus.OK:
            tag = b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode()
            headers.append((b"etag", tag))
            if tag in self._tags or b"*" in self._tags:
                start["status"], body = int(HTTPStatus.NOT_MODIFIED), b""
                headers = [each for each in headers if each[0] not in (b"content-length", b"content-type")]
        start["headers"] = headers
        self.status = start["status"]
        await self._send(start)
        message["body"] = body
        await self._send(message)


def why_host_refused(headers: Headers, access: Access) -> tuple[HTTPStatus, str] | None:
    """Why a request to this host is not answered: a name that leads here but is none that it answers to."""
    host = _host_of(headers)
    name, is_name = _name_of(host)
    if is_name and (access.any_host or name in access.hosts or _is_loopback(name)):
        return None
    expected = "expected one with this machine's own name, as in Host: 127.0.0.1:8787 or localhost:8787"
    return HTTPStatus.MISDIRECTED_REQUEST, f"Host: found {host!r}, {expected}, or one of [api] hosts"


def why_origin_refused(headers: Headers, scheme: str, access: Access) -> tuple[HTTPStatus, str] | None:
    """Why a page of this origin may not ask: it is of another site, and none of those that were named."""
    host = _host_of(headers)
    # Where a proxy does TLS, its pages come over https, and this process sees http.
    own = {f"{each}://{host}" for each in (("http", "https") if access.behind_proxy else (scheme,))}
    for origin in _values(headers, b"origin"):
        found = origin.decode("latin-1")
        if found not in own and found.lower() not in access.origins:
            return HTTPStatus.FORBIDDEN, f"Origin: found {found!r}, expected none, {min(own)}, or one of [api] origins"
    return None


def _why_body_refused(headers: Headers) -> Refusal | None:
    """The server reads no more of a body than its length says, so that a look at that is enough."""
    if _values(headers, b"transfer-encoding"):
        return HTTPStatus.LENGTH_REQUIRED, "found a body without Content-Length, expected one with it", _CLOSE
    for length in _values(headers, b"content-length"):
        if int(length) > MOST_BODY_BYTES:
            detail = f"found a body of {int(length)} bytes, expected at most {MOST_BODY_BYTES}"
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, _CLOSE
    return None


def _host_of(headers: Headers) -> str:
    hosts = _values(headers, b"host")
    return hosts[0].decode("latin-1") if len(hosts) == 1 else ""


def _name_of(host: str) -> tuple[str, bool]:
    """The name in a header Host, in small letters, and whether the header can be read."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    return name.lower(), bool(name) and (not port or port.isascii() and port.isdigit())


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes, separator: bytes = b"") -> list[bytes]:
    found = [value for key, value in headers if key == name]
    return [part for value in found for part in value.split(separator)] if separator else found
