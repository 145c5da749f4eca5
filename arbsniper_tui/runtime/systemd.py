"""What a program tells systemd that started it, over the socket of sd_notify(3). Nothing here waits for systemd."""

import os
import socket
import time
from collections.abc import Callable, MutableMapping


class Systemd:
    """The service manager that started this process; where none did, nothing is told.

    What its socket does not take is told again with the next call.
    """

    def __init__(self, environ: MutableMapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        """Takes systemd's variables out of `environ`: no process that is started later may speak for this one."""
        address = environ.pop("NOTIFY_SOCKET", "")
        watchdog_us = environ.pop("WATCHDOG_USEC", "")
        within_us = int(watchdog_us) if watchdog_us.isdecimal() else 0
        watched_pid = environ.pop("WATCHDOG_PID", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        is_watched = within_us > 0 and watched_pid in ("", str(os.getpid()))
        self._alive_every_s = within_us / 2e6 if is_watched else float("inf")
        self._clock = clock
        self._alive_s = clock() - self._alive_every_s if is_watched else clock()
        self._is_ready = False
        self._status = ""

    def tell(self, status: str, *, is_ready: bool) -> None:
        """Say that this process goes on, and in one line how it is: call a few times a second. Sends what is new, and
        a sign of life at half the time that systemd allows between two."""
        now_s = self._clock()
        is_first = is_ready and not self._is_ready
        is_due = now_s - self._alive_s >= self._alive_every_s
        is_new = status != self._status
        fields = (("READY=1", is_first), ("WATCHDOG=1", is_due), (f"STATUS={status}", is_new))
        if self._send(*(field for field, is_wanted in fields if is_wanted)):
            self._is_ready |= is_first
            self._status = status
            if is_due:
                self._alive_s = now_s

    def tell_stopping(self) -> None:
        """Say that this process is about to end."""
        self._send("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *fields: str) -> bool:
        """Whether they were sent, all in one datagram."""
        if self._socket is None or not fields:
            return False
        try:
            self._socket.sendto("\n".join(fields).encode(), self._address)
        except OSError:  # not read in time, or nobody is there any more
            return False
        return True
