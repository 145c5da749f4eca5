"""What the API worker is told when it starts, and the socket that it answers on."""

import os
import socket

from msgspec import Struct

from arbsniper_tui.api.access import Access
from arbsniper_tui.model.errors import UsageError

BACKLOG = 256
"""Connections that wait while the process that answers is started again."""


class ApiPlan(Struct, frozen=True):
    """All that it needs; it reads no settings of its own."""

    worker: str
    folder: str
    """The node's, with its sockets."""
    listener: int
    """The descriptor of the listening socket: it belongs to the node, so that the address outlives the process."""
    access: Access
    deciding_cpu: int | None
    """Where the workers that decide run, and this one does not; None where they run anywhere."""


def open_listener(listen: str) -> socket.socket:
    """A socket that listens at `listen`, as `[api] listen` has it. Raises UsageError where it cannot."""
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=BACKLOG)
        # Its connections inherit it. asyncio sets it only on sockets that were made for IPPROTO_TCP by number, which
        # these are not; without it the second piece of an answer waits 40 ms for the first to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(
            f"api.listen: {listen} cannot be listened at ({why}): expected an address that is free, such as "
            "127.0.0.1:0 for any port"
        ) from None


def address_of(listener: socket.socket) -> str:
    """Host and port that it listens at, as they stand in a URL."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
