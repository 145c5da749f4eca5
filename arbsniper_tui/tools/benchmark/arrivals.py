"""A subscriber on a socket of its own, with nothing between the bytes and the clock."""

import re
import socket
import statistics
import threading
import time

from arbsniper_tui.sinks.redis_keys import SIGNALS_CHANNEL
from arbsniper_tui.tools.benchmark.report import Arrivals

_DETECTED = re.compile(rb'"detected_at":(\d+)')
_CONNECT_WITHIN_S = 2.0
_LOOK_EVERY_S = 0.1
_HALF_A_MS = 0.5


class Listener:
    """Listens to the signals of the Redis server on a Unix socket, from now on to `close`."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_CONNECT_WITHIN_S)
        self._socket.connect(path)
        self._socket.settimeout(_LOOK_EVERY_S)
        self._socket.sendall(f"SUBSCRIBE {SIGNALS_CHANNEL}\r\n".encode())
        self._late_ms: list[float] = []
        self._is_closing = False
        self._thread = threading.Thread(target=self._listen, name="arrivals", daemon=True)
        self._thread.start()

    def arrivals(self) -> Arrivals | None:
        """What came since the last call; None for nothing."""
        late_ms, self._late_ms = self._late_ms, []
        return summary(late_ms)

    def close(self) -> None:
        self._is_closing = True
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._is_closing:
            try:
                received = self._socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            now_ms = time.time_ns() / 1e6
            if not received:
                return
            # A message cut in two by the read is one less in some thousands.
            self._late_ms += [now_ms - int(found) for found in _DETECTED.findall(received)]


def summary(late_ms: list[float]) -> Arrivals | None:
    """Median and 99th percentile. A receipt is told in whole ms, rounded down: half of one is taken off."""
    if not late_ms:
        return None
    ordered = sorted(late_ms)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Arrivals(
        len(ordered),
        round(max(0.0, statistics.median(ordered) - _HALF_A_MS), 2),
        round(max(0.0, p99 - _HALF_A_MS), 2),
    )
