"""How old a read of a WebSocket is: it counts from the read, unless it may have waited longer."""

from collections.abc import Awaitable, Callable

from websocket_bench import Bench, pings

from arbsniper_tui.net.websocket import CROWDED_BYTES, WebSocket
from arbsniper_tui.runtime.clock import now_ns

Eventually = Callable[..., Awaitable[None]]


def answer(bench: Bench, wire: type, number: int = -1) -> bytes:
    """The pong to one of the pings sent so far."""
    return wire.frame(pings(bench.transport.written)[number], wire.PONG)


async def test_after_a_pause_of_the_process_it_counts_from_the_moment_before(open_bench: Bench, wire: type) -> None:
    before_ns = now_ns()
    open_bench.backlog.beat(before_ns)
    open_bench.backlog.late_ns = before_ns
    open_bench.receive(wire.frame(b"spike"), wire.frame(b"back"))
    assert open_bench.stamps == [before_ns, before_ns]
    assert open_bench.held == ["hold"]


async def test_the_answer_to_a_ping_sent_after_the_pause_ends_the_doubt(open_bench: Bench, wire: type) -> None:
    open_bench.socket.ping()
    since_ns = now_ns()
    open_bench.socket.doubt(since_ns)
    open_bench.receive(answer(open_bench, wire, 0) + wire.frame(b"old"))
    assert open_bench.stamps == [since_ns]
    open_bench.receive(answer(open_bench, wire) + wire.frame(b"behind the pong"))
    assert open_bench.stamps == [since_ns, since_ns]
    open_bench.receive(wire.frame(b"fresh"))
    assert open_bench.stamps[-1] == open_bench.socket.last_read_ns
    assert open_bench.socket.as_old_as_ns == 0


async def test_a_pong_says_nothing_of_the_frames_before_it_in_the_same_read(open_bench: Bench, wire: type) -> None:
    since_ns = now_ns()
    open_bench.socket.doubt(since_ns)
    open_bench.receive(wire.frame(b"old") + answer(open_bench, wire))
    assert open_bench.stamps == [since_ns]


async def test_where_the_venue_answers_no_ping_an_empty_socket_ends_the_doubt(open_bench: Bench, wire: type) -> None:
    open_bench.socket.doubt(now_ns())
    open_bench.socket.trust()
    assert open_bench.socket.as_old_as_ns == 0


async def test_where_it_does_an_empty_socket_proves_nothing(open_bench: Bench, wire: type) -> None:
    open_bench.socket.ping()
    open_bench.receive(answer(open_bench, wire))
    open_bench.socket.doubt(now_ns())
    open_bench.socket.trust()
    assert open_bench.socket.as_old_as_ns


async def test_while_a_pong_is_overdue_it_counts_from_the_last_ping_that_was_answered(wire: type) -> None:
    bench = Bench()
    bench.socket = WebSocket("ws://venue.example/", bench._take, bench.backlog, 0)
    bench.transport.written.clear()
    bench.socket.connection_made(bench.transport)  # type: ignore[arg-type]  # a noting stand-in
    request = bytes(bench.transport.written)
    bench.transport.written.clear()
    bench.receive(wire.accepted(request))
    bench.receive(wire.frame(b"nothing is known yet"))
    assert bench.stamps[-1] == bench.socket.last_read_ns
    bench.socket.ping()
    bench.receive(answer(bench, wire))
    answered_ns = bench.socket.answered_ns
    assert answered_ns is not None
    bench.receive(wire.frame(b"came after a long silence of the network"))
    assert bench.stamps[-1] == answered_ns
    assert len(pings(bench.transport.written)) == 2


async def test_a_pong_that_nobody_asked_for_proves_nothing(open_bench: Bench, wire: type) -> None:
    open_bench.socket.doubt(now_ns())
    open_bench.receive(wire.frame(b"", wire.PONG) + wire.frame(b"rtt", wire.PONG))
    assert open_bench.socket.as_old_as_ns and open_bench.socket.answered_ns is None


async def test_pings_that_are_never_answered_are_forgotten(open_bench: Bench) -> None:
    for _ in range(500):
        open_bench.socket.ping()
    assert len(open_bench.socket._pings) < 50


async def test_a_large_read_is_held_until_the_socket_is_empty(
    open_bench: Bench, wire: type, eventually: Eventually
) -> None:
    open_bench.receive(wire.frame(b"x" * CROWDED_BYTES))
    assert open_bench.held == ["hold"]
    await eventually(lambda: open_bench.held == ["hold", "let go"])
