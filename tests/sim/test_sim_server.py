"""Connections of a simulated venue, and their end."""

import asyncio
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.server import Simulation, open_venues

from .conftest import DEADLINE_S, Venues, listening
from .test_sim_faults import REQUESTS, TARGETS, quoted


async def test_frames_are_sent_at_once_and_not_held_for_the_next(venues: Venues) -> None:
    async with venues.client("okx", TARGETS["okx"]) as client:
        await client.send("ping")
        assert await client.text() == "pong"
        (connection,) = venues.sims["okx"]._subscribers
        assert connection.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_connection_that_ends_leaves_nothing_behind(venues: Venues) -> None:
    sim = venues.sims["binance"]
    async with venues.client("binance", "/ws") as client:
        await client.send(REQUESTS["binance"])
        await client.first(quoted)
        assert sim.connections == 1
    await venues.get("binance", "/api/v3/exchangeInfo")
    assert sim.connections == 0


async def test_closing_ends_also_what_waits_for_an_answer() -> None:
    listener = listening()
    port = listener.getsockname()[1]
    async with open_venues(SimPlan(venues=("okx",)), {"okx": listener}) as sims:
        sims["okx"].fault = Fault(FaultKind.SLOW)
        waiting = asyncio.ensure_future(connect(f"ws://127.0.0.1:{port}/ws/v5/public").__aenter__())
        _, half_open = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.wait({waiting}, timeout=0.2)
    with pytest.raises((InvalidStatus, ConnectionClosed, OSError, EOFError)):
        await asyncio.wait_for(waiting, DEADLINE_S)
    half_open.close()


async def test_serving_ends_when_it_is_cancelled_and_frees_the_port() -> None:
    listener = listening()
    port = listener.getsockname()[1]
    serving = asyncio.create_task(Simulation(SimPlan(venues=("okx",)), {"okx": listener}).serve())
    async with connect(f"ws://127.0.0.1:{port}/ws/v5/public") as connection:
        await connection.send("ping")
        assert await connection.recv() == "pong"
        serving.cancel()
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(OSError):
        await connect(f"ws://127.0.0.1:{port}/ws/v5/public")


async def test_a_venue_without_a_socket_is_named() -> None:
    with pytest.raises(UsageError, match="kraken"):
        Simulation(SimPlan(venues=("kraken",)), {})
