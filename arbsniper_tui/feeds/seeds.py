"""The first states of quiet instruments, asked for by REST where a venue's stream says nothing until a change."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import Find, VenueAdapter

Seed = Callable[[Sequence[Instrument]], Awaitable[None]]
OnFault = Callable[[BaseException], None]
"""Called with an unexpected error."""


async def fetch_seeds(adapter: VenueAdapter, url: str, find: Find) -> Sequence[Quote]:
    """One GET for all instruments that `find` gives. Raises RestError and BadFrame.

    The answer may be as old as the call, and quotes of the stream may overtake it: the caller must compare.
    """
    return adapter.parse_seeds(await fetch(url), find)


class Seeding:
    """The requests of one connection that are under way."""

    def __init__(self, seed: Seed, on_fault: OnFault) -> None:
        self._seed = seed
        self._on_fault = on_fault
        self._tasks: set[asyncio.Future[None]] = set()

    def begin(self, instruments: Sequence[Instrument]) -> None:
        """Ask for these."""
        task = asyncio.ensure_future(self._seed(instruments))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def close(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()

    def _end(self, task: "asyncio.Future[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fault(error)
