"""What the relay to a Redis Cluster is told when it starts, and the socket on which it hears the sink."""

import socket
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

_SOCKET = "relay.sock"


class RelayPlan(Struct, frozen=True):
    """All that it needs; it reads no settings of its own."""

    worker: str
    url: str
    """Of the Cluster."""
    listener: int
    """The descriptor of the listening socket: it belongs to the node, so that the address outlives the process."""
    deciding_cpu: int | None
    """Where the workers that decide run, and this one does not; None where they run anywhere."""


def relay_url(folder: Path) -> str:
    """Where the relay of the node with this folder answers, as a Redis would."""
    return f"unix://{quote(str(folder / _SOCKET))}"


def open_relay(folder: Path) -> socket.socket:
    """The socket that listens there."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / _SOCKET))
    listener.listen()
    return listener
