"""The wire of protobuf, as far as frames of venues need it: fields by their numbers, without a schema.

https://protobuf.dev/programming-guides/encoding/
"""

from arbsniper_tui.venues.decoding import bad_frame

_VARINT, _EIGHT_BYTES, _LENGTH, _GROUP, _GROUP_END, _FOUR_BYTES = range(6)
"""Wire types: the low three bits of a tag. The rest of it is the number of the field."""
_LONGEST_VARINT = 10


def read_fields(message: bytes) -> tuple[dict[int, bytes], dict[int, int]]:
    """The texts, bytes and inner messages of a message by field number, and its whole numbers as int64.

    The last of a repeated field counts. Fields of other wire types are skipped, groups with all that they hold.
    Raises BadFrame for what is no message, or ends before it is complete.
    """
    parts: dict[int, bytes] = {}
    numbers: dict[int, int] = {}
    at, end = 0, len(message)
    try:
        while at < end:
            tag = message[at]
            at += 1
            if tag > 127:
                tag, at = _varint(message, at - 1)
            wire_type = tag & 7
            if wire_type == _LENGTH:
                size = message[at]
                at += 1
                if size > 127:
                    size, at = _varint(message, at - 1)
                parts[tag >> 3] = message[at : at + size]
                at += size
            elif wire_type == _VARINT:
                number, at = _varint(message, at)
                numbers[tag >> 3] = number if number < 2**63 else number - 2**64
            else:
                at = _end_of_field(message, at, tag)
    except (IndexError, ValueError) as error:
        raise bad_frame(message, f"a protobuf message ({error})") from error
    if at > end:
        raise bad_frame(message, f"a protobuf message of {at} bytes or more")
    return parts, numbers


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins here, and where it ends. Raises IndexError or ValueError."""
    number = shift = 0
    for place in range(at, at + _LONGEST_VARINT):
        byte = message[place]
        number |= (byte & 127) << shift
        if byte < 128:
            if number >> 64:
                break
            return number, place + 1
        shift += 7
    raise ValueError("a number has more than 64 bits")


def _end_of_field(message: bytes, at: int, tag: int) -> int:
    """Where a field ends whose value begins here; maybe behind the end of the message."""
    groups: list[int] = []
    while True:
        wire_type = tag & 7
        if wire_type == _VARINT:
            _, at = _varint(message, at)
        elif wire_type == _EIGHT_BYTES:
            at += 8
        elif wire_type == _FOUR_BYTES:
            at += 4
        elif wire_type == _LENGTH:
            size, at = _varint(message, at)
            at += size
        elif wire_type == _GROUP:
            groups.append(tag >> 3)
        elif wire_type == _GROUP_END and groups and groups[-1] == tag >> 3:
            groups.pop()
        else:
            raise ValueError(f"wire type {wire_type} where none may be")
        if not groups:
            return at
        tag, at = _varint(message, at)
