"""The socket of ticks from outside, with real senders."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from tick_sender import TickSender
from waiting import wait_until

from arbsniper_tui.feeds.tick_socket import LARGEST_BYTES, TickSocket, place_of
from arbsniper_tui.model.errors import FolderError


@pytest.fixture
def context() -> Iterator["zmq.Context[zmq.Socket[bytes]]"]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield context
    context.destroy(linger=0)


def test_a_place_is_the_address_or_a_socket_in_the_nodes_folder() -> None:
    folder = Path("/run/node-1")
    assert place_of("ipc://ticks.sock", folder) == "ipc:///run/node-1/ticks.sock"
    assert place_of("ipc:///home/me/t/s", folder) == "ipc:///home/me/t/s"
    assert place_of("tcp://127.0.0.1:5555", folder) == "tcp://127.0.0.1:5555"


def test_a_port_that_is_taken_is_refused_with_the_systems_words(context: "zmq.Context[zmq.Socket[bytes]]") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(zmq.ZMQError, match="Address already in use"):
            TickSocket(context, place)
    TickSocket(context, place).close()


def test_a_file_at_the_path_is_not_deleted(context: "zmq.Context[zmq.Socket[bytes]]", short_folder: Path) -> None:
    (short_folder / "s").write_text("letters")
    with pytest.raises(FolderError, match="left alone"):
        TickSocket(context, f"ipc://{short_folder}/s")
    assert (short_folder / "s").read_text() == "letters"


def test_senders_are_counted_as_they_come_and_go(context: "zmq.Context[zmq.Socket[bytes]]", short_folder: Path) -> None:
    listening = TickSocket(context, f"ipc://{short_folder}/s")
    senders = [TickSender(f"ipc://{short_folder}/s") for _ in range(2)]
    wait_until(lambda: (listening.note_senders(), listening.senders == 2)[1])
    senders.pop().close()
    wait_until(lambda: (listening.note_senders(), listening.senders == 1)[1])
    assert (listening.accepted, listening.ended) == (2, 1)
    senders[0].send_bytes(b"x" * LARGEST_BYTES)
    assert len(wait_until(listening.receive)) == LARGEST_BYTES
    senders[0].send_bytes(b"x" * (LARGEST_BYTES + 1))
    wait_until(lambda: (listening.note_senders(), listening.ended == 2)[1])
    senders[0].send_bytes(b"small")
    assert wait_until(listening.receive) == b"small"
    senders[0].close()
    listening.close()
