"""A Sentinel on loopback that says what a test wants, to each that asks for its masters."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

ENDLESS, DRIPPING, SILENT = "an endless line", "an endless line, a letter at a time", "nothing"
"""Answers that are no bytes."""
_PATIENCE_S = 0.2
_PIECE = b"a" * 65_536


class LyingSentinel:
    """Its `answer` may change at any time."""

    def __init__(self, answer: bytes | str) -> None:
        self.answer = answer
        self.asked = 0
        """How often it was asked for its masters."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self._is_over.is_set():
            taken, _ = self._listener.accept()
            self._threads.append(threading.Thread(target=self._serve, args=(taken,)))
            self._threads[-1].start()

    def _serve(self, taken: socket.socket) -> None:
        taken.settimeout(_PATIENCE_S)
        with taken:
            while not self._is_over.is_set():
                try:
                    if not (commands := taken.recv(65_536)):
                        return
                    if b"MASTERS" not in commands.upper():
                        taken.sendall(b"+OK\r\n" * commands.count(b"*"))
                        continue
                    self.asked += 1
                    self._say(taken, self.answer)
                except TimeoutError:
                    continue
                except OSError:
                    return

    def _say(self, taken: socket.socket, answer: bytes | str) -> None:
        if isinstance(answer, bytes):
            taken.sendall(answer)
        elif answer != SILENT:
            taken.sendall(b"+")
            say_on = partial(taken.sendall, _PIECE if answer == ENDLESS else b"a")
            while not self._is_over.is_set():
                say_on()
                if answer == DRIPPING:
                    self._is_over.wait(_PATIENCE_S)

    def close(self) -> None:
        self._is_over.set()
        with socket.create_connection(("127.0.0.1", self.port)):  # so that it accepts no more
            self._threads[0].join()
        self._listener.close()
        for each in self._threads:
            each.join()


@contextmanager
def lying(answer: bytes | str) -> Iterator[LyingSentinel]:
    sentinel = LyingSentinel(answer)
    try:
        yield sentinel
    finally:
        sentinel.close()


def naming(port: int | str, host: str = "127.0.0.1", flags: str = "master") -> bytes:
    """The answer of a Sentinel that names this master."""
    state = {"name": "mymaster", "ip": host, "port": str(port), "flags": flags, "num-other-sentinels": "2"}
    words = [word.encode() for pair in state.items() for word in pair]
    return b"*1\r\n*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
