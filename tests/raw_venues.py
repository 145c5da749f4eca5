"""Venues on raw sockets in this process: they send what a test tells them to, when it tells them to."""

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from waiting import wait_until

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def framed(payload: bytes, opcode: int = TEXT) -> bytes:
    """An unmasked frame, as servers send them."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def accepted(request: bytes) -> bytes:
    """The answer to a WebSocket handshake."""
    key = next(
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    digest = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n"
    )


class RawVenue:
    """Accepts WebSockets, keeps what they send, answers pings, and serves REST paths from `rest`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.rest: dict[str, bytes | Callable[[], bytes]] = {}
        """Path without query -> JSON body, or what makes it; any other path is answered 404."""
        self.answered: list[str] = []
        """Every REST target that was asked for and answered."""
        self.heard: list[str] = []
        """Every text frame that came."""
        self.answers_pings = True
        self.targets: list[str] = []
        """The path and query of every WebSocket."""
        self.greeting: tuple[str, ...] = ()
        """Frames in one write with the answer to the handshake."""
        self.connections: list[socket.socket] = []
        """The newest last."""
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> "RawVenue":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no connection any more, and end those that there are. Once is enough."""
        if self._accepting.is_alive():
            # Closing alone would leave the thread in `accept`, on a descriptor whose number the next socket gets.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._accepting.join()
        self._listener.close()
        for connection in self.connections:
            connection.close()

    @property
    def table(self) -> str:
        """The lines of a settings table that point here."""
        return f'ws_url = "ws://127.0.0.1:{self.port}"\nrest_url = "http://127.0.0.1:{self.port}"\n'

    def send(self, *texts: str) -> None:
        """Send frames to the newest connection, all in one write; a feed that has hung up hears nothing."""
        with suppress(ConnectionError):
            self.connections[-1].sendall(b"".join(framed(text.encode()) for text in texts))

    def send_raw(self, data: bytes) -> None:
        self.connections[-1].sendall(data)

    def drop(self) -> None:
        """End the newest connection without a word."""
        self.connections[-1].shutdown(socket.SHUT_RDWR)

    def wait_for(self, condition: Callable[[], object]) -> None:
        wait_until(condition, lambda: f"heard {self.heard[-5:]}")

    def wait_for_subscription(self, count: int = 1) -> None:
        self.wait_for(lambda: len([text for text in self.heard if "ubscribe" in text or "SUBSCRIBE" in text]) >= count)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                if not (chunk := connection.recv(4096)):
                    return
                request += chunk
            target = request.split(b" ", 2)[1].decode()
            if b"sec-websocket-key" not in request.lower():
                self._answer(connection, target)
                return
            self.targets.append(target)
            greeting = b"".join(framed(text.encode()) for text in self.greeting)
            connection.sendall(accepted(request) + greeting)
            self.connections.append(connection)
            self._listen_to(connection)
        except OSError:
            return

    def _answer(self, connection: socket.socket, target: str) -> None:
        found = self.rest.get(target.partition("?")[0])
        status = b"404 Not Found" if found is None else b"200 OK"
        body = found() if callable(found) else found or b""
        head = b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
        connection.sendall(head + body)
        connection.close()
        self.answered.append(target)

    def _listen_to(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        while head := reader.read(2):
            size = head[1] & 0x7F
            if size == 126:
                size = int.from_bytes(reader.read(2), "big")
            mask = reader.read(4)
            body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(reader.read(size)))
            opcode = head[0] & 0xF
            if opcode == TEXT:
                self.heard.append(body.decode())
            elif opcode == PING and self.answers_pings:
                connection.sendall(framed(body, PONG))
            elif opcode == CLOSE:
                connection.sendall(framed(body, CLOSE))
                return


class RawBinance(RawVenue):
    """One symbol, BTCUSDT, on spot: frames carry no time."""

    def __init__(self) -> None:
        super().__init__()
        self._update = 0

    def quote(self, bid: float, ask: float, symbol: str = "BTCUSDT") -> str:
        self._update += 1
        return (
            f'{{"u":{self._update},"s":"{symbol}","b":"{bid:.2f}","B":"3.21000000","a":"{ask:.2f}","A":"4.06000000"}}'
        )


class RawKraken(RawVenue):
    """One symbol, BTC/USDT: frames carry the venue's time, which a test may set back."""

    def __init__(self) -> None:
        super().__init__()
        self.behind_s = 0.0

    def quote(self, bid: float, ask: float, symbol: str = "BTC/USDT") -> str:
        wall_s = time.time() - self.behind_s
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall_s)) + f".{int(wall_s % 1 * 1e6):06d}Z"
        top = {"symbol": symbol, "bid": bid, "bid_qty": 1.5, "ask": ask, "ask_qty": 2.5, "timestamp": stamp}
        return json.dumps({"channel": "ticker", "type": "update", "data": [top]})
