"""Connections without a network."""

import pytest
from websocket_stage import SocketStage


@pytest.fixture
async def stage() -> SocketStage:
    return SocketStage()


@pytest.fixture
async def open_stage(wire: type) -> SocketStage:
    stage = SocketStage()
    stage.receive(wire.accepted(stage.request))
    return stage
