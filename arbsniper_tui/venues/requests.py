"""What this side sends a venue, as templates of the frames themselves."""

from collections.abc import Sequence
from string import Template

from msgspec import Struct

from arbsniper_tui.model.instrument import Instrument


class Subscription(Struct, frozen=True):
    """How instruments are subscribed and unsubscribed on a connection.

    In `topic`, `$symbol` is the venue's name of an instrument and `$lower` the same in lower case, for a venue that
    wants it so in requests alone. In the frames, `$topics` stands for the topics, joined by `joint`.
    """

    topic: str
    subscribe: str
    unsubscribe: str
    per_frame: int | None = None
    """Topics in one frame at most; None: all in one."""
    joint: str = ","

    def frames(self, instruments: Sequence[Instrument], *, undo: bool = False) -> list[str]:
        """The text frames that subscribe to these instruments, or with `undo` unsubscribe them."""
        topic, frame = Template(self.topic), Template(self.unsubscribe if undo else self.subscribe)
        names = [each.venue_symbol for each in instruments]
        topics = [topic.substitute(symbol=name, lower=name.lower()) for name in names]
        step = self.per_frame or len(topics) or 1
        parts = (topics[at : at + step] for at in range(0, len(topics), step))
        return [frame.substitute(topics=self.joint.join(part)) for part in parts]


class KeepAlive(Struct, frozen=True):
    """What this side must send so that the venue keeps the connection; WebSocket pings are answered anyway."""

    send: str
    """The text frame. `$count` is a number that grows with each, `$ms` the time in ms since 1970."""
    every_s: float

    def frame(self, count: int, wall_ms: int) -> str:
        """The frame to send as number `count` of a connection."""
        return Template(self.send).substitute(count=count, ms=wall_ms)


class Endpoint(Struct, frozen=True):
    """Where to open one connection, as a venue tells it by REST."""

    ws_url: str
    """Complete, with a token where the venue wants one. It is secret: no log and no tape shows it."""
    keep_alive_every_s: float | None = None
    """Replaces the interval that the market declares; None keeps it."""
