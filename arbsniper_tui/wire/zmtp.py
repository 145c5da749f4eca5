"""ZeroMQ's wire protocol for PUSH and PULL on one machine: ZMTP 3.0, no encryption, one frame a message.

libzmq's I/O threads would add two wake-ups to the path of every quote (docs/decisions/0005). A libzmq socket at the
other end sees no difference. https://rfc.zeromq.org/spec/23/
"""

from collections import deque

from arbsniper_tui.model.errors import BadPeer

PUSH, PULL = b"PUSH", b"PULL"

_SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
_MECHANISM = b"NULL".ljust(20, b"\0")
_GREETING = _SIGNATURE + b"\x03\x00" + _MECHANISM + bytes(32)
_READY = b"\x05READY"
_SOCKET_TYPE = b"\x0bSocket-Type"

_MORE, _LONG, _COMMAND = 1, 2, 4
_SHORT_HEADS = [bytes((0, size)) for size in range(256)]
_LONG_HEAD_BYTES = 9
LARGEST_BYTES = 1 << 26
"""The largest message accepted, far above any that a node sends, so that a foreign sender cannot use up the memory."""


def hello(socket_type: bytes) -> bytes:
    """What each side sends first: the greeting and its READY command."""
    ready = _READY + _SOCKET_TYPE + len(socket_type).to_bytes(4, "big") + socket_type
    return _GREETING + bytes((_COMMAND, len(ready))) + ready


def hello_length(received: bytes, expected_type: bytes) -> int:
    """The length of the other side's hello at the start of `received`; 0 while it is incomplete. Raises BadPeer."""
    if received[:1] != _SIGNATURE[:1] or (len(received) > 9 and received[9:10] != _SIGNATURE[9:]):
        raise BadPeer(f"expected a ZeroMQ greeting, found {received[:10]!r}")
    head = len(_GREETING)
    if len(received) < head + 2:
        return 0
    if received[10] < 3 or received[12:32] != _MECHANISM:
        raise BadPeer(f"expected ZMTP 3 without encryption, found {received[10:32]!r}")
    end = head + 2 + received[head + 1]
    if len(received) < end:
        return 0
    ready = received[head + 2 : end]
    told = _SOCKET_TYPE + len(expected_type).to_bytes(4, "big") + expected_type
    if received[head] != _COMMAND or not ready.startswith(_READY) or told not in ready:
        raise BadPeer(f"expected the READY of a {expected_type.decode()} socket, found {ready!r}")
    return end


def framed(body: bytes) -> bytes:
    """The bytes of a message on the wire."""
    size = len(body)
    if size < 256:
        return _SHORT_HEADS[size] + body
    return bytes((_LONG,)) + size.to_bytes(8, "big") + body


def split(received: bytes, bodies: deque[bytes]) -> bytes:
    """Append the complete messages in `received` to `bodies`. Returns the incomplete rest. Raises BadPeer."""
    at, end = 0, len(received)
    while end - at >= 2:
        flags = received[at]
        if flags & _LONG:
            first = at + _LONG_HEAD_BYTES
            if end < first:
                break
            size = int.from_bytes(received[at + 1 : first], "big")
        else:
            first, size = at + 2, received[at + 1]
        if flags & ~(_LONG | _COMMAND) or size > LARGEST_BYTES:
            raise BadPeer(f"expected a message of one frame, found flags {flags} and {size} bytes")
        if end - first < size:
            break
        at = first + size
        if not flags & _COMMAND:
            bodies.append(received[first:at])
    return received[at:] if at else received
