"""Connections without a network."""

import pytest
from websocket_bench import Bench


@pytest.fixture
async def bench() -> Bench:
    return Bench()


@pytest.fixture
async def open_bench(wire: type) -> Bench:
    bench = Bench()
    bench.receive(wire.accepted(bench.request))
    return bench
