"""Connections of a simulated venue whose bytes wait on their way, in their order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from websockets.asyncio.server import ServerConnection


def late_connections(late_s: Callable[[], float]) -> type[ServerConnection]:
    """The class of connections that hold back what they write for as long as `late_s` says at that moment."""

    class LateConnection(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            late = LateTransport(cast(asyncio.Transport, transport), late_s)
            super().connection_made(cast(asyncio.BaseTransport, late))

    return LateConnection


class LateTransport:
    """A transport before which bytes wait. What was written later never overtakes."""

    def __init__(self, transport: asyncio.Transport, late_s: Callable[[], float]) -> None:
        self._transport = transport
        self._late_s = late_s
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Callable[[], None]] = deque()
        self._last_due_s = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._pass(lambda: self._transport.write(data))

    def write_eof(self) -> None:
        self._pass(self._transport.write_eof)

    def close(self) -> None:
        self._pass(self._transport.close)

    def _pass(self, deed: Callable[[], None]) -> None:
        late_s = self._late_s()
        if not self._waiting and not late_s:
            deed()
            return
        self._waiting.append(deed)
        self._last_due_s = max(self._last_due_s, self._loop.time() + late_s)
        self._loop.call_at(self._last_due_s, self._do_next)

    def _do_next(self) -> None:
        deed = self._waiting.popleft()
        if not self._transport.is_closing():
            deed()
