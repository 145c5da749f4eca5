"""A connection that never blocks, in plain TCP and in TLS."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.model.errors import LinkLost
from arbsniper_tui.sinks.link import SO_TIMESTAMPNS, RedisLink
from arbsniper_tui.sinks.open_socket import open_socket
from arbsniper_tui.sinks.outgoing import PING_COMMAND, CommandKind

from .conftest import MS, Peer

PING = (0, None, CommandKind.PING)


def receive_one(link: RedisLink) -> object:
    [(_, reply)] = wait_until(link.receive)
    return reply


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    return near, far


def test_nothing_arrived_is_no_reply_and_no_wait() -> None:
    peer = Peer()
    link = RedisLink(peer.sink_end)
    assert link.receive() == []
    link.close()
    peer.close()


def test_what_the_socket_does_not_take_is_kept_and_sent_later() -> None:
    peer = Peer(send_buffer_bytes=4096)
    link = RedisLink(peer.sink_end)
    ping_with_text = hiredis.pack_command(("PING", b"x" * 1_000_000))
    link.write(ping_with_text, [PING])
    assert 0 < len(link.unsent) < len(ping_with_text)
    commands = []
    for _ in range(10_000):
        commands += peer.commands()
        link.write_unsent()
    assert link.unsent == b""
    assert commands + peer.commands() == [[b"PING", b"x" * 1_000_000]]
    link.close()
    peer.close()


def test_a_reply_without_an_end_holds_nobody_up_and_fills_no_memory() -> None:
    near, far = tcp_pair()
    link = RedisLink(near)
    link.write(PING_COMMAND, [PING])
    is_over = threading.Event()

    def flood() -> None:
        far.sendall(b"+")
        with contextlib.suppress(OSError):
            while not is_over.is_set():
                far.sendall(b"a" * 65_536)

    flooding = threading.Thread(target=flood)
    flooding.start()
    read = 0
    with pytest.raises(LinkLost, match="its reply does not end"):
        while True:
            assert link.receive() == []
            read += 1
    assert read > 2, "in steps"
    is_over.set()
    link.close()
    flooding.join()
    far.close()


def test_replies_before_the_end_count_and_the_end_is_told_after() -> None:
    peer = Peer()
    link = RedisLink(peer.sink_end)
    link.write(PING_COMMAND * 2, [PING, PING])
    peer.commands()
    peer.answer(b"+PONG\r\n")
    peer.close()
    assert len(link.receive()) == 1
    with pytest.raises(LinkLost, match="closed by the server"):
        link.receive()
    assert len(link.in_flight) == 1
    link.close()


@pytest.mark.skipif(SO_TIMESTAMPNS is None, reason="only Linux stamps what TCP receives")
def test_the_kernel_says_how_long_a_reply_lay_unread() -> None:
    near, far = tcp_pair()
    link = RedisLink(near)
    unread_ms = 30

    def is_stamped() -> bool:
        link.write(PING_COMMAND, [PING])
        far.sendall(b"+PONG\r\n")
        time.sleep(unread_ms / 1000)  # this is what the kernel is to tell
        assert receive_one(link) == b"PONG"
        return bool(link.unread_ns)

    wait_until(is_stamped)
    assert link.unread_ns is not None and link.unread_ns >= (unread_ms - 5) * MS
    far.close()
    link.close()


def test_an_abort_resets_the_connection() -> None:
    near, far = tcp_pair()
    RedisLink(near).close(abort=True)
    with far, pytest.raises(ConnectionResetError):
        far.recv(1)


def answer_everything(listener: socket.socket, context: ssl.SSLContext) -> None:
    """One TLS connection; every command is answered with +PONG."""
    raw, _ = listener.accept()
    reader = hiredis.Reader()
    with context.wrap_socket(raw, server_side=True) as secured:
        while chunk := secured.recv(65_536):
            reader.feed(chunk)
            while reader.gets() is not False:
                secured.sendall(b"+PONG\r\n")


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer_everything, args=(listener, context), daemon=True)
        answering.start()
        yield listener.getsockname()[1]
        answering.join(DEADLINE_S)


def test_a_tls_link_does_not_block_either(tls_port: int) -> None:
    link = RedisLink(open_socket(f"rediss://127.0.0.1:{tls_port}?ssl_cert_reqs=none&ssl_check_hostname=no"))
    assert link.receive() == []
    link.write(PING_COMMAND, [PING])
    assert receive_one(link) == b"PONG"
    link.close()
