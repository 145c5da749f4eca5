"""Where a feed's findings go, and what it counts."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, InstrumentChange
from arbsniper_tui.model.quote import Quote, Withdrawal

OnFrame = Callable[[str, bytes], None]
"""For a recorder: the URL that a frame came from, and the frame."""
OnListing = Callable[[str, bytes], None]
"""For a recorder: the URL of a list, and its body."""
OnChange = Callable[[InstrumentChange], None]
"""For a recorder: instruments that join and leave a market."""
OnDisconnect = Callable[[str, str], None]
"""For a recorder: the URL of a connection that ended, and why."""


class Recording(Protocol):
    """Where a feed's frames are kept."""

    def frames_of(self, spec: FeedSpec) -> OnFrame: ...

    def listings_of(self, spec: FeedSpec) -> OnListing: ...

    def changes_of(self, spec: FeedSpec) -> OnChange: ...

    def facts_of(self, spec: FeedSpec) -> OnFrame: ...

    def disconnects_of(self, spec: FeedSpec) -> OnDisconnect: ...


class Outlet(Protocol):
    """None of these methods may wait."""

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        """Send sound quotes, one per instrument; `recv_ns` is the receipt of each where it is not `ts_read_ns`."""
        ...

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        """Withdraw instruments until their next quote."""
        ...

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        """Send what the venue says of instruments beside their quotes."""
        ...

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        """Instruments that are served from now on, before any quote of them, and ids of those that are not any more."""
        ...

    def health_changed(self) -> None: ...


@dataclass(slots=True)
class FeedCounts:
    """Since the worker started, through all reconnects."""

    connects: int = 0
    frames: int = 0
    quotes: int = 0
    superseded: int = 0
    """Quotes that a newer one of the same read replaced."""
    bytes: int = 0
    """Of connections that have ended."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Invalid quotes and frames, by reason."""
