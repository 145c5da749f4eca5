"""ZeroMQ's protocol as pure functions: whatever the pieces in which bytes arrive, the messages are the same."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbsniper_tui.model.errors import BadPeer
from arbsniper_tui.wire.zmtp import LARGEST_BYTES, PULL, PUSH, framed, hello, hello_length, split

READY_OF_LIBZMQ = b"\x04\x27\x05READY\x0bSocket-Type\x00\x00\x00\x04PULL\x08Identity\x00\x00\x00\x00"


@given(st.lists(st.binary(max_size=700), max_size=8), st.data())
def test_messages_survive_being_cut_anywhere(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(framed, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    found: deque[bytes] = deque()
    rest = b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        rest = split(rest + stream[start:end], found)
    assert list(found) == bodies
    assert rest == b""


@pytest.mark.parametrize(("size", "head"), [(255, b"\x00\xff"), (256, b"\x02" + (256).to_bytes(8, "big"))])
def test_a_short_frame_ends_at_255_bytes(size: int, head: bytes) -> None:
    assert framed(bytes(size)) == head + bytes(size)


def test_commands_between_messages_are_passed_over() -> None:
    found: deque[bytes] = deque()
    assert split(framed(b"a") + b"\x04\x05\x04PING" + framed(b"b"), found) == b""
    assert list(found) == [b"a", b"b"]


@pytest.mark.parametrize(
    "frame",
    [b"\x01\x01a", b"\x08\x01a", b"\x02" + (LARGEST_BYTES + 1).to_bytes(8, "big")],
    ids=["one of several frames", "an unknown flag", "too large"],
)
def test_a_frame_that_no_feed_sends_is_refused(frame: bytes) -> None:
    with pytest.raises(BadPeer, match="expected a message of one frame"):
        split(frame, deque())


def test_a_hello_is_known_once_it_is_whole() -> None:
    whole = hello(PUSH)
    assert [hello_length(whole[:n], PUSH) for n in range(1, len(whole))] == [0] * (len(whole) - 1)
    assert hello_length(whole + framed(b"first"), PUSH) == len(whole)


def test_more_properties_and_a_later_minor_version_are_no_fault() -> None:
    greeting = hello(PULL)[:11] + b"\x01" + hello(PULL)[12:64]
    assert hello_length(greeting + READY_OF_LIBZMQ, PULL) == 64 + len(READY_OF_LIBZMQ)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", "expected a ZeroMQ greeting"),
        (b"\xff" + bytes(9), "expected a ZeroMQ greeting"),
        (hello(PUSH)[:10] + b"\x01" + hello(PUSH)[11:], "expected ZMTP 3"),
        (hello(PUSH).replace(b"NULL", b"PLAIN", 1)[:66], "expected ZMTP 3"),
        (hello(b"PULL"), "expected the READY of a PUSH socket"),
        (hello(PUSH)[:64] + framed(b"at once"), "expected the READY of a PUSH socket"),
    ],
)
def test_who_does_not_speak_it_is_told_apart(received: bytes, expected: str) -> None:
    with pytest.raises(BadPeer, match=expected):
        hello_length(received, PUSH)
