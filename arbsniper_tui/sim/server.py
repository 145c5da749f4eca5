"""Opens the simulated venues of a plan and lets their shared market run."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from socket import socket

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.sim.dialect import Moment
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import DIALECTS, SIMULATED, list_instruments
from arbsniper_tui.sim.venue import VenueSim

_SHORTEST_PAUSE_S = 0.004
"""Changes closer together than this share one wake-up."""
_LONGEST_PAUSE_S = 0.05


async def serve_venues(plan: SimPlan, sockets: Mapping[str, socket]) -> None:
    """Serve until cancelled. `sockets` holds one bound, listening socket for each of the plan's venues.

    Raises UsageError for a venue without a simulation or without a socket.
    """
    walk, sims = _build(plan, sockets)
    async with _listening(sims, sockets):
        await _run(walk, sims)


@asynccontextmanager
async def open_venues(plan: SimPlan, sockets: Mapping[str, socket]) -> AsyncIterator[dict[str, VenueSim]]:
    """The same inside a running program: the venues by id while the block runs, so that faults can be set."""
    walk, sims = _build(plan, sockets)
    async with _listening(sims, sockets):
        running = asyncio.create_task(_run(walk, sims), name="simulated market")
        try:
            yield sims
        finally:
            running.cancel()
            await asyncio.wait([running])
    if not running.cancelled():
        await running


def _build(plan: SimPlan, sockets: Mapping[str, socket]) -> tuple[MarketWalk, dict[str, VenueSim]]:
    instruments = list_instruments(plan)
    venues = plan.venues or SIMULATED
    for venue in venues:
        if venue not in sockets:
            raise UsageError(f"venue {venue!r}: expected a listening socket, found none")
    # Numbers that frames carry never go back, also when the simulation is started anew.
    first_serial = time.time_ns() // 1_000_000
    walk = MarketWalk(instruments, plan.seed, plan.frames_per_s, first_serial)

    def top(instrument_id: int, now: Moment) -> Top:
        return walk.top(instrument_id, now.mono_ns)

    return walk, {venue: VenueSim(DIALECTS[venue](instruments, top), walk) for venue in venues}


@asynccontextmanager
async def _listening(sims: Mapping[str, VenueSim], sockets: Mapping[str, socket]) -> AsyncIterator[None]:
    try:
        for venue, sim in sims.items():
            await sim.open(sockets[venue])
        yield
    finally:
        await asyncio.gather(*(sim.close() for sim in sims.values()))


async def _run(walk: MarketWalk, sims: Mapping[str, VenueSim]) -> None:
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
