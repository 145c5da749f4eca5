"""How late a venue's data arrive, compared with its fastest, by the times that the venue puts on them."""

from collections.abc import Sequence

from arbsniper_tui.model.quote import Quote

JITTER_MS = 250
"""Lateness up to this is the usual jitter of network and venue, and does not count as age."""
WINDOW_NS = 300_000_000_000
DRIFT_MS = 500
"""How much the best lag may grow from one window to the next, since clocks drift and network routes change. A lasting
delay must not become the best."""
_LEAP_MS = 1000
_LEAPS_BELIEVED = 3
_FIRST = 3
"""The slowest of the first so many states is the first best lag, so that no single state decides."""
_BACK_FOR_NS = 1_000_000_000
"""Times that have come back for so long to where they were before a leap show that the venue's clock was wrong in
between. Data that were only held up for as long catch up sooner."""
_LONGEST_MS = 3_600_000
"""A lateness beyond an hour means that a clock was set."""


class VenueLag:
    """Receipt minus venue time contains the unknown skew of two clocks; its growth is delay. A venue time in the future
    would make later states look late, so it counts only after it came a few times."""

    def __init__(self) -> None:
        self._best_ms: int | None = None
        """The least lag of this window."""
        self._window_ends_ns = 0
        self._floor_ms = 0
        self._leaps = 0
        self._first_left = _FIRST
        self._newest_ms: int | None = None
        self._left_ms: int | None = None
        """The floor before the last leap."""
        self._back_since_ns = 0
        """Since when times are at that floor again; 0 where they are not."""

    @property
    def late_ms(self) -> int | None:
        """How late the newest state came; None where no state carried a time."""
        return None if self._newest_ms is None else max(0, self._newest_ms - self._floor_ms)

    def receipts_ns(self, quotes: Sequence[Quote], ts_read_ns: int) -> Sequence[int]:
        """When each quote is to count as received: less than `ts_read_ns` for one that comes late. Empty where none
        does."""
        if ts_read_ns > self._window_ends_ns:
            self._turn(ts_read_ns)
        read_ms = ts_read_ns // 1_000_000
        floor_ms = self._floor_ms
        is_late = False
        for quote in quotes:
            if quote.ts_venue_ms is not None:
                lag_ms = self._newest_ms = read_ms - quote.ts_venue_ms
                if self._best_ms is None or lag_ms < self._best_ms or self._first_left:
                    self._improve(lag_ms)
                    floor_ms = self._floor_ms
                elif self._left_ms is not None and self._is_back(lag_ms - self._left_ms, ts_read_ns):
                    floor_ms = self._best_ms = self._floor_ms = self._left_ms
                    self._left_ms = None
                if lag_ms - floor_ms > JITTER_MS:
                    is_late = True
        return [self._receipt_ns(quote, ts_read_ns) for quote in quotes] if is_late else ()

    def _receipt_ns(self, quote: Quote, ts_read_ns: int) -> int:
        if quote.ts_venue_ms is None:
            return ts_read_ns
        late_ms = ts_read_ns // 1_000_000 - quote.ts_venue_ms - self._floor_ms
        return ts_read_ns - late_ms * 1_000_000 if JITTER_MS < late_ms <= _LONGEST_MS else ts_read_ns

    def _improve(self, lag_ms: int) -> None:
        if self._first_left:
            self._first_left -= 1
            self._best_ms = self._floor_ms = lag_ms if self._best_ms is None else max(lag_ms, self._best_ms)
            return
        if lag_ms < self._floor_ms - _LEAP_MS:
            self._leaps += 1
            if self._leaps < _LEAPS_BELIEVED:
                return
            self._left_ms, self._back_since_ns = self._floor_ms, 0
        self._leaps = 0
        self._best_ms = lag_ms
        self._floor_ms = min(lag_ms, self._floor_ms)

    def _is_back(self, away_ms: int, at_ns: int) -> bool:
        """Whether times have been at the floor before the leap for long enough."""
        if abs(away_ms) > JITTER_MS:
            self._back_since_ns = 0
            return False
        self._back_since_ns = self._back_since_ns or at_ns
        return at_ns - self._back_since_ns >= _BACK_FOR_NS

    def _turn(self, at_ns: int) -> None:
        """Begin a window."""
        self._window_ends_ns = at_ns + WINDOW_NS
        if self._best_ms is not None and not self._first_left:
            self._floor_ms = min(self._best_ms, self._floor_ms + DRIFT_MS)
            self._best_ms = None
        self._leaps = 0
