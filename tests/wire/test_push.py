"""The PUSH socket on real sockets: libzmq's PULL understands it, and a reader that begins anew is found again."""

import logging
import socket
import threading
from collections.abc import Callable

import pytest
import zmq

from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.push import PushSocket
from arbsniper_tui.wire.zmtp import PUSH, hello

Context = zmq.Context[zmq.Socket[bytes]]
WaitUntil = Callable[[Callable[[], object]], None]
USUAL_WAIT_MS = 20


def test_a_push_socket_speaks_to_libzmqs_pull(context: Context, endpoints: Endpoints, wait_until: WaitUntil) -> None:
    push = PushSocket(endpoints.quotes)
    assert not push.send(b"nobody is there")
    puller = context.socket(zmq.PULL)
    puller.bind(f"ipc://{endpoints.quotes}")
    wait_until(lambda: push.send(b"first"))
    bodies = [bytes(255), bytes(256), bytes(1 << 20)]
    sending = threading.Thread(target=lambda: [send_waiting(push, body) for body in bodies], daemon=True)
    sending.start()
    assert [puller.recv() for _ in range(4)] == [b"first", *bodies]
    sending.join(20)
    assert not push.rest
    push.close()


def test_a_push_socket_finds_a_reader_that_begins_anew(endpoints: Endpoints, wait_until: WaitUntil) -> None:
    losses: list[str] = []
    push = PushSocket(endpoints.quotes, on_lost=lambda: losses.append("lost"))
    for _ in range(2):
        inbox = Inbox(endpoints.quotes, USUAL_WAIT_MS)

        def comes_through(inbox: Inbox = inbox) -> bool:
            push.send(b"here")
            return inbox.receive(1) == b"here"

        wait_until(comes_through)
        inbox.close()
    assert losses == ["lost"]
    push.close()


def test_a_push_socket_does_not_send_to_who_is_no_pull_socket(
    endpoints: Endpoints, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(endpoints.quotes))
        listener.listen()
        push = PushSocket(endpoints.quotes)
        assert not push.send(b"x")
        connection, _ = listener.accept()
        connection.sendall(hello(b"PUSH"))
        with caplog.at_level(logging.INFO):
            wait_until(lambda: push.send(b"x") or "expected the READY of a PULL socket" in caplog.text)
        assert connection.recv(1000) == hello(PUSH)
        connection.close()
        push.close()


def send_waiting(push: PushSocket, body: bytes) -> None:
    while not push.send(body):
        push.wait()
    while not push.flush():
        push.wait()
