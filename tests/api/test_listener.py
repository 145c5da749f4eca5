"""The socket that the API answers on."""

import socket

from waiting import DEADLINE_S

from arbsniper_tui.api.plan import open_listener


def test_no_piece_of_an_answer_waits_for_the_one_before_to_be_acknowledged() -> None:
    with (
        open_listener("127.0.0.1:0") as listener,
        socket.create_connection(listener.getsockname(), DEADLINE_S),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
