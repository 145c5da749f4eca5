"""The worker of the demo: simulated venues on the sockets that the parent bound."""

import asyncio
import logging
import signal
import socket

import uvloop

from arbsniper_tui.sim.server import serve_venues
from arbsniper_tui.workers.plan import SimWorkerPlan
from arbsniper_tui.workers.process import LIFELINE, run_worker
from arbsniper_tui.workers.tasks import run_until


async def _serve(plan: SimWorkerPlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)
    sockets = {venue: socket.socket(fileno=descriptor) for venue, descriptor in plan.descriptors.items()}
    await run_until(stop, {"venues": serve_venues(plan.sim, sockets)})


def work(plan: SimWorkerPlan) -> None:
    """Serve until the parent says stop, or is gone."""
    # Its lines about each connection are about the simulation, not about the program.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    uvloop.run(_serve(plan))


if __name__ == "__main__":
    run_worker(SimWorkerPlan, work)
