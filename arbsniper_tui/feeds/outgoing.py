"""What a connection sends: no faster than the venue takes it, in order."""

import asyncio
from collections import deque

from arbsniper_tui.net.rate_limit import RateLimit
from arbsniper_tui.net.websocket import WebSocket
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.venues.requests import Rate

_KEPT_FREE = 1
"""Of what a venue takes in its time, for pongs, which the library sends by itself."""


class Outgoing:
    """Frames wait until there is a socket, and while the venue's limit is used up. Answers that a venue waits for, and
    pings, go at once, and count."""

    def __init__(self, rate: Rate | None) -> None:
        self._limit = RateLimit(max(1, rate.most - _KEPT_FREE), rate.within_s) if rate is not None else None
        self._waiting: deque[str] = deque()
        self._socket: WebSocket | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self, socket: WebSocket) -> None:
        """Send from now on, first what waits."""
        self._socket = socket
        self._flush()

    def close(self) -> None:
        """Send nothing more."""
        self._socket = None
        if self._timer is not None:
            self._timer.cancel()

    def send(self, *texts: str) -> None:
        """Send text frames in their turn."""
        self._waiting += texts
        if self._timer is None:
            self._flush()

    def reply(self, text: str) -> None:
        """Send a text frame before all that waits."""
        if self._socket is None:
            self._waiting.appendleft(text)
            return
        self._note()
        self._socket.send(text)

    def ping(self) -> None:
        """Send a ping."""
        if self._socket is not None:
            self._note()
            self._socket.ping()

    def _flush(self) -> None:
        self._timer = None
        while self._waiting and self._socket is not None:
            if self._limit is not None and (wait_s := self._limit.wait_s(now_ns() / 1e9)):
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._flush)
                return
            self._note()
            self._socket.send(self._waiting.popleft())

    def _note(self) -> None:
        if self._limit is not None:
            self._limit.note(now_ns() / 1e9)
