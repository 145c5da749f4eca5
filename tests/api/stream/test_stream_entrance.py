"""Who is let in, with what credentials, and what ends a connection."""

import base64
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from api_stage import ApiStage
from raw_venues import framed
from stream_stage import KnownCallers, StreamClient, is_welcome, raw_handshake, refusal, served
from waiting import DEADLINE_S, wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus

from arbsniper_tui.api.caller import Role
from arbsniper_tui.api.stream.limits import MESSAGE_BYTES, Limits
from arbsniper_tui.api.stream.messages import CloseCode, EventsChange, PricesChange, Welcome
from arbsniper_tui.wire.endpoints import Endpoints

SECRET = "s3cret.token.value"


@pytest.fixture
def known() -> KnownCallers:
    return KnownCallers(good=Role.VIEWER, better=Role.OPERATOR)


@pytest.fixture
def guarded(quoting: ApiStage, known: KnownCallers) -> Iterator[str]:
    """The address of an API that asks for tokens, and has little patience."""
    limits = Limits(check_callers_every_s=0.05, subscriptions=2, topics=3, clients=150)
    with served(Endpoints(quoting.node.sockets), known, limits) as address:
        wait_until(lambda: is_welcome(address, "good"))
        yield address


@pytest.mark.parametrize("query", [f"token={SECRET}", f"access_token={SECRET}", "x"])
def test_a_token_in_the_address_is_refused_with_words_and_stands_nowhere(quoting: ApiStage, query: str) -> None:
    status, body = raw_handshake(quoting.address, f"/v1/stream?{query}")
    assert status == 400 and "a token goes in the header Authorization or in the first message" in body
    assert SECRET not in body + quoting.node.log


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "10.0.0.1"])
def test_a_name_that_another_site_made_lead_here_is_refused_before_the_handshake(quoting: ApiStage, host: str) -> None:
    status, body = raw_handshake(quoting.address, Host=host)
    assert status == 421 and host in body


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://localhost:1"])
def test_a_page_of_another_site_is_refused_before_the_handshake(quoting: ApiStage, origin: str) -> None:
    status, body = raw_handshake(quoting.address, Origin=origin)
    assert status == 403 and "Origin" in body


def test_its_own_page_is_let_in_and_other_paths_have_no_websocket(quoting: ApiStage) -> None:
    wait_until(lambda: raw_handshake(quoting.address, Origin=quoting.address)[0] == 101)
    for path in ("/v1/prices", "/", "/v1/stream/", "/V1/STREAM"):
        status, body = raw_handshake(quoting.address, path)
        assert status == 404 and "/v1/stream" in body


def test_a_handshake_with_a_huge_header_is_refused(quoting: ApiStage) -> None:
    status, _ = raw_handshake(quoting.address, Cookie="x" * 12_000)
    assert status in (400, 431)
    wait_until(lambda: raw_handshake(quoting.address)[0] == 101)


def test_a_token_in_the_header_is_known_before_the_handshake(guarded: str) -> None:
    with StreamClient(guarded, "better") as client:
        welcome = client.first(Welcome)
        assert (welcome.caller, welcome.role) == ("better", "operator")
    with pytest.raises(InvalidStatus) as refused:
        StreamClient(guarded, "wrong")
    assert refused.value.response.status_code == 401


def test_a_token_in_the_first_message_is_as_good(guarded: str) -> None:
    with StreamClient(guarded) as client:
        client.send({"op": "authenticate", "token": "good"})
        assert client.first(Welcome).caller == "good"
        client.subscribe("prices")
        assert client.first(PricesChange).prices


def test_a_newer_token_takes_the_place_of_the_first(guarded: str, known: KnownCallers) -> None:
    with StreamClient(guarded, "good") as client:
        client.first(Welcome)
        client.send({"op": "authenticate", "token": "better"})
        wait_until(lambda: len(client.read().all(Welcome)) == 2)
        del known.tokens["good"]
        client.subscribe("prices")
        client.first(PricesChange)
        known.tokens.pop("better")
        assert client.wait_until_closed() == (CloseCode.NOT_AUTHENTICATED, "this token is not valid")


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ('{"op": "authenticate", "token": "wrong"}', "this token is not valid"),
        ('{"op": "subscribe", "to": {"channel": "prices"}}', "as the first message"),
    ],
)
def test_without_a_valid_token_nothing_is_told(guarded: str, first: str, words: str) -> None:
    with StreamClient(guarded) as client:
        client.send(first)
        code, reason = client.wait_until_closed()
        assert code == CloseCode.NOT_AUTHENTICATED and words in reason
        assert client.messages == []


def test_a_client_that_shows_nothing_or_reads_nothing_is_closed_in_time(quoting: ApiStage, known: KnownCallers) -> None:
    limits = Limits(authenticate_within_s=0.2, idle_s=0.3)
    with served(Endpoints(quoting.node.sockets), known, limits) as address:
        wait_until(lambda: is_welcome(address, "good"))
        with StreamClient(address) as unknown, StreamClient(address, "good") as idle:
            code, reason = unknown.wait_until_closed()
            assert code == CloseCode.NOT_AUTHENTICATED and reason.endswith("found none for 0.2 s")
            code, reason = idle.wait_until_closed()
            assert (code, reason) == (CloseCode.IDLE, "expected a subscription, found none for 0.3 s")


@pytest.mark.parametrize(
    "message",
    [
        b'{"op": "authenticate"}',
        b"\x00\xff\x00",
        "",
        "hello",
        "[" * 4000,
        '{"op": "subscribe", "to": ' + '{"channel": ' * 500,
        '{"op": "subscribe", "to": {"channel": "orders"}}',
        '{"op": "subscribe", "to": {"channel": "prices", "min_spread_pct": 1}}',
        '{"op": "subscribe", "to": {"channel": "health"}, "more": 1}',
        '{"op": "subscribe", "to": {"channel": "prices", "symbol": 1e999}}',
        '{"op": "\\ud800"}',
    ],
)
def test_a_message_that_cannot_be_read_ends_the_connection_with_the_reason(
    quoting: ApiStage, message: str | bytes
) -> None:
    with StreamClient(quoting.address) as client:
        client.send(message)
        code, reason = client.wait_until_closed()
        assert code == CloseCode.BAD_MESSAGE and reason.startswith("expected a JSON object with op")
    assert "Traceback" not in quoting.node.log


def test_a_message_that_is_too_large_ends_the_connection_with_the_reason(quoting: ApiStage) -> None:
    for size in (MESSAGE_BYTES + 1, 5_000_000):
        with StreamClient(quoting.address) as client:
            with suppress(ConnectionClosed):  # before all of it was sent
                client.send("x" * size)
            code, reason = client.wait_until_closed()
            assert code == 1009 and str(MESSAGE_BYTES) in reason


def test_fragments_without_end_and_without_content_end_the_connection(quoting: ApiStage) -> None:
    with open_raw(quoting.address) as connection:
        connection.sendall(masked(b"", opcode=1, fin=False))
        connection.sendall(100 * masked(b"", opcode=0, fin=False))
        assert b"\x11\x30expected at most 64 fragments" in read_all(connection)  # 4400 is 0x1130
    assert "Traceback" not in quoting.node.log


def test_text_that_is_none_ends_the_connection_and_leaves_no_traceback(quoting: ApiStage) -> None:
    with open_raw(quoting.address) as connection:
        connection.sendall(masked(b"\xff", opcode=1))
        assert b"\x03\xefexpected text in UTF-8" in read_all(connection)  # 1007 is 0x03ef
    assert "Traceback" not in quoting.node.log


def test_a_flood_of_messages_ends_the_connection_and_takes_no_memory(quoting: ApiStage) -> None:
    flood = 5000 * masked(b'{"op":"unsubscribe","to":{"channel":"health"}}', opcode=1)
    with open_raw(quoting.address) as connection:
        with suppress(OSError):  # closed before all of it was sent
            connection.sendall(flood)
        assert b"expected at most 50 messages at once" in read_all(connection)
    wait_until(lambda: is_welcome(quoting.address))


def test_pings_whose_answers_are_not_read_take_no_memory(quoting: ApiStage) -> None:
    def memory_bytes() -> int:
        status = Path(f"/proc/{quoting.node.pid('api')}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell the memory of a process")
    pings = 2000 * masked(b"x" * 125, opcode=9)
    with open_raw(quoting.address, receive_bytes=4096) as connection:
        before = memory_bytes()
        sent = 0
        connection.settimeout(DEADLINE_S)
        while sent < 30_000_000:
            connection.sendall(pings)
            sent += len(pings)
        assert memory_bytes() - before < 10_000_000
    wait_until(lambda: is_welcome(quoting.address))


def test_so_many_subscriptions_and_no_more(guarded: str) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(StreamClient(guarded, "good"))
        for channel in ("prices", "routes", "events"):
            first.subscribe(channel)
        assert refusal(first).status == 429 and "at most 2 subscriptions" in refusal(first).detail
        second = stack.enter_context(StreamClient(guarded, "good"))
        second.subscribe("prices", venue="kraken")
        second.subscribe("prices", venue="binance")
        assert "3 different subscriptions are read already" in refusal(second).detail
        third = stack.enter_context(StreamClient(guarded, "good"))
        third.subscribe("routes")
        third.first(Welcome)
    # What nobody reads any more makes room for others.
    with StreamClient(guarded, "good") as client:

        def is_read() -> bool:
            client.messages.clear()
            client.subscribe("events", venue="kraken")
            wait_until(lambda: client.read().messages)
            return bool(client.all(EventsChange))

        client.first(Welcome)
        wait_until(is_read)


def test_a_hundred_clients_are_told_the_same(guarded: str, quoting: ApiStage) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(StreamClient(guarded, "good")) for _ in range(100)]
        for client in clients:
            client.subscribe("prices")
        for client in clients:
            assert client.first(PricesChange).is_snapshot
        quoting.quote_until(
            lambda: all(each.read().prices["binance", "BTC/USDT"].bid == 45_007.0 for each in clients), 45_007.0
        )
        assert not any(each.missed for client in clients for each in client.all(PricesChange))


def refused_with(address: str, token: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        StreamClient(address, token)
    assert refused.value.response.headers["Content-Type"] == "application/problem+json"
    return refused.value.response.status_code


def test_one_caller_has_its_share_of_the_places_and_another_is_let_in(quoting: ApiStage, known: KnownCallers) -> None:
    with served(Endpoints(quoting.node.sockets), known, Limits(clients=10)) as address, ExitStack() as stack:
        wait_until(lambda: is_welcome(address, "good"))
        wait_until(lambda: is_welcome(address, "better"))

        def try_to_enter(token: str) -> StreamClient | None:
            with suppress(InvalidStatus):  # a client that has just left may still be counted
                return stack.enter_context(StreamClient(address, token))
            return None

        def enter(token: str = "") -> StreamClient:
            return wait_until(lambda: try_to_enter(token))

        # A share on loopback: 8 of 10. One that shows its token in the first message takes one too.
        late = enter()
        late.send({"op": "authenticate", "token": "good"})
        late.first(Welcome)
        for _ in range(7):
            enter("good").first(Welcome)
        late.send({"op": "authenticate", "token": "good"})
        wait_until(lambda: len(late.read().all(Welcome)) == 2)
        assert refused_with(address, "good") == 429
        unknown = enter()
        unknown.send({"op": "authenticate", "token": "good"})
        assert unknown.wait_until_closed() == (CloseCode.TOO_MANY, "more than 8 streams of good: ask again in 1 s")
        enter("better").first(Welcome)
        enter("better").first(Welcome)
        assert refused_with(address, "better") == 503


def test_without_a_token_an_address_has_its_share(quoting: ApiStage) -> None:
    with served(Endpoints(quoting.node.sockets), limits=Limits(clients=5)) as address, ExitStack() as stack:
        wait_until(lambda: is_welcome(address))

        def enter() -> bool:
            with suppress(InvalidStatus):
                stack.enter_context(StreamClient(address)).first(Welcome)
                return True
            return False

        wait_until(lambda: not enter())
        status, body = raw_handshake(address)
        assert status == 429 and "more than 4 streams of 127.0.0.1" in body
        assert raw_handshake(address, source="127.0.0.2")[0] == 101


def test_garbage_after_the_handshake_harms_nobody(quoting: ApiStage) -> None:
    for garbage in (b"\xff" * 4096, b"GET / HTTP/1.1\r\n\r\n", framed(b"unmasked"), b"\x88\x80" + b"\0" * 3):
        with open_raw(quoting.address) as connection:
            with suppress(OSError):  # closed before all of it was sent
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
            read_all(connection)
    wait_until(lambda: is_welcome(quoting.address))
    assert "Traceback" not in quoting.node.log and len(quoting.node.pids("api")) == 1


def open_raw(address: str, receive_bytes: int = 0) -> socket.socket:
    """A socket behind its handshake."""
    wait_until(lambda: raw_handshake(address)[0] == 101)
    host, _, port = address.removeprefix("http://").rpartition(":")
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(DEADLINE_S)
    connection.connect((host, int(port)))
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /v1/stream HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    while b"\r\n\r\n" not in connection.recv(65536, socket.MSG_PEEK):
        pass
    return connection


def read_all(connection: socket.socket) -> bytes:
    """What comes until the API has ended the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def masked(payload: bytes, opcode: int, *, fin: bool = True) -> bytes:
    """A frame of less than 126 bytes, as clients send them; its mask is zero."""
    return bytes((0x80 * fin | opcode, 0x80 | len(payload))) + b"\0\0\0\0" + payload
