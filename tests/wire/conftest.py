"""Where sockets meet, and a context that is gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from arbsniper_tui.wire.endpoints import Endpoints


@pytest.fixture
def endpoints(short_folder: Path) -> Endpoints:
    return Endpoints(short_folder)


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    context = zmq.Context()
    yield context
    # Closes what a failed test left open.
    context.destroy(linger=0)
