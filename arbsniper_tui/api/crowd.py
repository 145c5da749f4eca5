"""The connections to the API: how many there may be, how many of one client, and how long one may sit there without
asking or reading.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Set
from typing import Any, Protocol

from arbsniper_tui.api.rate_limits import share_of

MOST_CONNECTIONS = 500
TOLD_AT_ONCE = 50
"""So many connections of one client above its share are taken in, so that their requests are answered why not."""
SILENT_S = 30.0
SWEEP_EVERY_S = 1.0


class Connection(Protocol):
    """What is used of the server's connections."""

    transport: Any
    """Such as asyncio's."""
    cycle: Any
    """The request that is answered, or was last; another one with each request, None before the first."""


class Crowd:
    """Closes connections: those that begin no request for `silent_s`, whatever they send or do not read meanwhile, and
    the most silent where there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, silent_s: float = SILENT_S) -> None:
        self._clock = clock
        self._silent_s = silent_s
        self._connections: Set[Connection] = frozenset()
        self._since: dict[Connection, tuple[Any, float]] = {}
        """What each connection was last seen at, and since when."""
        self._held: dict[str, list[socket.socket]] = {}
        """The connections that were taken in, by client; some of them may be closed by now."""

    def watch(self, connections: Set[Any]) -> None:
        """Look after these from now on: the server's own set, which changes."""
        self._connections = connections

    @property
    def size(self) -> int:
        """The connections that are open."""
        return len(self._connections)

    @property
    def is_too_large(self) -> bool:
        """Whether a request has to be refused until the next sweep."""
        return self.size > MOST_CONNECTIONS

    def takes_in(self, connection: socket.socket, client: str) -> bool:
        """Whether this client may have this connection too, which then counts until it is closed."""
        if self._holds_more(client, share_of(MOST_CONNECTIONS, client) + TOLD_AT_ONCE - 1):
            return False
        self._held.setdefault(client, []).append(connection)
        return True

    def is_too_much_of(self, client: str) -> bool:
        """Whether this client has more than its share of the connections."""
        return self._holds_more(client, share_of(MOST_CONNECTIONS, client))

    def _holds_more(self, client: str, most: int) -> bool:
        if len(self._held.get(client, ())) > most:
            self._held[client] = _open(self._held[client])
        return len(self._held.get(client, ())) > most

    def sweep(self) -> None:
        """Call each second."""
        self._held = {client: held for client, each in self._held.items() if (held := _open(each))}
        now_s = self._clock()
        before, self._since = self._since, {}
        for each in self._connections:
            at, since_s = before.get(each, (None, now_s))
            self._since[each] = (each.cycle, since_s if at is each.cycle else now_s)
        too_many = len(self._since) - MOST_CONNECTIONS
        by_silence = sorted(self._since, key=lambda each: self._since[each][1])
        for number, each in enumerate(by_silence):
            if number < too_many or now_s - self._since[each][1] > self._silent_s:
                each.transport.abort()

    async def keep_sweeping(self, every_s: float = SWEEP_EVERY_S) -> None:
        """For ever."""
        while True:
            self.sweep()
            await asyncio.sleep(every_s)


def _open(connections: list[socket.socket]) -> list[socket.socket]:
    return [each for each in connections if each.fileno() >= 0]
