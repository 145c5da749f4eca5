"""A connection and those that follow it: a venue that ends each after a day gets the next one before it does."""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Any, Generic, Protocol, TypeVar

from arbsniper_tui.feeds.venue_limits import VenueLimits

_log = logging.getLogger(__name__)

EARLIEST, LATEST = 0.80, 0.97
"""A connection is replaced after this part of its life, at a moment of its own, so that not all are at once."""
READY_WITHIN_S = 30.0
"""A successor that has not all that its predecessor has by then takes over with what it has. It is given up where the
other one alone has heard something meanwhile."""
_LOOK_EVERY_S = 0.05
_RETRY_S = 10.0
"""From one attempt that failed to the next, twice as long each time ..."""
_LONGEST_RETRY_S = 300.0
"""... up to this."""


class Successor(Protocol):
    """What this module needs of a connection."""

    data_ns: int
    """When it heard something last; 0 before the first time."""

    async def run(self) -> str:
        """Live until the end; why it ended."""
        ...

    def close(self) -> None: ...

    def covers(self, other: Any) -> bool:
        """Whether it has said something of all that the other one serves."""
        ...

    def take_over(self, other: Any) -> None:
        """Pass on what it held back, and everything from now on."""
        ...


Link = TypeVar("Link", bound=Successor)


class Succession(Generic[Link]):
    """Never two of its connections speak at once: a successor is held back until it takes over."""

    def __init__(
        self,
        make: Callable[[bool], Link],
        limits: VenueLimits,
        lifetime_h: float | None,
        rng: Random | None = None,
    ) -> None:
        """`make` makes a connection, held back where it is given True."""
        self._make = make
        self._limits = limits
        self._lifetime_s = None if lifetime_h is None else lifetime_h * 3600.0
        self._rng = rng or Random()
        self._wanted = asyncio.Event()
        self._current: Link | None = None
        self._next: Link | None = None

    @property
    def connections(self) -> tuple[Link, ...]:
        """The one whose quotes count, and the one that is to take over."""
        return tuple(each for each in (self._current, self._next) if each is not None)

    def replace_soon(self) -> None:
        """The venue has announced that it ends the connection."""
        self._wanted.set()

    async def run(self) -> tuple[str, Link]:
        """Connect, and replace the connection in time, until one ends without a successor. Returns why it ended, and
        which it was."""
        connection = self._current = self._make(False)
        task = asyncio.create_task(connection.run())
        wait_s, retry_s = self._life_s(), _RETRY_S
        try:
            while await self._is_due(task, wait_s):
                prepared = await self._prepare(connection, task)
                if prepared is None:
                    wait_s, retry_s = retry_s, min(2 * retry_s, _LONGEST_RETRY_S)
                    continue
                successor, successor_task = prepared
                successor.take_over(connection)
                self._current, self._next = successor, None
                connection.close()
                await asyncio.wait((task,))
                task.result()  # raises what it ended with, where that was an error
                connection, task = successor, successor_task
                wait_s, retry_s = self._life_s(), _RETRY_S
            return task.result(), connection
        finally:
            for each in (self._current, self._next):
                if each is not None:
                    each.close()
            task.cancel()
            self._current = self._next = None

    def _life_s(self) -> float | None:
        return None if self._lifetime_s is None else self._lifetime_s * self._rng.uniform(EARLIEST, LATEST)

    async def _is_due(self, task: "asyncio.Task[str]", wait_s: float | None) -> bool:
        """Wait until a successor is due. False where the connection ended before."""
        wanted = asyncio.create_task(self._wanted.wait())
        try:
            await asyncio.wait((task, wanted), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wanted.cancel()
        self._wanted.clear()
        return not task.done()

    async def _prepare(self, connection: Link, task: "asyncio.Task[str]") -> tuple[Link, "asyncio.Task[str]"] | None:
        """Open a successor, and wait until it can take over. None where it cannot: the connection that is stays."""
        if not self._limits.claim():
            return None
        successor_task: asyncio.Task[str] | None = None
        try:
            await self._limits.admit()
            successor = self._next = self._make(True)
            heard_ns = connection.data_ns
            successor_task = asyncio.create_task(successor.run())
            left = round(READY_WITHIN_S / _LOOK_EVERY_S)
            while not successor_task.done() and not task.done() and not successor.covers(connection) and left:
                await asyncio.wait((task, successor_task), timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                left -= 1
            if successor_task.done():
                _log.warning("a connection that was to take over ended: %s", successor_task.result())
            elif successor.data_ns or task.done() or connection.data_ns == heard_ns:
                prepared = successor, successor_task
                successor_task = None  # it lives on
                return prepared
            else:
                _log.warning("a connection that was to take over heard nothing for %.0f s", READY_WITHIN_S)
                successor.close()
            self._next = None
            return None
        finally:
            self._limits.release()
            if successor_task is not None:
                successor_task.cancel()
