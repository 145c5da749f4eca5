"""The worker of the demo: simulated venues on the sockets that the parent bound."""

import asyncio
import logging
import signal
import socket

import uvloop

from arbsniper_tui.sim.server import serve_venues
from arbsniper_tui.workers.plan import SimWorkerPlan
from arbsniper_tui.workers.process import LIFELINE, run_worker


async def _serve(plan: SimWorkerPlan) -> None:
    loop = asyncio.get_running_loop()
    sockets = {venue: socket.socket(fileno=descriptor) for venue, descriptor in plan.descriptors.items()}
    serving = asyncio.create_task(serve_venues(plan.sim, sockets))
    loop.add_signal_handler(signal.SIGTERM, serving.cancel)
    loop.add_reader(LIFELINE, serving.cancel)
    await asyncio.wait((serving,))
    if not serving.cancelled():
        serving.result()


def work(plan: SimWorkerPlan) -> None:
    """Serve until the parent says stop, or is gone."""
    # Its lines about each connection are about the simulation, not about the program.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    uvloop.run(_serve(plan))


if __name__ == "__main__":
    run_worker(SimWorkerPlan, work)
