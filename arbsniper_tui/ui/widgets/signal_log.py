"""The log: signals as they open, change and close, and venues and workers as they go up and down."""

from collections import deque
from collections.abc import Iterable

from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.ui.columns import Column, fitted, header
from arbsniper_tui.ui.event_lines import NARROW, WIDE, WIDE_FROM, event_line
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.paint import Line
from arbsniper_tui.ui.widgets.pane import LinePane

KEPT = 2000
DRAWN_EVERY_S = 0.25
"""A log that moves faster than this cannot be read, and every line of it that moves goes to the terminal."""


class SignalLog(LinePane):
    """Keeps the last events. Its window follows the newest while that is in it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._shown: deque[Event] = deque(maxlen=KEPT)
        """Of the events, those that hold the filter."""
        self._arrived: list[Event] = []
        """What has come since the log was drawn."""
        self._drawn_s = float("-inf")
        self._follows = True
        """Whether the newest event stood in the window when the window was last moved."""
        self._look = Look()
        self._columns: tuple[Column, ...] = ()
        self._lines: dict[int, Line] = {}
        """Of the events in the window, by their numbers."""

    @property
    def selected(self) -> Signal | None:
        """The signal in the selected row, or else the newest."""
        if 0 <= self.cursor < len(self._shown) and self._event_at(self.cursor).signal:
            return self._event_at(self.cursor).signal
        return next((each.signal for each in reversed(self._shown) if each.signal), None)

    def show(self, events: Iterable[Event], look: Look, now_s: float, *, afresh: bool = False, empty: str = "") -> None:
        """Add `events`, or with `afresh` replace all events by them, and draw them a few times a second.

        `now_s` is any clock that the caller goes on using.
        """
        if afresh:
            # `events` is the whole log then, with the events that wait to be drawn.
            self._events.clear()
            self._arrived.clear()
        self._arrived += events
        if afresh or look != self._look:
            self._begin(look, empty)
        elif self._arrived and now_s - self._drawn_s >= DRAWN_EVERY_S:
            self._drawn_s = now_s
            self._append()
        else:
            return
        self.repaint()

    def _begin(self, look: Look, empty: str) -> None:
        """Lay all events out anew. The reader's place is kept: the selected event stays in its line of the window."""
        follows, on_newest = self._follows, self._is_on_newest
        anchor = self.cursor if self.cursor >= 0 else self.top
        line = anchor - self.top
        seq = self._event_at(anchor).seq if anchor < len(self._shown) else None
        self._look = look
        self._events += self._arrived
        self._arrived.clear()
        self._shown = deque((each for each in self._events if look.takes_event(each)), maxlen=KEPT)
        self.lay(len(self._shown), f"no event holds the filter: {look.filter}" if look.filter else empty)
        row = None if seq is None else self._row_of(seq)
        if row is None:
            self._to_newest(with_cursor=True)
            return
        if self.cursor >= 0:
            self.cursor = row
        if follows:
            self._to_newest(with_cursor=on_newest)
        else:
            self.show_from(row - line)
        if self.cursor >= 0:
            self.reveal(self.cursor)

    def _append(self) -> None:
        taken = [each for each in self._arrived if self._look.takes_event(each)]
        self._events += self._arrived
        self._arrived.clear()
        follows, on_newest = self._follows, self._is_on_newest
        # How many rows the earlier events have moved.
        moved = len(taken) if self._is_newest_first else min(0, KEPT - len(self._shown) - len(taken))
        self._shown += taken
        top, cursor = self.top + moved, self.cursor + moved
        self.lay(len(self._shown))
        if self.cursor >= 0 and not on_newest:
            self.cursor = max(0, min(len(self._shown) - 1, cursor))
        if follows:
            self._to_newest(with_cursor=on_newest)
        else:
            self.show_from(top)
        if self.cursor >= 0:
            self.reveal(self.cursor)

    @property
    def _is_newest_first(self) -> bool:
        return self._look.signals == "newest"

    @property
    def _newest_row(self) -> int:
        return 0 if self._is_newest_first else max(0, len(self._shown) - 1)

    @property
    def _is_on_newest(self) -> bool:
        """Whether the newest event is the selected one; the first event that comes is selected."""
        return not self._shown or self.cursor == self._newest_row

    def _to_newest(self, with_cursor: bool) -> None:
        """Move the window to the newest event; the cursor, where there is one, goes along or stays with its event."""
        if self.cursor >= 0 and with_cursor:
            self.cursor = self._newest_row
        self.show_from(0 if self._is_newest_first else self.last_top)

    def show_from(self, top: int) -> None:
        super().show_from(top)
        self._follows = self.top == (0 if self._is_newest_first else self.last_top)

    def fit(self) -> None:
        self._lines.clear()
        self._columns = fitted(WIDE if self.room >= WIDE_FROM else NARROW, self.room)
        if self._follows:
            self._to_newest(with_cursor=False)
        super().fit()

    def _event_at(self, row: int) -> Event:
        return self._shown[self._place_of(row)]

    def _row_of(self, seq: int) -> int | None:
        """The row in which an event stands; None where it is not shown any more."""
        place = next((at for at, each in enumerate(self._shown) if each.seq == seq), None)
        return None if place is None else self._place_of(place)

    def _place_of(self, row: int) -> int:
        """The position in time of a row, or the row of a position: with the newest first, it counts from the end."""
        return len(self._shown) - 1 - row if self._is_newest_first else row

    def header_of(self, width: int) -> Line:
        return header(self._columns, width, "Signals", f"{self._look.signals} first" if width >= WIDE_FROM else "")

    def line_of(self, index: int) -> Line:
        event = self._event_at(index)
        line = self._lines.get(event.seq)
        if line is None:
            if len(self._lines) > 2 * self.window:
                self._lines.clear()
            line = self._lines[event.seq] = event_line(event, self._columns, self.room)
        return line
