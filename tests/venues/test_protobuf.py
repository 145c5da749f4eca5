"""Protobuf by field numbers: every wire type is read or skipped, and lengths cannot lead the reader astray."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbsniper_tui.model.errors import BadFrame
from arbsniper_tui.venues.protobuf import read_fields

fuzzed = settings(max_examples=300, derandomize=True, deadline=None)
field_numbers = st.integers(1, 2**29 - 1)
int64s = st.integers(-(2**63), 2**63 - 1)


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def whole(field: int, number: int) -> bytes:
    return varint(field * 8) + varint(number % 2**64)


def part(field: int, held: bytes) -> bytes:
    return varint(field * 8 + 2) + varint(len(held)) + held


def group(field: int, held: bytes) -> bytes:
    return varint(field * 8 + 3) + held + varint(field * 8 + 4)


unread = st.recursive(
    st.one_of(
        st.builds(lambda field, held: varint(field * 8 + 1) + held, field_numbers, st.binary(min_size=8, max_size=8)),
        st.builds(lambda field, held: varint(field * 8 + 5) + held, field_numbers, st.binary(min_size=4, max_size=4)),
    ),
    lambda inner: st.builds(
        lambda field, fields, held: group(field, b"".join(fields) + part(1, held) + whole(2, 7)),
        field_numbers,
        st.lists(inner, max_size=3),
        st.binary(max_size=5),
    ),
)
read = st.one_of(
    st.tuples(field_numbers, st.binary(max_size=300)),
    st.tuples(field_numbers, int64s),
)


@fuzzed
@given(st.lists(st.tuples(read, unread), max_size=6))
def test_what_was_written_is_read_and_what_stands_between_is_skipped(
    fields: list[tuple[tuple[int, bytes | int], bytes]],
) -> None:
    message, parts, numbers = b"", dict[int, bytes](), dict[int, int]()
    for (field, value), between in fields:
        if isinstance(value, bytes):
            message += part(field, value) + between
            parts[field] = value
        else:
            message += whole(field, value) + between
            numbers[field] = value
    assert read_fields(message) == (parts, numbers)


def test_a_message_without_fields_is_one() -> None:
    assert read_fields(b"") == ({}, {})


@pytest.mark.parametrize(
    "message",
    [
        part(1, b"12345")[:-1],
        varint(1 * 8 + 2) + varint(2**63) + b"123",
        varint(1 * 8 + 2) + b"\xff" * 9 + b"\x01",
        varint(1 * 8 + 2) + b"\xff" * 30,
        varint(1 * 8 + 2),
        varint(1 * 8),
        varint(1 * 8) + b"\xff" * 9 + b"\x7f",
        varint(1 * 8 + 1) + b"1234567",
        varint(1 * 8 + 5) + b"123",
        varint(1 * 8 + 3),
        varint(1 * 8 + 3) + varint(2 * 8 + 4),
        varint(1 * 8 + 3) + varint(2 * 8 + 2) + varint(2**62),
        varint(1 * 8 + 3) * 100_000,
        varint(1 * 8 + 4),
        varint(1 * 8 + 6),
        varint(1 * 8 + 7) + b"1",
    ],
    ids=lambda message: message[:14].hex(),
)
def test_what_is_cut_short_or_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadFrame, match="expected a protobuf message .*, found "):
        read_fields(message)


@fuzzed
@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(message: bytes) -> None:
    try:
        parts, numbers = read_fields(message)
    except BadFrame:
        return
    assert sum(map(len, parts.values())) <= len(message)
    assert all(-(2**63) <= number < 2**63 for number in numbers.values())


@fuzzed
@given(st.data())
def test_a_message_that_is_cut_anywhere_in_its_last_field_is_refused(data: st.DataObject) -> None:
    message, last = part(1, b"BTCUSDT") + whole(6, 1785121200000), part(315, b"x" * 200)
    end = data.draw(st.integers(1, len(last) - 1))
    with pytest.raises(BadFrame):
        read_fields(message + last[:end])
