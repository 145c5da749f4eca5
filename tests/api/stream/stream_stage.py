"""A client of /v1/stream as tests need it, and the API served by this process, for callers and limits of a test."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from waiting import DEADLINE_S, wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from arbsniper_tui.api.access import ON_LOOPBACK
from arbsniper_tui.api.answers import Price, Route
from arbsniper_tui.api.caller import Caller, Callers, Role
from arbsniper_tui.api.plan import address_of, open_listener
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.serve import serve
from arbsniper_tui.api.stream.limits import STREAM_LIMITS, Limits
from arbsniper_tui.api.stream.messages import (
    EventsChange,
    FromApi,
    PricesChange,
    Refused,
    RoutesChange,
    SignalsChange,
    Welcome,
)
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.wire.endpoints import Endpoints

Message = TypeVar("Message", bound=FromApi)
_decoder: msgspec.json.Decoder[FromApi] = msgspec.json.Decoder(FromApi)


class StreamClient:
    """Reads what the API sends, and holds what it said."""

    def __init__(self, address: str, token: str = "", *, receive_bytes: int = 0) -> None:
        """`receive_bytes`: what the system holds for a client that does not read; else as it likes."""
        self._stack, self._socket = wait_until(lambda: _let_in(address, token, receive_bytes))
        self.messages: list[FromApi] = []
        self.prices: dict[tuple[str, str], Price] = {}
        self.routes: dict[str, Route] = {}
        self.ending: tuple[int, str] | None = None
        """Close code and reason."""

    def __enter__(self) -> "StreamClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        self._socket.send(msgspec.json.encode(message).decode() if isinstance(message, dict) else message)

    def subscribe(self, channel: str, after: dict[str, Any] | None = None, **wanted: Any) -> None:
        self.send({"op": "subscribe", "to": {"channel": channel, **wanted}} | ({"after": after} if after else {}))

    def read(self) -> "StreamClient":
        """Take in what has come."""
        while self.ending is None:
            try:
                self._take(_decoder.decode(self._socket.recv(timeout=0)))
            except TimeoutError:
                break
            except ConnectionClosed as closed:
                self.ending = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        return self

    def first(self, kind: type[Message]) -> Message:
        """The first message of this kind, once it is there."""

        def found() -> Message | None:
            message = next(iter(self.read().all(kind)), None)
            assert message is not None or self.ending is None, (self.ending, self.messages[-3:])
            return message

        return wait_until(found, lambda: self.messages[-3:])

    def wait_until_closed(self) -> tuple[int, str]:
        """Close code and reason, once the API has closed the connection."""
        return wait_until(lambda: self.read().ending, lambda: self.messages[-3:])

    def all(self, kind: type[Message]) -> list[Message]:
        return [each for each in self.messages if isinstance(each, kind)]

    @property
    def events(self) -> list[Event]:
        return [event for each in self.all(EventsChange) for event in each.events]

    @property
    def signals(self) -> list[Signal]:
        return [signal for each in self.all(SignalsChange) for signal in each.signals]

    @property
    def place(self) -> dict[str, Any]:
        """Where it has read to, as a later subscription names it."""
        last = self.all(EventsChange)[-1]
        return {"run": last.run, "seq": last.seq}

    def _take(self, message: FromApi) -> None:
        self.messages.append(message)
        if isinstance(message, PricesChange):
            if message.is_snapshot:
                self.prices.clear()
            self.prices.update({(each.venue, each.symbol): each for each in message.prices})
            for leg in message.gone:
                del self.prices[leg.venue, leg.symbol]
        if isinstance(message, RoutesChange):
            if message.is_snapshot:
                self.routes.clear()
            self.routes.update({each.id: each for each in message.routes})
            for gone in message.gone:
                del self.routes[gone]


def _let_in(address: str, token: str, receive_bytes: int) -> tuple[ExitStack, ClientConnection] | None:
    """A connection and what closes it; None while the API says that its node does not answer, as a busy one may."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    with ExitStack() as stack:
        connection = stack.enter_context(socket.socket())
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.connect((host, int(port)))
        try:
            opening = connect(
                address.replace("http", "ws", 1) + "/v1/stream",
                sock=connection,
                additional_headers={"Authorization": f"Bearer {token}"} if token else {},
                compression=None,
                open_timeout=DEADLINE_S,
                close_timeout=DEADLINE_S,
            )
        except InvalidStatus as refused:
            if refused.response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and b"the node" in (
                refused.response.body or b""
            ):
                return None
            raise
        stack.enter_context(opening)
        return stack.pop_all(), opening


class KnownCallers:
    """Callers by token, as a test sets them."""

    def __init__(self, **tokens: Role) -> None:
        self.tokens = tokens

    def caller_of(self, credentials: str | None) -> Caller:
        if credentials is None:
            raise Declined(HTTPStatus.UNAUTHORIZED, "expected a token")
        token = credentials.removeprefix("Bearer ")
        if token not in self.tokens:
            raise Declined(HTTPStatus.UNAUTHORIZED, "this token is not valid")
        return Caller(token, self.tokens[token])


@contextmanager
def served(endpoints: Endpoints, callers: Callers | None = None, limits: Limits | None = None) -> Iterator[str]:
    """The address of an API of the node behind these endpoints, in a thread of this process."""
    listener = open_listener("127.0.0.1:0")
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(
            serve(endpoints, listener, ON_LOOPBACK, stop, callers=callers, limits=limits or STREAM_LIMITS)
        )

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://{address_of(listener)}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
        loop.close()
        listener.close()


def is_welcome(address: str, token: str = "") -> bool:
    """Whether the API has word of its node by now."""
    try:
        with StreamClient(address, token) as client:
            return client.first(Welcome).node != ""
    except (OSError, WebSocketException, AssertionError):
        return False


def refusal(client: StreamClient) -> Refused:
    return client.first(Refused)


def raw_handshake(
    address: str, target: str = "/v1/stream", *, source: str = "127.0.0.1", **headers: str
) -> tuple[int, str]:
    """Status and body of the answer to a handshake with these headers."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    told = {"Host": f"{host}:{port}", "Upgrade": "websocket", "Connection": "Upgrade"}
    told |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} | headers
    with socket.create_connection((host, int(port)), DEADLINE_S, source_address=(source, 0)) as connection:
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if answer.startswith(b"HTTP/1.1 101"):
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, "" if status == 101 else body.decode()
