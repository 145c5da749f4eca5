"""Between connections that carry slow facts and the bus: the newest of each kind, in small parts."""

import asyncio
from collections.abc import Collection, Sequence

from arbsniper_tui.feeds.outlet import Outlet
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal

FACTS_AT_ONCE = 20
"""Facts of one message, so that the process that decides has little to read between two quotes."""


class FactOutlet:
    """Keeps the newest fact of each kind and instrument until `flush` sends it: streams tell marks several times a
    second. What else a connection says is for the quotes' connections to tell."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._newest: dict[tuple[int, type[Fact]], tuple[int, Fact]] = {}

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        self._newest |= {(fact.instrument_id, type(fact)): (at_ns, fact) for fact in facts}

    async def flush(self) -> None:
        """Send what came since the last call. Quotes that wait to be read go in between."""
        timed, self._newest = list(self._newest.values()), {}
        for start in range(0, len(timed), FACTS_AT_ONCE):
            part = timed[start : start + FACTS_AT_ONCE]
            self._outlet.facts([fact for _, fact in part], min(at_ns for at_ns, _ in part))
            await asyncio.sleep(0)

    def forget(self, instrument_ids: Collection[int]) -> None:
        """Send nothing more of these."""
        self._newest = {key: timed for key, timed in self._newest.items() if key[0] not in instrument_ids}

    def health_changed(self) -> None:
        self._outlet.health_changed()

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        return

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        return

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        return
