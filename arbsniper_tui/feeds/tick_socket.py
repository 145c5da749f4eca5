"""The socket that ticks from outside arrive on: PULL, as libzmq speaks it, so that any language can send."""

import fcntl
import sys
import termios
from contextlib import suppress
from pathlib import Path

import zmq
from zmq.utils.monitor import parse_monitor_message

from arbsniper_tui.runtime.private_socket import refuse_shared_folder, refuse_taken

LARGEST_BYTES = 1 << 18
"""Of one message; whoever sends a larger one is disconnected before it is read."""
MOST_HELD = 64
"""Messages of one sender that wait here; beyond them the sender waits, so that a flood takes 16 MiB at most."""
TICKS_AT_ONCE = 256
"""About a ms of work."""


def place_of(address: str, folder: Path) -> str:
    """The address with its whole path; one without a path is in `folder`."""
    kind, _, place = address.partition("://")
    return address if kind == "tcp" else f"ipc://{folder / place}"


class TickSocket:
    """Made anew for each attempt to listen."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", place: str) -> None:
        """Listen at `place`. Raises FolderError or ZMQError."""
        kind, _, path = place.partition("://")
        if kind == "ipc":
            refuse_shared_folder(Path(path))
            # libzmq deletes whatever stands at the path.
            refuse_taken(Path(path))
        self._pull = context.socket(zmq.PULL)
        self._pull.setsockopt(zmq.LINGER, 0)
        self._pull.setsockopt(zmq.RCVHWM, MOST_HELD)
        self._pull.setsockopt(zmq.MAXMSGSIZE, LARGEST_BYTES)
        self._senders: set[int] = set()
        self.accepted = 0
        """Connections since it listens."""
        self.ended = 0
        """Those that are over: the sender left, or its message was too large."""
        self._monitor = self._pull.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        try:
            self._pull.bind(place)
        except zmq.ZMQError:
            self.close()
            raise

    @property
    def senders(self) -> int:
        """Connections that stand."""
        return len(self._senders)

    def register(self, poller: zmq.Poller) -> None:
        for each in (self._pull, self._monitor):
            poller.register(each, zmq.POLLIN)

    def unregister(self, poller: zmq.Poller) -> None:
        for each in (self._pull, self._monitor):
            poller.unregister(each)

    def receive(self) -> bytes | None:
        """The next message that has arrived; None where there is none. The parts of one are messages by themselves."""
        try:
            return self._pull.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None

    @property
    def unread_bytes(self) -> int:
        """What waits in the kernel until libzmq's thread reads it."""
        total = 0
        for descriptor in self._senders:
            waiting = bytearray(4)
            with suppress(OSError):  # libzmq has closed it, and has not said so yet
                fcntl.ioctl(descriptor, termios.FIONREAD, waiting)
            total += int.from_bytes(waiting, sys.byteorder)
        return total

    def note_senders(self) -> bool:
        """Take in who has connected and disconnected. Whether anything changed."""
        before = self.accepted, self.ended
        while self._monitor.poll(0):
            event = parse_monitor_message(self._monitor.recv_multipart())
            descriptor = int(event["value"])
            if event["event"] == zmq.EVENT_ACCEPTED:
                self.accepted += 1
                self._senders.add(descriptor)
            elif descriptor in self._senders:
                self.ended += 1
                self._senders.discard(descriptor)
        return before != (self.accepted, self.ended)

    def close(self) -> None:
        self._pull.disable_monitor()
        self._pull.close(0)
