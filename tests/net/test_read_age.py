"""How old a read of a WebSocket is: it counts from the read, unless it may have waited longer."""

from collections.abc import Awaitable, Callable

from websocket_stage import SocketStage, pings

from arbsniper_tui.net.websocket import CROWDED_BYTES, WebSocket
from arbsniper_tui.runtime.clock import now_ns

Eventually = Callable[..., Awaitable[None]]


def answer(stage: SocketStage, wire: type, number: int = -1) -> bytes:
    """The pong to one of the pings sent so far."""
    return wire.frame(pings(stage.transport.written)[number], wire.PONG)


async def test_after_a_pause_of_the_process_it_counts_from_the_moment_before(
    open_stage: SocketStage, wire: type
) -> None:
    before_ns = now_ns()
    open_stage.backlog.beat(before_ns)
    open_stage.backlog.late_ns = before_ns
    open_stage.receive(wire.frame(b"spike"), wire.frame(b"back"))
    assert open_stage.stamps == [before_ns, before_ns]
    assert open_stage.held == ["hold"]


async def test_the_answer_to_a_ping_sent_after_the_pause_ends_the_doubt(open_stage: SocketStage, wire: type) -> None:
    open_stage.socket.ping()
    since_ns = now_ns()
    open_stage.socket.doubt(since_ns)
    open_stage.receive(answer(open_stage, wire, 0) + wire.frame(b"old"))
    assert open_stage.stamps == [since_ns]
    open_stage.receive(answer(open_stage, wire) + wire.frame(b"behind the pong"))
    assert open_stage.stamps == [since_ns, since_ns]
    open_stage.receive(wire.frame(b"fresh"))
    assert open_stage.stamps[-1] == open_stage.socket.last_read_ns
    assert open_stage.socket.as_old_as_ns == 0


async def test_a_pong_says_nothing_of_the_frames_before_it_in_the_same_read(
    open_stage: SocketStage, wire: type
) -> None:
    since_ns = now_ns()
    open_stage.socket.doubt(since_ns)
    open_stage.receive(wire.frame(b"old") + answer(open_stage, wire))
    assert open_stage.stamps == [since_ns]


async def test_where_the_venue_answers_no_ping_an_empty_socket_ends_the_doubt(
    open_stage: SocketStage, wire: type
) -> None:
    open_stage.socket.doubt(now_ns())
    open_stage.socket.trust()
    assert open_stage.socket.as_old_as_ns == 0


async def test_where_it_does_an_empty_socket_proves_nothing(open_stage: SocketStage, wire: type) -> None:
    open_stage.socket.ping()
    open_stage.receive(answer(open_stage, wire))
    open_stage.socket.doubt(now_ns())
    open_stage.socket.trust()
    assert open_stage.socket.as_old_as_ns


async def test_while_a_pong_is_overdue_it_counts_from_the_last_ping_that_was_answered(wire: type) -> None:
    stage = SocketStage()
    stage.socket = WebSocket("ws://venue.example/", stage._take, stage.backlog, 0)
    stage.transport.written.clear()
    stage.socket.connection_made(stage.transport)  # type: ignore[arg-type]  # a noting stand-in
    request = bytes(stage.transport.written)
    stage.transport.written.clear()
    stage.receive(wire.accepted(request))
    stage.receive(wire.frame(b"nothing is known yet"))
    assert stage.stamps[-1] == stage.socket.last_read_ns
    stage.socket.ping()
    stage.receive(answer(stage, wire))
    answered_ns = stage.socket.answered_ns
    assert answered_ns is not None
    stage.receive(wire.frame(b"came after a long silence of the network"))
    assert stage.stamps[-1] == answered_ns
    assert len(pings(stage.transport.written)) == 2


async def test_a_pong_that_nobody_asked_for_proves_nothing(open_stage: SocketStage, wire: type) -> None:
    open_stage.socket.doubt(now_ns())
    open_stage.receive(wire.frame(b"", wire.PONG) + wire.frame(b"rtt", wire.PONG))
    assert open_stage.socket.as_old_as_ns and open_stage.socket.answered_ns is None


async def test_pings_that_are_never_answered_are_forgotten(open_stage: SocketStage) -> None:
    for _ in range(500):
        open_stage.socket.ping()
    assert len(open_stage.socket._pings) < 50


async def test_a_large_read_is_held_until_the_socket_is_empty(
    open_stage: SocketStage, wire: type, eventually: Eventually
) -> None:
    open_stage.receive(wire.frame(b"x" * CROWDED_BYTES))
    assert open_stage.held == ["hold"]
    await eventually(lambda: open_stage.held == ["hold", "let go"])
