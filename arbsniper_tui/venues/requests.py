"""What this side sends a venue, as templates of the frames themselves."""

from collections.abc import Sequence
from string import Template
from zlib import crc32

from msgspec import Struct

from arbsniper_tui.model.instrument import Instrument


class Subscription(Struct, frozen=True):
    """How instruments are subscribed and unsubscribed on a connection.

    In `topic`, `$symbol` is the venue's name of an instrument and `$lower` the same in lower case, for a venue that
    wants it so in requests alone; `$number` is its `request_number`. In the frames, `$topics` stands for the topics,
    joined by `joint`, and `$s` for the time in s since 1970.
    """

    topic: str
    subscribe: str
    unsubscribe: str = ""
    """Empty where the venue cannot take back one alone: the feed connects anew where it must."""
    per_frame: int | None = None
    """Topics in one frame at most; None: all in one."""
    joint: str = ","
    frame_bytes: int | None = None
    """A frame is at most so long; None: as long as it must be."""

    def frames(self, instruments: Sequence[Instrument], wall_ms: int = 0, *, undo: bool = False) -> list[str]:
        """The text frames that subscribe to these instruments at this time, or with `undo` unsubscribe them."""
        text = self.unsubscribe if undo else self.subscribe
        if not text:
            return []
        topic, frame = Template(self.topic), Template(text)
        names = [each.venue_symbol for each in instruments]
        topics = [topic.substitute(symbol=name, lower=name.lower(), number=request_number(name)) for name in names]
        room = self.frame_bytes - len(text) if self.frame_bytes is not None else None
        parts = _parts(topics, self.per_frame, room, len(self.joint))
        return [frame.substitute(topics=self.joint.join(part), s=wall_ms // 1000) for part in parts]


def request_number(venue_symbol: str) -> int:
    """The number of a request for one instrument, where a venue's refusal names that number and no symbol."""
    return crc32(venue_symbol.encode()) >> 1


def _parts(topics: Sequence[str], most: int | None, room: int | None, joint: int) -> list[list[str]]:
    """The topics in as few frames as fit: at most `most` in one, and at most `room` bytes with their joints."""
    parts: list[list[str]] = []
    used = 0
    for topic in topics:
        size = len(topic.encode()) + joint
        if not parts or len(parts[-1]) == most or (room is not None and used + size > room):
            parts.append([])
            used = 0
        parts[-1].append(topic)
        used += size
    return parts


class Rate(Struct, frozen=True):
    """So many at most within so long, whenever that begins."""

    most: int
    within_s: float


class Limits(Struct, frozen=True):
    """What a venue takes from one address. None: it states no limit."""

    connects: Rate | None = None
    """New connections, refused ones too."""
    messages: Rate | None = None
    """Frames sent on one connection, keep-alives and pings among them."""


class FactSource(Struct, frozen=True):
    """Where a market's slow facts come from: a stream on a connection of their own, or REST, or both."""

    subscription: Subscription | None = None
    """Its frames go to the same parser, which puts the facts to its asides."""
    ws_path: str = ""
    """Where the stream opens; empty for where quotes come from too."""
    path: str = ""
    """GET, with the facts of all instruments; read by `parse_facts`."""
    every_s: float = 60.0
    """Between two GETs: so seldom that they take less than a tenth of the venue's limit."""
    path_each: str = ""
    """GET, with the facts of one instrument, `$symbol`, where the venue tells them in no other way."""
    each_every_s: float = 2.0
    """Between two of these, whichever instrument they ask for."""


class KeepAlive(Struct, frozen=True):
    """What this side must send so that the venue keeps the connection; WebSocket pings are answered anyway."""

    send: str
    """The text frame. `$count` is a number that grows with each, `$ms` the time in ms since 1970, `$s` in s."""
    every_s: float

    def frame(self, count: int, wall_ms: int) -> str:
        """The frame to send as number `count` of a connection."""
        return Template(self.send).substitute(count=count, ms=wall_ms, s=wall_ms // 1000)


class Endpoint(Struct, frozen=True):
    """Where to open one connection, as a venue tells it by REST."""

    ws_url: str
    """Complete, with a token where the venue wants one. It is secret: no log and no tape shows it."""
    keep_alive_every_s: float | None = None
    """Replaces the interval that the market declares; None keeps it."""
