"""Opens the simulated venues of a plan and lets their shared market run."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from socket import socket

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.sim.dialect import Moment
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import DIALECTS, SIMULATED, list_instruments
from arbsniper_tui.sim.truth import Truth
from arbsniper_tui.sim.venue import VenueSim
from arbsniper_tui.sim.venue_chaos import OnStruck, Struck, VenueChaos

_log = logging.getLogger(__name__)

_SHORTEST_PAUSE_S = 0.004
"""Changes closer together than this share one wake-up."""
_LONGEST_PAUSE_S = 0.05


def _log_struck(struck: Struck) -> None:
    """Single frames are too many for the log."""
    if struck.instrument_id is None:
        lasts_s, amount = struck.lasts_s, f" by {struck.amount_s:+.1f} s" if struck.amount_s else ""
        _log.info("%s: %s%s%s", struck.venue, struck.kind, amount, f" for {lasts_s:.1f} s" if lasts_s else "")


class Simulation:
    """The venues of a plan and the market that they share."""

    def __init__(self, plan: SimPlan, sockets: Mapping[str, socket], on_struck: OnStruck = _log_struck) -> None:
        """`sockets` holds one bound, listening socket for each of the plan's venues; `on_struck` is told what goes
        wrong by chance. Raises UsageError for a venue without a simulation or without a socket."""
        instruments = list_instruments(plan)
        venues = plan.venues or SIMULATED
        for venue in venues:
            if venue not in sockets:
                raise UsageError(f"venue {venue!r}: expected a listening socket, found none")
        self.truth = Truth(instruments)
        """Kept where something goes wrong by chance."""
        # Numbers that frames carry never go back, also when the simulation is started anew.
        first_serial = time.time_ns() // 1_000_000
        self._walk = MarketWalk(
            instruments, plan.seed, plan.frames_per_s, first_serial, self.truth.note if plan.chaos else None
        )
        self._sockets = sockets
        self._chaos = {venue: VenueChaos(venue, plan.chaos_at(venue), plan.chaos_seed, on_struck) for venue in venues}
        self.sims = {
            venue: VenueSim(DIALECTS[venue](instruments, self._top), self._walk, self._chaos[venue]) for venue in venues
        }

    async def serve(self) -> None:
        """Until cancelled."""
        async with self._listening():
            await self._run()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The same while the block runs."""
        async with self._listening():
            running = asyncio.create_task(self._run(), name="simulated market")
            try:
                yield
            finally:
                running.cancel()
                await asyncio.wait([running])
        if not running.cancelled():
            await running

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        try:
            for venue, sim in self.sims.items():
                await sim.open(self._sockets[venue])
            yield
        finally:
            await asyncio.gather(*(sim.close() for sim in self.sims.values()))

    async def _run(self) -> None:
        walk, sims = self._walk, self.sims
        by_instrument = {instrument.id: sims[instrument.venue] for instrument in walk.instruments}
        while True:
            now = Moment.now()
            for top in walk.advance(now.mono_ns):
                by_instrument[top.instrument_id].publish(top, now)
            for sim in sims.values():
                sim.tick(now)
            dues = [walk.next_due_ns, *(sim.batch_due_ns for sim in sims.values())]
            due_ns = min((due for due in dues if due is not None), default=now.mono_ns + NS_PER_S)
            await asyncio.sleep(min(max((due_ns - now.mono_ns) / NS_PER_S, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S))

    def _top(self, instrument_id: int, now: Moment) -> Top:
        """What the venue of an instrument shows."""
        top = self._walk.top(instrument_id, now.mono_ns)
        return self._chaos[self._walk.instruments[instrument_id].venue].seen(top)


@asynccontextmanager
async def open_venues(plan: SimPlan, sockets: Mapping[str, socket]) -> AsyncIterator[dict[str, VenueSim]]:
    """The venues inside a running program, by id, while the block runs, so that faults can be set. Raises UsageError
    as `Simulation` does."""
    simulation = Simulation(plan, sockets)
    async with simulation.running():
        yield simulation.sims
