"""What waits in a worker's sockets: everything is held back until it has been read.

After a pause of the process (stopped, swapped out, blocked, or asleep with the machine) the sockets hold states that
are over. A large read has probably left newer states behind it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from arbsniper_tui.runtime.clock import PAUSED_NS, now_ns

_BEAT_EVERY_S = 0.1
HELD_AT_MOST_NS = 200_000_000
"""A socket that is never empty must not keep the others waiting."""


_LOOK_AGAIN_S = 0.02


class Socket(Protocol):
    """What is asked of a connection."""

    @property
    def unread_bytes(self) -> int: ...

    def doubt(self, since_ns: int) -> None: ...

    def trust(self) -> None: ...


class Backlog:
    """One for all connections of a worker. The reader of a socket compares the time with `late_ns` first: after a pause
    the loop may hand over what it had read before it lets a timer run."""

    def __init__(self, hold: Callable[[], None], let_go: Callable[[], None], clock: Callable[[], int] = now_ns) -> None:
        """`hold` keeps every state back, `let_go` sends the newest of each instrument, all together."""
        self._hold = hold
        self._let_go = let_go
        self._clock = clock
        self._sockets: set[Socket] = set()
        self._is_holding = False
        self._held_until_ns = 0
        self._last_ns = clock()
        self.late_ns = self._last_ns + PAUSED_NS
        """When the process has been still for too long."""

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self.beat(self._clock())
            await asyncio.sleep(_BEAT_EVERY_S)

    def add(self, socket: Socket) -> None:
        self._sockets.add(socket)

    def remove(self, socket: Socket) -> None:
        self._sockets.discard(socket)

    def beat(self, at_ns: int) -> None:
        """The process runs. After a pause, what is read counts as old as the moment before it."""
        since_ns, was_late = self._last_ns, at_ns > self.late_ns
        self._last_ns, self.late_ns = at_ns, at_ns + PAUSED_NS
        if was_late:
            for socket in self._sockets:
                socket.doubt(since_ns)
            self.crowd()

    def crowd(self) -> None:
        """More is probably waiting: hold everything back until each socket is empty."""
        if not self._is_holding:
            self._is_holding = True
            self._held_until_ns = self._clock() + HELD_AT_MOST_NS
            self._hold()
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Between two looks the loop reads what waits."""
        waiting = [socket for socket in self._sockets if socket.unread_bytes]
        if waiting and self._clock() < self._held_until_ns:
            asyncio.get_running_loop().call_soon(self._look)
            return
        for socket in self._sockets.difference(waiting):
            socket.trust()
        self._is_holding = False
        self._let_go()
        if waiting:
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look_again, set(waiting))

    def _look_again(self, full: set[Socket]) -> None:
        """A socket that was never empty while all were held is trusted when it is."""
        for socket in full.intersection(self._sockets):
            if not socket.unread_bytes:
                socket.trust()
                full.discard(socket)
        if full := full.intersection(self._sockets):
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look_again, full)
