"""Serves the simulated venues of a demo on the sockets that the parent bound, until the parent says stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import Coroutine

import uvloop

from arbsniper_tui.runtime.process import LIFELINE
from arbsniper_tui.runtime.tasks import run_until
from arbsniper_tui.sim.plan import SimWorkerPlan
from arbsniper_tui.sim.server import Simulation
from arbsniper_tui.sim.truth import answer_claims


async def _serve(plan: SimWorkerPlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)
    sockets = {venue: socket.socket(fileno=descriptor) for venue, descriptor in plan.descriptors.items()}
    simulation = Simulation(plan.sim, sockets)
    works: dict[str, Coroutine[object, object, None]] = {"venues": simulation.serve()}
    if plan.truth >= 0:
        works["truth"] = answer_claims(simulation.truth, socket.socket(fileno=plan.truth))
    await run_until(stop, works)


def work(plan: SimWorkerPlan) -> None:
    """Serve until the parent says stop, or dies."""
    # Its lines about connections concern the simulation, not the program.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    uvloop.run(_serve(plan))
