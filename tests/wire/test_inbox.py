"""The spread worker's end of the bus on real sockets: libzmq's PUSH is understood, and nobody spoils it for others."""

import logging
import socket
from collections.abc import Callable, Iterator

import pytest
import zmq

from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.zmtp import PUSH, framed, hello

Context = zmq.Context[zmq.Socket[bytes]]
WaitUntil = Callable[[Callable[[], object]], None]
USUAL_WAIT_MS = 20


@pytest.fixture
def inbox(endpoints: Endpoints) -> Iterator[Inbox]:
    inbox = Inbox(endpoints.quotes, USUAL_WAIT_MS)
    yield inbox
    inbox.close()


@pytest.fixture
def take(inbox: Inbox, wait_until: WaitUntil) -> Callable[[int], list[bytes]]:
    """This many messages."""

    def take(count: int) -> list[bytes]:
        bodies: list[bytes] = []

        def has_come() -> bool:
            inbox.admit()
            while (body := inbox.receive(USUAL_WAIT_MS)) is not None:
                bodies.append(body)
            return len(bodies) >= count

        wait_until(has_come)
        return bodies

    return take


def knock(endpoints: Endpoints) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(endpoints.quotes))
    return connection


def test_it_is_a_zeromq_pull_socket(context: Context, endpoints: Endpoints, take: Callable[[int], list[bytes]]) -> None:
    pusher = context.socket(zmq.PUSH)
    pusher.connect(f"ipc://{endpoints.quotes}")
    bodies = [b"", b"short", bytes(255), bytes(256), bytes(200_000), b"last"]
    for body in bodies:
        pusher.send(body)
    assert take(len(bodies)) == bodies
    pusher.close()


def test_messages_of_several_senders_arrive_each_in_its_order(
    context: Context, endpoints: Endpoints, take: Callable[[int], list[bytes]]
) -> None:
    pushers = [context.socket(zmq.PUSH) for _ in range(3)]
    for pusher in pushers:
        pusher.connect(f"ipc://{endpoints.quotes}")
    for number in range(50):
        for name, pusher in zip(b"abc", pushers, strict=True):
            pusher.send(bytes((name, number)))
    bodies = take(150)
    for name in b"abc":
        assert [body[1] for body in bodies if body[0] == name] == list(range(50))
    for pusher in pushers:
        pusher.close()


def test_a_sender_that_comes_while_the_only_one_is_listened_to_is_let_in(
    endpoints: Endpoints, take: Callable[[int], list[bytes]]
) -> None:
    first, second = knock(endpoints), knock(endpoints)
    first.sendall(hello(PUSH) + framed(b"one"))
    assert take(1) == [b"one"]
    second.sendall(hello(PUSH) + framed(b"two"))
    assert take(1) == [b"two"]
    second.close()
    first.sendall(framed(b"three"))
    assert take(1) == [b"three"]
    first.close()


def test_waiting_ends_in_time_with_and_without_a_sender(
    endpoints: Endpoints, inbox: Inbox, take: Callable[[int], list[bytes]]
) -> None:
    assert inbox.receive(USUAL_WAIT_MS) is None
    with knock(endpoints) as sender:
        sender.sendall(hello(PUSH) + framed(b"one"))
        assert take(1) == [b"one"]
        assert inbox.receive(USUAL_WAIT_MS) is None
        assert inbox.receive(1) is None


def test_who_sends_garbage_is_let_go_and_the_log_says_why(
    endpoints: Endpoints, take: Callable[[int], list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, worse = knock(endpoints), knock(endpoints), knock(endpoints)
    bad.sendall(b"GET / HTTP/1.1\r\n\r\n")
    worse.sendall(hello(PUSH) + framed(b"fine") + b"\x01\x01x")
    good.sendall(hello(PUSH) + framed(b"good"))
    with caplog.at_level(logging.WARNING):
        assert sorted(take(2)) == [b"fine", b"good"]
    reasons = sorted(record.getMessage() for record in caplog.records)
    assert len(reasons) == 2
    assert "expected a ZeroMQ greeting" in reasons[0]
    assert "expected a message of one frame" in reasons[1]
    good.sendall(framed(b"still"))
    assert take(1) == [b"still"]
    for connection in (good, bad, worse):
        connection.close()


def test_half_a_message_of_a_sender_that_dies_is_nobodys(
    endpoints: Endpoints, take: Callable[[int], list[bytes]]
) -> None:
    dying, good = knock(endpoints), knock(endpoints)
    dying.sendall(hello(PUSH) + framed(b"whole") + framed(b"half of it")[:5])
    assert take(1) == [b"whole"]
    dying.close()
    good.sendall(hello(PUSH) + framed(b"another"))
    assert take(1) == [b"another"]
    good.close()


def test_the_socket_of_a_process_that_was_killed_is_no_hindrance(endpoints: Endpoints) -> None:
    killed = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    killed.bind(str(endpoints.quotes))
    killed.close()
    Inbox(endpoints.quotes, USUAL_WAIT_MS).close()
