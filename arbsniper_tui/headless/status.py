"""What a node does, in one line for its service manager."""

from collections.abc import Set

from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.words import counted


class NodeStatus:
    """Keeps count of a node's events."""

    def __init__(self) -> None:
        self._up: set[tuple[str, str]] = set()
        """Venues and their markets."""
        self._down: set[tuple[str, str]] = set()
        self._signals = 0
        self._redis = ""
        self.has_heard = False
        """Whether any event came: the bus is up."""

    def take(self, event: Event) -> None:
        """Take the next event in."""
        self.has_heard = True
        market = (event.exchange, event.market)
        if event.event == "venue_up":
            self._up.add(market)
            self._down.discard(market)
        elif event.event == "venue_down":
            self._up.discard(market)
            self._down.add(market)
        elif event.event == "heartbeat":
            self._signals, self._redis = event.signals, event.redis

    def line(self, venues: Set[str]) -> str:
        """How a node of these venues is; a venue is live while all its markets are that have been heard of."""
        if not self._redis:
            return "starting"
        down = {venue for venue, _ in self._down}
        seen = down | {venue for venue, _ in self._up}
        live = f"{len(seen - down)} of {counted(len(seen | venues), 'venue')} live"
        return f"{live}, {counted(self._signals, 'signal')}, redis {self._redis}"
