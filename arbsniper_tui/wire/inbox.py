"""The spread worker's end of the bus: a PULL socket that waits in the kernel, without a thread of its own."""

import logging
import select
import socket
import struct
from collections import deque
from pathlib import Path

from arbsniper_tui.model.errors import BadPeer
from arbsniper_tui.wire.zmtp import PULL, PUSH, hello, hello_length, split

_log = logging.getLogger(__name__)

_READ_BYTES = 1 << 16


class _Peer:
    """One sender's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.has_said_hello = False
        self.rest = b""
        """The received part of an incomplete message."""

    def take(self, received: bytes, bodies: deque[bytes]) -> None:
        """Append the complete messages to `bodies`. Raises BadPeer."""
        if self.rest:
            received = self.rest + received
        if not self.has_said_hello:
            length = hello_length(received, PUSH)
            if not length:
                self.rest = received
                return
            self.has_said_hello = True
            received = received[length:]
        self.rest = split(received, bodies)


class Inbox:
    """Messages of all senders, each sender's in order. Call `admit` a few times a second."""

    def __init__(self, path: Path, usual_wait_ms: int) -> None:
        """`usual_wait_ms` is the cheapest wait: with one sender it takes a single system call."""
        path.unlink(missing_ok=True)  # a killed process leaves its socket
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.setblocking(False)  # the sender may disconnect before accept()
        self._arrivals = select.poll()
        self._arrivals.register(self._listener, select.POLLIN)
        self._all = select.poll()
        self._all.register(self._listener, select.POLLIN)
        self._peers: dict[int, _Peer] = {}
        self._sole: _Peer | None = None
        self._usual_wait_ms = usual_wait_ms
        self._timeout = struct.pack("ll", usual_wait_ms // 1000, usual_wait_ms % 1000 * 1000)  # a timeval
        self._bodies: deque[bytes] = deque()

    def receive(self, wait_ms: int) -> bytes | None:
        """The next message, or None when none arrives within `wait_ms`."""
        bodies = self._bodies
        if bodies:
            return bodies.popleft()
        sole = self._sole
        if sole is not None and wait_ms == self._usual_wait_ms:
            self._read(sole)
        else:
            self._read_any(wait_ms)
        return bodies.popleft() if bodies else None

    @property
    def has_more(self) -> bool:
        """Whether a message has been read and not returned yet."""
        return bool(self._bodies)

    @property
    def has_one_sender(self) -> bool:
        return self._sole is not None

    def receive_at_hand(self) -> bytes | None:
        """The next message that has been read already, without a system call; None where there is none."""
        return self._bodies.popleft() if self._bodies else None

    def admit(self) -> None:
        """Accept a new sender. `receive` does not notice one while it waits for the only sender."""
        if self._arrivals.poll(0):
            self._accept()

    def close(self) -> None:
        for peer in self._peers.values():
            peer.connection.close()
        self._listener.close()

    def _read_any(self, wait_ms: int) -> None:
        for descriptor, _ in self._all.poll(wait_ms):
            peer = self._peers.get(descriptor)
            if peer is None:
                self._accept()
            else:
                self._read(peer)

    def _read(self, peer: _Peer) -> None:
        try:
            received = peer.connection.recv(_READ_BYTES)
            if not received:
                self._close_peer(peer)
                return
            peer.take(received, self._bodies)
        except BlockingIOError:
            return  # SO_RCVTIMEO is over
        except (OSError, BadPeer) as error:
            _log.warning("the bus closes the connection of a sender: %s", error)
            self._close_peer(peer)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
            connection.setblocking(True)  # on some systems it inherits the listener's mode
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, self._timeout)
            connection.sendall(hello(PULL))
        except OSError as error:
            _log.warning("the bus could not accept a sender: %s", error)
            return
        self._peers[connection.fileno()] = _Peer(connection)
        self._all.register(connection, select.POLLIN)
        self._count_senders()

    def _close_peer(self, peer: _Peer) -> None:
        self._all.unregister(peer.connection)
        del self._peers[peer.connection.fileno()]
        peer.connection.close()
        self._count_senders()

    def _count_senders(self) -> None:
        self._sole = next(iter(self._peers.values())) if len(self._peers) == 1 else None
