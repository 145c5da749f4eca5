"""So many at most within so long: never more in any span of that length, whenever it begins."""

from collections import deque


class RateLimit:
    """Counts what was done, and says how long to wait before the next. It knows no clock: times are passed in, in s.

    A bucket that refills would let twice as many through in a span that begins in the right moment.
    """

    def __init__(self, most: int, within_s: float) -> None:
        self._within_s = within_s
        self._done_s: deque[float] = deque(maxlen=most)

    def wait_s(self, now_s: float) -> float:
        """How long to wait before the next; 0 where it may be done now."""
        if len(self._done_s) < (self._done_s.maxlen or 0):
            return 0.0
        return max(0.0, self._done_s[0] + self._within_s - now_s)

    def note(self, now_s: float) -> None:
        """Count one that is done now."""
        self._done_s.append(now_s)
