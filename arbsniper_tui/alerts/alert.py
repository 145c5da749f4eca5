"""One thing to tell, and the message that tells one or many. Values only."""

from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.signal import Signal

LISTED = 10
"""Alerts that a digest names; of the others it gives the number."""


class Alert(Struct, frozen=True, kw_only=True):
    """What a rule has to tell; as it stands in the JSON of a webhook."""

    rule: str
    """Its name in the settings."""
    kind: str
    """`opportunity`, `survival`, `price`, `funding`, `venue_down`, or `test`."""
    subject: str
    """The route, symbol, perpetual or connection that it is about."""
    title: str
    """The shortest words, without the rule."""
    text: str
    """The rest of them."""
    timestamp: int
    """ms since 1970, by the node's clock where an event made it."""
    signal: Signal | UnsetType = UNSET
    """Of an opportunity, the whole signal."""


class Message(Struct, frozen=True, kw_only=True):
    """What one target is sent at once."""

    title: str
    text: str
    alerts: tuple[Alert, ...]
    """The first `LISTED` of them."""
    count: int = 1
    """All of them."""

    @property
    def line(self) -> str:
        """All of it in one line, for a terminal."""
        return f"{self.title}: {self.text}".replace("\n", "; ")


def message_of(alert: Alert) -> Message:
    """One alert alone."""
    return Message(title=f"{alert.rule}: {alert.title}", text=alert.text, alerts=(alert,))
