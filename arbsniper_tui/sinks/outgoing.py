"""Signals and events on their way to Redis: the commands they become, and the bounded memory they wait in."""

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from typing import ClassVar, Generic, TypeVar, cast

import hiredis
from msgspec import Struct

from arbsniper_tui.sinks import keys

# hiredis' own stub allows commands of one word only.
pack_command = cast("Callable[[tuple[str | int | bytes, ...]], bytes]", hiredis.pack_command)


class Part(Enum):
    """What one command in flight is for; the value is what an error reply about it names."""

    SIGNAL = keys.SIGNALS_CHANNEL
    HISTORY = keys.HISTORY_KEY
    TRIM = f"trimming {keys.HISTORY_KEY}"
    EVENT = keys.EVENTS_CHANNEL
    STREAM = keys.STREAM_KEY
    PRICE = "prices"
    PING = "PING"


PING_COMMAND = pack_command(("PING",))
TRIM_COMMAND = pack_command(("ZREMRANGEBYRANK", keys.HISTORY_KEY, 0, -keys.HISTORY_LENGTH - 1))


@cache
def _publish_head(length: int) -> bytes:
    """All of a signal's PUBLISH before a payload of so many bytes. Kept, for there are few lengths, and
    making it anew costs some 10 us on the way of a signal, when the code for it is cold."""
    return pack_command(("PUBLISH", keys.SIGNALS_CHANNEL, b" " * length)).removesuffix(b" " * length + b"\r\n")


class OutgoingSignal(Struct, eq=False, gc=False):
    """A signal, and which of its commands have been written on the present connection."""

    publish_part: ClassVar = Part.SIGNAL
    store_part: ClassVar = Part.HISTORY

    number: int
    """Its place in the order of arrival at the sink."""
    payload: bytes
    timestamp_ms: int
    published: bool = False
    stored: bool = False

    def publish_command(self) -> bytes:
        return _publish_head(len(self.payload)) + self.payload + b"\r\n"

    def store_command(self) -> bytes:
        """Idempotent: the member is the payload itself."""
        return pack_command(("ZADD", keys.HISTORY_KEY, self.timestamp_ms, self.payload))


class OutgoingEvent(Struct, eq=False, gc=False):
    """An event, and which of its commands have been written on the present connection."""

    publish_part: ClassVar = Part.EVENT
    store_part: ClassVar = Part.STREAM

    number: int
    payload: bytes
    event: str
    published: bool = False
    stored: bool = False

    def publish_command(self) -> bytes:
        return pack_command(("PUBLISH", keys.EVENTS_CHANNEL, self.payload))

    def store_command(self) -> bytes:
        fields = ("event", self.event, "json", self.payload)
        limit = ("MAXLEN", "~", keys.STREAM_LENGTH)
        return pack_command(("XADD", keys.STREAM_KEY, *limit, "*", *fields))


Outgoing = OutgoingSignal | OutgoingEvent
InFlight = tuple[int, Outgoing | None, Part]
"""One command whose reply is awaited: when it was written in monotonic ns, for what, and which part of it."""


class Batch:
    """Commands that leave in one send, and the replies they will have."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._packed: list[bytes] = []
        self.in_flight: list[InFlight] = []

    def publish(self, outgoing: Outgoing) -> None:
        """Announce it on its channel, unless that is on its way already."""
        if not outgoing.published:
            outgoing.published = True
            self._packed.append(outgoing.publish_command())
            self.in_flight.append((self._now_ns, outgoing, outgoing.publish_part))

    def store(self, outgoing: Outgoing) -> None:
        """Keep it in the history or the stream, unless that is on its way already."""
        if not outgoing.stored:
            outgoing.stored = True
            self._packed.append(outgoing.store_command())
            self.in_flight.append((self._now_ns, outgoing, outgoing.store_part))

    def trim(self) -> None:
        """Cut the history to its length; once, after all that is added to it."""
        self._packed.append(TRIM_COMMAND)
        self.in_flight.append((self._now_ns, None, Part.TRIM))

    def store_price(self, key: str, payload: bytes) -> None:
        self._packed.append(pack_command(("SET", key, payload, "PX", keys.PRICE_TTL_MS)))
        self.in_flight.append((self._now_ns, None, Part.PRICE))

    def packed(self) -> bytes:
        return b"".join(self._packed)


def unwritten(in_flight: Iterable[InFlight]) -> list[Outgoing]:
    """Take back what was written and never answered, so that it is written again on the next connection."""
    taken_back: list[Outgoing] = []
    for _, outgoing, part in in_flight:
        if outgoing is None:
            continue
        if part in (Part.SIGNAL, Part.EVENT):
            outgoing.published = False
        else:
            outgoing.stored = False
        taken_back.append(outgoing)
    return taken_back


T = TypeVar("T", bound=Outgoing)


class Backlog(Generic[T]):
    """What waits in memory, in order of arrival; past `limit` the oldest goes, and is counted in `lost`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.waiting: deque[T] = deque()
        self.lost = 0

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, outgoing: T) -> None:
        self.waiting.append(outgoing)
        self._drop_oldest()

    def put_back(self, taken: list[T]) -> None:
        """Return what could not be delivered to its place in the order; what waits already is not doubled."""
        if not taken:
            return
        by_number = {outgoing.number: outgoing for outgoing in (*self.waiting, *taken)}
        self.waiting = deque(by_number[number] for number in sorted(by_number))
        self._drop_oldest()

    def take(self, most: int) -> list[T]:
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    def _drop_oldest(self) -> None:
        while len(self.waiting) > self._limit:
            self.waiting.popleft()
            self.lost += 1
