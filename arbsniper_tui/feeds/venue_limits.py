"""What one host of a venue takes from this machine: new connections, and connections at once, of all markets there."""

import asyncio
import time
from collections.abc import Callable

from arbsniper_tui.net.rate_limit import RateLimit
from arbsniper_tui.venues.requests import Limits

_SPARE = 0.9
"""The part of a venue's rate that is used: other programs of the same address may connect too."""


class VenueLimits:
    """Shared by all connections to one host."""

    def __init__(self, limits: Limits, most: int | None = None, clock_s: Callable[[], float] = time.monotonic) -> None:
        rate = limits.connects
        self._clock_s = clock_s
        self._connects = RateLimit(max(1, int(rate.most * _SPARE)), rate.within_s) if rate is not None else None
        self._turn = asyncio.Lock()
        self.most = most
        """Connections at once; None: as many as needed."""
        self.claimed = 0
        """Connections that feeds hold or will open."""

    def claim(self) -> bool:
        """Count one connection more; False where the venue takes no more."""
        if self.most is not None and self.claimed >= self.most:
            return False
        self.claimed += 1
        return True

    def release(self) -> None:
        """A connection that was claimed is not needed any more."""
        self.claimed -= 1

    @property
    def wait_s(self) -> float:
        """How long the next connection waits; 0 where it may be opened now."""
        return 0.0 if self._connects is None else self._connects.wait_s(self._clock_s())

    async def admit(self) -> None:
        """Wait until the venue takes a new connection, each in its turn, and count it."""
        if self._connects is None:
            return
        async with self._turn:
            # No other takes a turn meanwhile, so that one wait is enough.
            await asyncio.sleep(self.wait_s)
            self._connects.note(self._clock_s())
