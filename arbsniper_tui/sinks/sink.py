"""What a node asks of a sink, a place outside the node where its signals, events and prices go."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from arbsniper_tui.model.health import RedisHealth


class PastEvent(Struct, frozen=True):
    """An event that a process which died had written."""

    payload: bytes
    event: str
    """Its kind."""
    is_stored: bool
    """Whether that process knew that the sink's server has it."""
    signal: bytes = b""
    """The signal in it that belongs into the history too, or nothing."""
    timestamp_ms: int = 0
    """The signal's own."""


class Sink(Protocol):
    """Takes what a node announces, as JSON that is ready to send.

    The deciding loop calls every method, so none but `close` may wait. A sink keeps what it cannot deliver yet in
    bounded memory (`bounded_queue`), drops the oldest beyond that, and counts what is lost. `now_ns` is always of one
    monotonic clock. The callers know one sink: to write to several, put one in front that hands each call on to all.
    """

    @property
    def announces(self) -> bool:
        """Whether other programs can hear announcements here. False: only viewers learn of signals, from events."""

    @property
    def takes_prices(self) -> bool:
        """Whether a price handed over now would be stored. The caller makes none while it would not."""

    def announce(self, payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        """Send a signal to programs that trade on it. The journal calls this right after the decision, before anything
        else. `timestamp_ms` is the signal's own, ms since 1970. Returns whether the signal has left; one that has not
        waits in the sink."""

    def append_event(self, payload: bytes, event: str, now_ns: int) -> None:
        """Take the next event, to be sent with the next flush. The journal calls this in the order of the events'
        numbers; `event` is the kind of event."""

    def send_again(self, events: Sequence[PastEvent]) -> None:
        """Take what a process before this one had written, oldest first, before any event of this one: what its server
        does not have is sent, as it was."""

    @property
    def unconfirmed(self) -> int:
        """How many events, counted from the oldest that its server has not confirmed, were taken."""

    @property
    def events_lost(self) -> int:
        """Events that its server will not have: dropped from a full memory, or refused for good."""

    def store_price(self, exchange: str, symbol: str, payload: bytes, now_ns: int) -> None:
        """Take an instrument's newest price, to be stored with the next flush. A later price replaces it."""

    def store_node(self, node: str, payload: bytes, now_ns: int) -> None:
        """Take a node's newest word on itself, as `store_price` takes a price."""

    def flush(self) -> None:
        """Send what was taken since the last flush. The spread worker calls this while it waits for the next quote."""

    def pump(self, now_ns: int) -> None:
        """Read replies, connect again where that is due, and flush. The spread worker calls this every 20 ms."""

    def health(self) -> RedisHealth:
        """The state of the sink, what waits in it and what it has lost."""

    def change_max_signal_age(self, max_age_ms: float) -> None:
        """Announce what waits only while it is younger than this."""

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, for at most `timeout_s`, and close. The spread worker calls this once, as it ends."""


class NoSink:
    """The sink of a node that has none: takes everything and sends it nowhere."""

    announces = False
    takes_prices = False
    unconfirmed = 0
    events_lost = 0

    def __init__(self, health: RedisHealth) -> None:
        """`health` says why there is no sink."""
        self._health = health

    def announce(self, payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        return False

    def health(self) -> RedisHealth:
        return self._health

    def append_event(self, payload: bytes, event: str, now_ns: int) -> None: ...

    def send_again(self, events: Sequence[PastEvent]) -> None: ...

    def store_price(self, exchange: str, symbol: str, payload: bytes, now_ns: int) -> None: ...

    def store_node(self, node: str, payload: bytes, now_ns: int) -> None: ...

    def flush(self) -> None: ...

    def pump(self, now_ns: int) -> None: ...

    def change_max_signal_age(self, max_age_ms: float) -> None: ...

    def close(self, timeout_s: float) -> None: ...
