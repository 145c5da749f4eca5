"""The desk as the deciding loop sees it: values in, requests out, so that a desk may stand in another process."""

from collections.abc import Callable, Sequence
from typing import Protocol

from arbsniper_tui.engine.routes import RouteKey
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.trace import SignalTrace
from arbsniper_tui.wire.messages import (
    Hello,
    Reply,
    SetMute,
    SetRules,
    SetVerdict,
    TellTerminals,
    View,
    WorkerNotice,
    WorkerReport,
)

Request = Hello | SetMute | SetRules | SetVerdict | TellTerminals | WorkerNotice | WorkerReport
"""The commands that only the deciding loop can answer. A Hello is answered with a Welcome."""


class Desk(Protocol):
    """What viewers get passes through it. Nothing here waits for a viewer, but in a replay."""

    def tell(self, event: Event) -> None:
        """Send an event to all viewers, and keep it for those that come late or miss it."""
        ...

    def remember(self, event: Event) -> None:
        """Keep an event of a worker before this one, for viewers that missed it."""
        ...

    def trace(self, trace: SignalTrace) -> None:
        """Send the way of a signal to those who want traces; it is not kept."""
        ...

    def count_viewers(self) -> int:
        """The viewers that take views now."""
        ...

    def named_routes(self) -> Sequence[RouteKey]:
        """The routes that viewers want to see whatever their spreads."""
        ...

    def show(self, view: View) -> None:
        """Send what changed since the view before to all viewers. The desk numbers it."""
        ...

    def renew(self) -> None:
        """Have all viewers ask for the whole state: something of it changed that no view tells."""
        ...

    def serve(self, answer: Callable[[Request], Reply]) -> None:
        """Answer the commands that have come; `answer` is called for those that the loop alone can answer."""
        ...

    def close(self) -> None:
        """Leave the viewers."""
        ...
