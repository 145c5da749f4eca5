"""Reports on lines that cannot be used: the first few of each kind, and how many there were."""

from collections.abc import Callable

from arbsniper_tui.model.errors import BookLost, FrameError, VenueClosing, VenueRejected

UNREADABLE = "unreadable"


def kind_of(error: FrameError) -> str:
    """The kind under which a frame without quotes is counted."""
    if isinstance(error, VenueRejected):
        return "rejected"
    if isinstance(error, BookLost):
        return "book lost"
    return "closing" if isinstance(error, VenueClosing) else UNREADABLE


class Complaints:
    """Says the first complaints of each kind in full, and counts all of them."""

    def __init__(self, say: Callable[[str], None], said_of_a_kind: int = 5) -> None:
        self.counts: dict[str, int] = {}
        """By kind, in the order in which each came first."""
        self._say = say
        self._said_of_a_kind = said_of_a_kind

    def take(self, kind: str, text: str) -> None:
        """One more of its kind."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= self._said_of_a_kind:
            self._say(text)
