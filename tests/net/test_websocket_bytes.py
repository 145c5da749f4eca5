"""The client against bytes made by hand, cut wherever reads may cut them. No socket: a transport that notes."""

from collections.abc import Awaitable, Callable

import pytest
from websocket_stage import SocketStage, single_bytes, unmasked

from arbsniper_tui.model.errors import WebSocketError
from arbsniper_tui.net.websocket import MAX_FRAME, MAX_HANDSHAKE
from arbsniper_tui.runtime.clock import now_ns

Eventually = Callable[..., Awaitable[None]]


async def test_the_handshake_asks_for_the_path_and_the_host(stage: SocketStage) -> None:
    assert stage.request.startswith(b"GET /stream HTTP/1.1\r\n")
    assert b"Host: venue.example\r\n" in stage.request
    assert b"Sec-WebSocket-Extensions" not in stage.request
    assert not stage.socket.opened.done()


async def test_frames_arrive_whole_wherever_the_bytes_are_cut(wire: type) -> None:
    expected = [b"{}", b"", b"x" * 125, b"y" * 126, b"\x00\xff" * 70]
    stream = b"".join(wire.frame(payload) for payload in expected[:4]) + wire.frame(expected[4], wire.BINARY)
    for cut in range(len(stream) + 1):
        stage = SocketStage()
        stage.receive(wire.accepted(stage.request), stream[:cut], stream[cut:])
        assert stage.frames == expected, f"cut at byte {cut}"


async def test_a_handshake_may_be_cut_anywhere_and_bring_the_first_frames(wire: type) -> None:
    stage = SocketStage()
    length = len(wire.accepted(stage.request) + wire.frame(b"first"))
    for cut in range(1, length):
        stage = SocketStage()
        answer = wire.accepted(stage.request) + wire.frame(b"first")
        stage.receive(answer[:cut], answer[cut:])
        assert stage.socket.opened.done() and stage.frames == [b"first"], f"cut at byte {cut}"


async def test_one_byte_at_a_time_is_enough(wire: type) -> None:
    stage = SocketStage()
    stream = wire.accepted(stage.request) + wire.frame(b"a") + wire.frame(b"b" * 300) + wire.frame(b"c", wire.BINARY)
    stage.receive(*single_bytes(stream))
    assert stage.frames == [b"a", b"b" * 300, b"c"]
    assert stage.socket.received_bytes == len(stream)


async def test_all_frames_of_one_read_come_in_one_call_with_its_time(open_stage: SocketStage, wire: type) -> None:
    expected = [b"%d" % number for number in range(500)]
    before_ns = now_ns()
    open_stage.receive(b"".join(map(wire.frame, expected)))
    assert open_stage.reads == [expected]
    [stamp_ns] = open_stage.stamps
    assert before_ns <= stamp_ns <= now_ns()
    assert open_stage.socket.last_read_ns == stamp_ns


async def test_the_unfinished_end_of_a_read_comes_with_the_next(open_stage: SocketStage, wire: type) -> None:
    a, b, c = wire.frame(b"a" * 10), wire.frame(b"b" * 10), wire.frame(b"c" * 10)
    open_stage.receive(a + b[:5], b[5:] + c)
    assert open_stage.reads == [[b"a" * 10], [b"b" * 10, b"c" * 10]]


@pytest.mark.parametrize(("size", "length_bits"), [(125, 16), (5, 16), (126, 16), (65535, 16), (5, 64), (65536, 64)])
async def test_lengths_of_two_and_eight_bytes_are_read(
    open_stage: SocketStage, wire: type, size: int, length_bits: int
) -> None:
    payload = bytes(i % 251 for i in range(size))
    stream = wire.frame(payload, length_bits=length_bits) + wire.frame(b"next")
    for start in range(0, len(stream), 4099):
        open_stage.receive(stream[start : start + 4099])
    assert open_stage.frames == [payload, b"next"]


async def test_the_eight_byte_length_may_be_cut_anywhere(wire: type) -> None:
    stream = wire.frame(b"z" * 70_000)
    for cut in range(1, 14):
        stage = SocketStage()
        stage.receive(wire.accepted(stage.request), stream[:cut], stream[cut:])
        assert stage.frames == [b"z" * 70_000], f"cut at byte {cut}"


async def test_a_message_in_fragments_is_put_together_around_a_ping(open_stage: SocketStage, wire: type) -> None:
    stream = (
        wire.frame(b'{"a":', fin=False)
        + wire.frame(b"are you there", wire.PING)
        + wire.frame(b"1", wire.CONTINUED, fin=False)
        + wire.frame(b"}", wire.CONTINUED)
        + wire.frame(b"whole")
    )
    open_stage.receive(stream)
    assert open_stage.frames == [b'{"a":1}', b"whole"]
    assert list(unmasked(open_stage.transport.written)) == [(wire.PONG, b"are you there")]


async def test_fragments_may_come_in_reads_of_one_byte(open_stage: SocketStage, wire: type) -> None:
    stream = wire.frame(b"ab", fin=False) + wire.frame(b"!", wire.PING) + wire.frame(b"cd", wire.CONTINUED)
    open_stage.receive(*single_bytes(stream + stream))
    assert open_stage.frames == [b"abcd", b"abcd"]
    assert list(unmasked(open_stage.transport.written)) == [(wire.PONG, b"!")] * 2


async def test_each_ping_is_answered_with_its_own_words(open_stage: SocketStage, wire: type) -> None:
    open_stage.receive(wire.frame(b"1", wire.PING) + wire.frame(b"", wire.PING) + wire.frame(b"3", wire.PING))
    assert list(unmasked(open_stage.transport.written)) == [(wire.PONG, b"1"), (wire.PONG, b""), (wire.PONG, b"3")]
    assert not open_stage.frames


async def test_the_round_trip_is_measured_by_the_answer_to_our_ping(open_stage: SocketStage, wire: type) -> None:
    open_stage.receive(wire.frame(b"rtt", wire.PONG))
    assert open_stage.socket.rtt_ms is None
    sent_ns = now_ns()
    open_stage.socket.ping()
    [(opcode, payload)] = unmasked(open_stage.transport.written)
    assert opcode == wire.PING
    open_stage.receive(wire.frame(payload, wire.PONG))
    rtt_ms = open_stage.socket.rtt_ms
    assert rtt_ms is not None
    assert 0 <= rtt_ms <= (now_ns() - sent_ns) / 1e6


async def test_text_is_sent_masked(open_stage: SocketStage, wire: type) -> None:
    open_stage.socket.send('{"op":"subscribe"}')
    assert list(unmasked(open_stage.transport.written)) == [(wire.TEXT, b'{"op":"subscribe"}')]


@pytest.mark.parametrize(
    "bad",
    [
        b"\x81\x85aaaabbbbb",
        b"\x81\xfe\x00\x7eaaaa",
        b"\x82\x7f" + (MAX_FRAME + 1).to_bytes(8, "big"),
        b"\xc1\x02{}",
        b"\x83\x00",
        b"\x89\x7e\x00\x7e" + b"p" * 126,
        b"\x09\x00",
        b"\x80\x02{}",
        b"\x88\x01x",
    ],
    ids=[
        "masked",
        "masked and long",
        "too long",
        "reserved bit",
        "reserved opcode",
        "ping too long",
        "ping in fragments",
        "end of no message",
        "close without a code",
    ],
)
async def test_what_the_protocol_forbids_ends_the_connection_after_the_frames_before_it(
    open_stage: SocketStage, wire: type, bad: bytes
) -> None:
    open_stage.receive(wire.frame(b"good") + bad + wire.frame(b"never"))
    assert open_stage.frames == [b"good"]
    assert open_stage.why_closed.startswith("protocol error: ")
    assert open_stage.transport.ended == "aborted"


async def test_a_close_is_told_with_code_and_words_after_the_frames_before_it(
    open_stage: SocketStage, wire: type
) -> None:
    open_stage.receive(wire.frame(b"last") + wire.close(1012, "service restart") + wire.frame(b"never"))
    assert open_stage.frames == [b"last"]
    assert open_stage.why_closed == "the venue closed the connection: code 1012 service restart"
    [(opcode, payload)] = unmasked(open_stage.transport.written)
    assert (opcode, payload[:2]) == (wire.CLOSE, (1012).to_bytes(2, "big"))


async def test_an_end_without_a_close_is_told_as_such(open_stage: SocketStage) -> None:
    open_stage.socket.connection_lost(None)
    assert open_stage.why_closed == "the venue closed the connection"


async def test_a_broken_connection_is_told_in_the_systems_words(open_stage: SocketStage) -> None:
    open_stage.socket.connection_lost(ConnectionResetError("Connection reset by peer"))
    assert open_stage.why_closed == "Connection reset by peer"


async def test_what_is_sent_after_the_end_goes_nowhere(open_stage: SocketStage, wire: type) -> None:
    open_stage.receive(wire.close(1000))
    open_stage.transport.written.clear()
    open_stage.socket.send("too late")
    open_stage.socket.ping()
    open_stage.socket.close()
    assert not open_stage.transport.written


async def test_the_first_reason_for_the_end_stands(open_stage: SocketStage, wire: type) -> None:
    open_stage.socket.abort("no frame for 60 s")
    open_stage.receive(wire.close(1001, "bye"))
    open_stage.socket.connection_lost(None)
    assert open_stage.why_closed == "no frame for 60 s"


async def test_leaving_says_goodbye(open_stage: SocketStage, wire: type) -> None:
    open_stage.socket.close()
    [(opcode, payload)] = unmasked(open_stage.transport.written)
    assert (opcode, payload[:2]) == (wire.CLOSE, (1000).to_bytes(2, "big"))
    assert open_stage.transport.ended == "closed"
    assert open_stage.why_closed == "closed here"


REFUSALS = {
    "503": (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry", "HTTP 503 Service Unavailable"),
    "403": (b"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP 403 Forbidden"),
    "wrong key": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: bm90IHRoZSBrZXk=\r\n\r\n",
        "protocol error: ",
    ),
    "no upgrade": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "protocol error: "),
    "broken header": (b"HTTP/1.1 101 Switching Protocols\r\nno colon here\r\n\r\n", "protocol error: "),
    "not HTTP": (b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", "the handshake was answered"),
}


@pytest.mark.parametrize("how", REFUSALS)
async def test_a_handshake_that_fails_never_counts_as_open(stage: SocketStage, how: str) -> None:
    answer, words = REFUSALS[how]
    stage.receive(answer)
    with pytest.raises(WebSocketError, match=words):
        stage.socket.opened.result()
    assert words in stage.why_closed
    assert stage.transport.ended == "aborted"
    stage.transport.written.clear()
    stage.socket.send("subscribe")
    stage.socket.ping()
    assert not stage.transport.written


async def test_garbage_behind_a_good_handshake_ends_the_connection(stage: SocketStage, wire: type) -> None:
    stage.receive(wire.accepted(stage.request) + b"\xf1\xf2\xf3\xf4\xf5")
    assert stage.socket.opened.done()
    assert stage.why_closed.startswith("protocol error: ")
    assert not stage.frames


async def test_a_handshake_without_an_end_is_given_up_at_a_bound(stage: SocketStage) -> None:
    stage.receive(b"HTTP/1.1 101 Switching Protocols\r\n")
    for _ in range(MAX_HANDSHAKE // 1000 + 1):
        stage.receive(b"X-Filler: " + b"x" * 988 + b"\r\n")
    assert "no end of its header" in stage.why_closed
    assert stage.transport.ended == "aborted"


@pytest.mark.parametrize("cuts", [False, True], ids=["one read", "reads of one byte"])
async def test_a_whole_message_between_fragments_is_against_the_protocol(
    open_stage: SocketStage, wire: type, cuts: bool
) -> None:
    stream = wire.frame(b'{"a":', fin=False) + wire.frame(b"{}") + wire.frame(b"1}", wire.CONTINUED)
    open_stage.receive(*(single_bytes(stream) if cuts else (stream,)))
    assert open_stage.frames == []
    assert open_stage.why_closed.startswith("protocol error: ")
