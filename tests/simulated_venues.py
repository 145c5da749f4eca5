"""Simulated venues on a thread of their own, for tests of what does not run on a loop."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

from arbsniper_tui.sim.fault import FAULT_PATH, FaultKind
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.sim.server import Simulation
from arbsniper_tui.venues import VENUES


class SimulatedVenues:
    """Where they listen, and what makes them fail."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports

    def table(self, venue: str) -> str:
        """Its table in the settings, with a symbol of each of its markets."""
        listed = [each for each in list_instruments(SimPlan()) if (each.venue, each.base) == (venue, "BTC")]
        first = {each.market: each.symbol for each in reversed(listed)}
        here = f"127.0.0.1:{self._ports[venue]}"
        symbols = [first[declared.market] for declared in VENUES[venue].markets]
        return f"[venues.{venue}]\nws_url = 'ws://{here}'\nrest_url = 'http://{here}'\nsymbols = {symbols}\n"

    def fail(self, venue: str, kind: FaultKind, *symbols: str) -> None:
        query = "".join(f"&symbol={symbol}" for symbol in symbols)
        with urlopen(f"http://127.0.0.1:{self._ports[venue]}{FAULT_PATH}?kind={kind}{query}") as answer:
            assert answer.status == 200


@contextmanager
def simulated_venues(*venues: str) -> Iterator[SimulatedVenues]:
    """These venues, while the block runs."""
    listening = {venue: socket.create_server(("127.0.0.1", 0)) for venue in venues}
    ports = {venue: listener.getsockname()[1] for venue, listener in listening.items()}
    loop = asyncio.new_event_loop()
    serving = loop.create_task(Simulation(SimPlan(seed=7, venues=venues), listening).serve())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([serving])))
    thread.start()
    try:
        yield SimulatedVenues(ports)
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()
