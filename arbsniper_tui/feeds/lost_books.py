"""Books that a connection has lost, and when each is asked for again."""

from collections.abc import Iterable, Set

from arbsniper_tui.model.quote import Quote

_MOST_DOUBLINGS = 5


class LostBooks:
    """By instrument, from the loss until a sound quote arrives."""

    def __init__(self, first_wait_s: float) -> None:
        self._first_wait_s = first_wait_s
        self.awaited: dict[int, tuple[int, float]] = {}
        """How often a snapshot was awaited, and when the next attempt is due, in s of the clock of ages."""

    def wait_for(self, instrument_id: int, now_s: float) -> None:
        """Wait for a snapshot, each time twice as long."""
        times, _ = self.awaited.get(instrument_id, (0, 0.0))
        self.awaited[instrument_id] = times + 1, now_s + self._first_wait_s * 2 ** min(times, _MOST_DOUBLINGS)

    def take(self, sound: Iterable[Quote]) -> None:
        """These quotes have arrived: their books are there again."""
        for quote in sound:
            self.awaited.pop(quote.instrument_id, None)

    def due(self, now_s: float, barred: Set[int]) -> set[int]:
        """The instruments to ask for now. One that the venue does not serve is forgotten: it is subscribed anew when
        the venue serves it again."""
        due = {instrument_id for instrument_id, (_, due_s) in self.awaited.items() if now_s >= due_s}
        for instrument_id in due & barred:
            del self.awaited[instrument_id]
        return due - barred
