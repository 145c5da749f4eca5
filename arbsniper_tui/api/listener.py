"""The socket that takes in connections, and closes at once those of a client that has too many: uvicorn's own limit
knows no clients, and looks only when a request is whole.
"""

import os
import socket
from typing import Any

from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.rate_limits import client_of


class CountedListener(socket.socket):
    """A listening socket as asyncio uses it, whose connections the crowd counts by address, from before TLS begins."""

    def __init__(self, listener: socket.socket, crowd: Crowd) -> None:
        """Shares the port with `listener`, which stays open."""
        super().__init__(fileno=os.dup(listener.fileno()))
        self._crowd = crowd

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises ConnectionAbortedError for one that was closed, as the system does for one that has left: asyncio then
        takes the next."""
        connection, address = super().accept()
        if self._crowd.takes_in(connection, client_of({"client": address})):
            return connection, address
        connection.close()
        raise ConnectionAbortedError
