"""What the wires of all simulated venues have in common: answers to requests, frames of quotes, upkeep."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import ClassVar, NamedTuple

import msgspec
from msgspec import Struct

from arbsniper_tui.sim.instruments import SimInstrument
from arbsniper_tui.sim.market import Top
from arbsniper_tui.sim.slow_facts import SlowFacts, slow_facts


class Moment(NamedTuple):
    """The current time on two clocks: monotonic for spans, wall for the times in frames."""

    mono_ns: int
    wall_ns: int

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.monotonic_ns(), time.time_ns())

    @property
    def wall_ms(self) -> int:
        return self.wall_ns // 1_000_000

    @property
    def rfc3339(self) -> str:
        """UTC with microseconds."""
        seconds, rest_ns = divmod(self.wall_ns, 1_000_000_000)
        return f"{_second_text(seconds)}.{rest_ns // 1000:06d}Z"


@lru_cache(maxsize=4)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Topic(NamedTuple):
    """What one subscription is for."""

    instrument_id: int
    channel: str


@dataclass(slots=True)
class Subscriber:
    """One WebSocket connection, as far as the venue's rules look at it."""

    target: str
    """The path and query it connected to."""
    opened: Moment
    topics: dict[Topic, None] = field(default_factory=dict)
    """In the order of subscription."""
    heard_ns: int = 0
    """When it last sent something, monotonic."""
    told_ns: int = 0
    """When the venue last sent it something, monotonic."""
    beat_ns: int = 0
    """When its last heartbeat was sent, monotonic."""
    breach: "Closing | None" = None
    """Why the venue ends it, after a request that the venue does not forgive."""
    beat_every_ns: int = 0
    """How often it asked for heartbeats; 0 where it did not ask."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What its handshake carried."""
    answered_ns: int = 0
    """When it last answered a heartbeat, monotonic."""
    is_admitted: bool = False
    """It has said what the venue wants to hear before it takes subscriptions."""


class Allowance(NamedTuple):
    """So many at most within so long."""

    most: int
    within_s: float


class LinkRules(Struct, frozen=True):
    """The limits of a venue for one connection."""

    ping_interval_s: float | None = None
    """WebSocket pings that the venue sends."""
    ping_timeout_s: float | None = None
    requests: Allowance | None = None
    """More than these end the connection."""
    connects: Allowance | None = None
    """More new connections than these, of all together, are refused with HTTP 429."""
    connections: int | None = None
    """More than these at once, of all together, are refused in the same way."""
    lifetime_s: float | None = None
    """The venue ends the connection after this."""


class Closing(NamedTuple):
    """Why the venue ends a connection."""

    code: int
    reason: str


Frame = str | bytes
"""Sent as a text frame, or as a binary one."""


class Shown(NamedTuple):
    """A best bid and ask as the venue writes them."""

    bid: str
    bid_size: str
    ask: str
    ask_size: str


class Flaw(Enum):
    """What can be wrong with a frame."""

    CUT = 0
    SHAPE = 1
    NAN = 2
    NEGATIVE = 3
    CROSSED = 4


WRONG_SHAPES = ("[]", "null", '{"data":[[]],"arg":7}', '"?"', '{"type":"l2update","changes":[["buy"]]}')
_RULES = LinkRules()


class Dialect(ABC):
    """One venue's wire, without its sockets."""

    venue: ClassVar[str]
    channels: ClassVar[tuple[str, ...]]
    """Those that carry quotes."""
    stream_path: ClassVar[str] = ""
    """Where a WebSocket may be opened."""
    list_paths: ClassVar[tuple[str, ...]]
    """Where REST answers with lists of instruments."""
    state_prefix: ClassVar[str] = ""
    """What the first state of an instrument begins with, where a subscription is answered with one."""
    batch_ns: ClassVar[int] = 0
    """Changes go out together this often; 0: each at once."""
    fact_channels: ClassVar[tuple[str, ...]] = ()
    """Those that carry funding, mark and open interest, sent every `fact_every_s`."""
    fact_every_s: ClassVar[float] = 3.0
    weight: ClassVar[float] = 1.0
    """How often its quotes change, next to those of other venues."""
    usual_spread: ClassVar[float] = 0.1e-4
    """A usual spread as a fraction of the price, for a large coin."""

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        """`top` tells the best bid and ask in force by the id of an instrument."""
        self.instruments = tuple(instrument for instrument in instruments if instrument.venue == self.venue)
        self._by_symbol = {instrument.venue_symbol: instrument for instrument in self.instruments}
        self._top = top

    @classmethod
    @abstractmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        """What the venue lists of these coins."""

    @abstractmethod
    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        """Take a request in: the frames that answer it. Changes the subscriber's topics."""

    @abstractmethod
    def render(self, instrument: SimInstrument, top: Top, channel: str, now: Moment) -> Frame:
        """The frame for a change; empty where the subscribers need not know."""

    @abstractmethod
    def spoil(self, instrument: SimInstrument, top: Top, channel: str, flaw: Flaw, now: Moment) -> Sequence[Frame]:
        """A frame with something wrong, and what undoes it where the next good frame would not."""

    @abstractmethod
    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        """The list of instruments on this path, `halted` symbols as not trading, in JSON."""

    @abstractmethod
    def closed_body(self, path: str) -> str:
        """What stands in place of the list while the venue is in maintenance, in JSON."""

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        """The body of a REST answer; None where there is no such path."""
        path, _, query = target.partition("?")
        return self.list_body(path, query, halted) if path in self.list_paths else None

    def maintenance(self, target: str, now: Moment) -> str | None:
        """The body of a REST answer while the venue is in maintenance; None where there is no such path."""
        path = target.partition("?")[0]
        return self.closed_body(path) if path in self.list_paths else None

    def is_stream(self, target: str) -> bool:
        """Whether a WebSocket may be opened on this path."""
        return target.partition("?")[0] == self.stream_path

    def rules(self, target: str) -> LinkRules:
        """What holds for a connection on this path."""
        return _RULES

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> Frame:
        """The frame of what the venue says of a perpetual beside its quotes, on one of its `fact_channels`."""
        return ""

    def facts(self, instrument: SimInstrument, now: Moment) -> SlowFacts:
        """What holds for a perpetual now."""
        return slow_facts(instrument, self._top(instrument.id, now), now.wall_ms)

    def greet(self, subscriber: Subscriber, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        """What a new connection is told before it asks."""
        return []

    def is_state(self, frame: Frame) -> bool:
        """Whether a frame that answers a subscription is the first state of an instrument."""
        return isinstance(frame, str) and bool(self.state_prefix) and frame.startswith(self.state_prefix)

    def is_about(self, frame: Frame, symbol: str) -> bool:
        """Whether the first state of an instrument is of this one, by the venue's name for it."""
        text = frame if isinstance(frame, str) else frame.decode("latin-1")
        return f'"{symbol}"' in text

    def is_ping(self, request: str) -> bool:
        """Whether a request asks if the venue is there, or answers its heartbeat: taken while all else stalls."""
        return False

    def upkeep(self, subscriber: Subscriber, now: Moment) -> Sequence[Frame]:
        """What a connection is told because time has passed, such as a heartbeat; asked four times a second."""
        return []

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        """Why a connection ends because time has passed."""
        return None

    def batch_ns_of(self, instrument: SimInstrument) -> int:
        """How often changes of one instrument go out; 0: each at once."""
        return self.batch_ns

    def release(self, instrument_id: int) -> None:
        """Nobody is subscribed to an instrument any more."""
        return


class TopDialect(Dialect):
    """A venue whose frames carry the whole best bid and ask."""

    @abstractmethod
    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> Frame:
        """The frame of a best bid and ask. `serial` counts the changes of the instrument."""

    def shown(self, instrument: SimInstrument, top: Top) -> Shown:
        """A best bid and ask as the venue writes numbers."""
        return shown_in_full(instrument, top)

    def render(self, instrument: SimInstrument, top: Top, channel: str, now: Moment) -> Frame:
        return self.frame(instrument, self.shown(instrument, top), top.serial, channel, now)

    def spoil(self, instrument: SimInstrument, top: Top, channel: str, flaw: Flaw, now: Moment) -> Sequence[Frame]:
        shown = flawed(self.shown(instrument, top), flaw)
        return [damaged(self.frame(instrument, shown, top.serial, channel, now), flaw, top.serial)]


def shown_in_full(instrument: SimInstrument, top: Top) -> Shown:
    """A best bid and ask with all the digits of tick and lot."""
    return Shown(
        instrument.price_text(top.bid_ticks),
        instrument.size_text(top.bid_lots),
        instrument.price_text(top.ask_ticks),
        instrument.size_text(top.ask_lots),
    )


def json_text(value: object) -> str:
    """A frame or a REST body."""
    return msgspec.json.encode(value).decode()


def flawed(shown: Shown, flaw: Flaw) -> Shown:
    """Prices that cannot be; unchanged for a flaw that is not in the prices."""
    if flaw is Flaw.NAN:
        return shown._replace(bid="NaN")
    if flaw is Flaw.NEGATIVE:
        return shown._replace(bid=f"-{shown.bid}")
    if flaw is Flaw.CROSSED:
        return shown._replace(bid=shown.ask, ask=shown.bid)
    return shown


def damaged(frame: Frame, flaw: Flaw, serial: int) -> Frame:
    """A frame cut short or of another shape; unchanged for a flaw that is in the prices."""
    if flaw is Flaw.CUT:
        return frame[: len(frame) * 2 // 3]
    if flaw is Flaw.SHAPE:
        return WRONG_SHAPES[serial % len(WRONG_SHAPES)]
    return frame
