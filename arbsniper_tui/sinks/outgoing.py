"""Signals and events on their way to Redis: the commands they become, and the bounded memory they wait in."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import cache
from typing import Generic, TypeVar, cast

import hiredis
from msgspec import Struct

from arbsniper_tui.sinks import keys

# hiredis' own stub allows commands of one word only.
pack_command = cast("Callable[[tuple[str | int | bytes, ...]], bytes]", hiredis.pack_command)


class Part(Enum):
    """What one command in flight is for; the value is what an error reply about it names."""

    SIGNAL = keys.SIGNALS_CHANNEL
    HISTORY = keys.HISTORY_KEY
    LATEST = f"reading {keys.HISTORY_KEY}"
    TRIM = f"trimming {keys.HISTORY_KEY}"
    EVENT = keys.EVENTS_CHANNEL
    STREAM = keys.STREAM_KEY
    PRICE = "prices"
    PING = "PING"


PING_COMMAND = pack_command(("PING",))


@cache
def _publish_head(length: int) -> bytes:
    """All of a signal's PUBLISH before a payload of so many bytes. Kept, for there are few lengths, and
    making it anew costs some 10 us on the way of a signal, when the code for it is cold."""
    return pack_command(("PUBLISH", keys.SIGNALS_CHANNEL, b" " * length)).removesuffix(b" " * length + b"\r\n")


class OutgoingSignal(Struct, eq=False, gc=False):
    """A signal, and when the sink took it."""

    number: int
    """Its place in the order of arrival at the sink."""
    payload: bytes
    timestamp_ms: int
    taken_ns: int
    """Monotonic: whether it is young enough for the channel does not depend on the wall clock."""
    is_lost: bool = False

    def publish_command(self) -> bytes:
        return _publish_head(len(self.payload)) + self.payload + b"\r\n"

    def store_command(self) -> bytes:
        """Idempotent: the member is the payload itself."""
        return pack_command(("ZADD", keys.HISTORY_KEY, self.timestamp_ms, self.payload))


class OutgoingEvent(Struct, eq=False, gc=False):
    """An event."""

    number: int
    payload: bytes
    event: str
    is_lost: bool = False

    def publish_command(self) -> bytes:
        return pack_command(("PUBLISH", keys.EVENTS_CHANNEL, self.payload))

    def store_command(self) -> bytes:
        fields = ("event", self.event, "json", self.payload)
        limit = ("MAXLEN", "~", keys.STREAM_LENGTH)
        return pack_command(("XADD", keys.STREAM_KEY, *limit, "*", *fields))


Outgoing = OutgoingSignal | OutgoingEvent
InFlight = tuple[int, Outgoing | None, Part]
"""One command whose reply is awaited: when it was written in monotonic ns, for what, and which part of it."""

T = TypeVar("T", bound=Outgoing)


class Backlog(Generic[T]):
    """What waits to be written as one kind of command, in order of arrival; past `limit` the oldest goes to `drop`."""

    def __init__(self, part: Part, pack: Callable[[T], bytes], limit: int, drop: Callable[[T], object]) -> None:
        self.part = part
        self.pack = pack
        self._limit = limit
        self._drop = drop
        self.waiting: deque[T] = deque()

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, outgoing: T) -> None:
        self.waiting.append(outgoing)
        if len(self.waiting) > self._limit:
            self._drop(self.waiting.popleft())

    def put_back(self, taken: Sequence[T]) -> None:
        """Return what was not delivered to its place in the order."""
        newest = max((outgoing.number for outgoing in taken), default=0)
        older = []
        while self.waiting and self.waiting[0].number < newest:
            older.append(self.waiting.popleft())
        self.waiting.extendleft(sorted((*taken, *older), key=_number, reverse=True))
        while len(self.waiting) > self._limit:
            self._drop(self.waiting.popleft())

    def take(self, most: int) -> list[T]:
        waiting = self.waiting
        if len(waiting) > most:
            return [waiting.popleft() for _ in range(most)]
        taken = list(waiting)
        waiting.clear()
        return taken


def _number(outgoing: Outgoing) -> int:
    return outgoing.number


def price_command(key: str, payload: bytes) -> bytes:
    return pack_command(("SET", key, payload, "PX", keys.PRICE_TTL_MS))


class Batch:
    """Commands that leave in one send, and the replies they will have."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._packed: list[bytes] = []
        self.in_flight: list[InFlight] = []

    def write(self, packed: bytes, part: Part, outgoing: Outgoing | None = None) -> None:
        self._packed.append(packed)
        self.in_flight.append((self._now_ns, outgoing, part))

    def write_all(self, backlog: Backlog[T], taken: Iterable[T]) -> None:
        """Write messages of a backlog, as its kind of command."""
        pack, part, now_ns = backlog.pack, backlog.part, self._now_ns
        for outgoing in taken:
            self._packed.append(pack(outgoing))
            self.in_flight.append((now_ns, outgoing, part))

    def packed(self) -> bytes:
        return b"".join(self._packed)
