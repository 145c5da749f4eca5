"""Signals and events on their way to Redis, and the commands that they become."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeVar, cast

import hiredis
from msgspec import Struct

from arbsniper_tui.sinks import redis_keys
from arbsniper_tui.sinks.bounded_queue import BoundedQueue

# hiredis' own stub allows commands of one word only.
pack_command = cast("Callable[[tuple[str | int | bytes, ...]], bytes]", hiredis.pack_command)


class CommandKind(Enum):
    """What one command in flight is for. The value names it in messages about an error reply."""

    SIGNAL = redis_keys.SIGNALS_CHANNEL
    HISTORY = redis_keys.HISTORY_KEY
    LATEST = f"reading {redis_keys.HISTORY_KEY}"
    CHECK = f"reading {redis_keys.STREAM_KEY}"
    TRIM = f"trimming {redis_keys.HISTORY_KEY}"
    EVENT = redis_keys.EVENTS_CHANNEL
    STREAM = redis_keys.STREAM_KEY
    STATE = "prices"
    """Prices, and what the node says of itself: strings that expire, each replaced by the next."""
    PING = "PING"


PING_COMMAND = pack_command(("PING",))


class OutgoingSignal(Struct, eq=False, gc=False):
    """A signal that the sink has taken."""

    number: int
    """Its place in the order of arrival at the sink."""
    payload: bytes
    timestamp_ms: int
    taken_ns: int
    """Monotonic, so that a step of the wall clock does not change whether it is young enough for the channel."""
    is_lost: bool = False

    def publish_command(self) -> bytes:
        return pack_command(("PUBLISH", redis_keys.SIGNALS_CHANNEL, self.payload))

    def store_command(self) -> bytes:
        """Idempotent: the member is the payload itself."""
        return pack_command(("ZADD", redis_keys.HISTORY_KEY, self.timestamp_ms, self.payload))


class OutgoingEvent(Struct, eq=False, gc=False):
    """An event that the sink has taken."""

    number: int
    """Its place in the order of arrival at the sink."""
    payload: bytes
    event: str
    ordinal: int
    """Its place among the events alone."""
    is_stored: bool = False
    """Whether a server has confirmed that it is in the stream."""
    is_lost: bool = False

    def publish_command(self) -> bytes:
        return pack_command(("PUBLISH", redis_keys.EVENTS_CHANNEL, self.payload))

    def store_command(self) -> bytes:
        fields = ("event", self.event, "json", self.payload)
        limit = ("MAXLEN", "~", redis_keys.STREAM_LENGTH)
        return pack_command(("XADD", redis_keys.STREAM_KEY, *limit, "*", *fields))


Outgoing = OutgoingSignal | OutgoingEvent
InFlight = tuple[int, Outgoing | None, CommandKind]
"""One command whose reply is awaited: when it was written in monotonic ns, for which message, and its kind."""

T = TypeVar("T", bound=Outgoing)


class RedisQueue(BoundedQueue[T]):
    """The messages that wait to be written as one kind of command."""

    def __init__(
        self, kind: CommandKind, pack: Callable[[T], bytes], limit: int, on_drop: Callable[[T], object]
    ) -> None:
        super().__init__(limit, on_drop)
        self.kind = kind
        self.pack = pack


def state_command(key: str, payload: bytes, ttl_ms: int) -> bytes:
    return pack_command(("SET", key, payload, "PX", ttl_ms))


class Batch:
    """Commands that leave in one send, and the replies they will have."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._packed: list[bytes] = []
        self.in_flight: list[InFlight] = []

    def write(self, packed: bytes, kind: CommandKind, outgoing: Outgoing | None = None) -> None:
        self._packed.append(packed)
        self.in_flight.append((self._now_ns, outgoing, kind))

    def write_all(self, queue: RedisQueue[T], taken: Iterable[T]) -> None:
        """Write messages of a queue as its kind of command."""
        for outgoing in taken:
            self.write(queue.pack(outgoing), queue.kind, outgoing)

    def packed(self) -> bytes:
        return b"".join(self._packed)
