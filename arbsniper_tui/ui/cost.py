"""What the UI itself costs: views, processor time, lines drawn, bytes to the terminal."""

import time
from collections.abc import Callable

from arbsniper_tui.model.words import counted
from arbsniper_tui.ui import format as fmt

WINDOW_S = 2.0


class CostMeter:
    """Differences over about two seconds; `clock` and `processor` count seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, processor: Callable[[], float] = time.process_time
    ) -> None:
        self._clock = clock
        self._processor = processor
        self._drawn = 0
        self._start: tuple[float, float, int, int] | None = None
        self._words = ""
        self._skipped = 0

    def skip(self) -> None:
        """Count a view that was not drawn because the terminal was behind."""
        self._skipped += 1

    def count(self) -> None:
        """Count a view that was drawn."""
        self._drawn += 1

    def settle(self, rows_painted: int, sent_bytes: int) -> None:
        """Work out the words once a window is full; both figures are totals, of one screen and of the app."""
        now = (self._clock(), self._processor(), rows_painted, sent_bytes)
        if self._start is None or rows_painted < self._start[2]:
            self._start, self._drawn = now, 0
            return
        elapsed_s = now[0] - self._start[0]
        if elapsed_s < WINDOW_S:
            return
        busy_s, rows, sent = (new - old for new, old in zip(now[1:], self._start[1:], strict=True))
        skipped = f"{counted(self._skipped, 'view')} skipped: the terminal was behind   " if self._skipped else ""
        self._words = (
            f"{skipped}{self._drawn / elapsed_s:.1f} views/s   "
            f"{busy_s / max(1, self._drawn) * 1000:.1f} ms a view   "
            f"{busy_s / elapsed_s * 100:.1f} % of a core   {rows / elapsed_s:,.0f} rows/s   "
            f"{fmt.volume(sent / elapsed_s)}/s to the terminal"
        )
        self._start, self._drawn = now, 0

    @property
    def words(self) -> str:
        """The last full window; empty before there was one."""
        return self._words
