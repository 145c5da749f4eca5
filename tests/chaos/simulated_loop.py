"""An event loop on a jumping clock, whose connections stay inside the process: real sockets, without a network."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from virtual_time import VirtualLoop


class SimulatedLoop(VirtualLoop):
    """Who connects to a port that this loop listens on gets one end of a socket pair, and its server the other."""

    def __init__(self) -> None:
        super().__init__()
        self._listening: dict[int, Callable[[], asyncio.BaseProtocol]] = {}

    async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> asyncio.Server:
        self._listening[options["sock"].getsockname()[1]] = protocol_factory
        return await super().create_server(protocol_factory, *args, **options)

    async def create_connection(  # type: ignore[override]  # the overloads of the base class are one here
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[asyncio.Transport, Any]:
        near, far = socket.socketpair()
        await self.connect_accepted_socket(self._listening[port], far)
        return await super().create_connection(protocol_factory, sock=near)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """At once: the clock would jump while a thread works."""
        done = self.create_future()
        done.set_result(func(*args))
        return done
