"""One WebSocket whose peer is the test. No socket: a transport that notes."""

import socket
from collections.abc import Iterable, Iterator

from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.websocket import WebSocket

PONG_WITHIN_NS = 5_000_000_000
NEVER_NS = 1 << 62
_IDLE, _ = socket.socketpair()


class NotingTransport:
    """Keeps what is written, and ends as the event loop's transports do."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.ended = ""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return bool(self.ended)

    def get_extra_info(self, name: str) -> socket.socket:
        return self.peer

    @property
    def peer(self) -> socket.socket:
        """A socket on which nothing waits."""
        return _IDLE

    def abort(self) -> None:
        self.ended = self.ended or "aborted"

    def close(self) -> None:
        self.ended = self.ended or "closed"


class SocketStage:
    """One connection whose peer is the test."""

    def __init__(self) -> None:
        self.reads: list[list[bytes]] = []
        """The frames of each call back."""
        self.stamps: list[int] = []
        self.transport = NotingTransport()
        self.held: list[str] = []
        self.backlog = Backlog(lambda: self.held.append("hold"), lambda: self.held.append("let go"))
        # Only tests make pauses: that this process stands still for a moment is none.
        self.backlog.late_ns = NEVER_NS
        self.socket = WebSocket("ws://venue.example/stream", self._take, self.backlog, PONG_WITHIN_NS)
        self.backlog.add(self.socket)
        self.socket.connection_made(self.transport)  # type: ignore[arg-type]  # a noting stand-in
        self.request = bytes(self.transport.written)
        self.transport.written.clear()

    def _take(self, frames: list[bytes], ts_read_ns: int) -> None:
        self.reads.append(frames)
        self.stamps.append(ts_read_ns)

    def receive(self, *reads: bytes) -> None:
        for read in reads:
            self.socket.data_received(read)

    @property
    def frames(self) -> list[bytes]:
        return [frame for read in self.reads for frame in read]

    @property
    def why_closed(self) -> str:
        return self.socket.closed.result() if self.socket.closed.done() else ""


def unmasked(written: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of each short frame that the client wrote."""
    at = 0
    while at < len(written):
        opcode, length = written[at] & 0x0F, written[at + 1] & 0x7F
        assert written[at + 1] & 0x80, "a client masks what it sends"
        assert length < 126
        mask = written[at + 2 : at + 6]
        body = written[at + 6 : at + 6 + length]
        yield opcode, bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))
        at += 6 + length


def pings(written: bytes) -> list[bytes]:
    return [payload for opcode, payload in unmasked(written) if opcode == 0x9]


def single_bytes(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data)))
