"""What the prices of a coin were in the last seconds."""

from array import array
from collections import deque

LATEST_NS = 5_000_000_000
"""Nothing is remembered for longer."""
SAMPLE_NS = 50_000_000
"""How often prices are kept at most."""


class PastPrices:
    """Rows of prices, each as it stood until a moment."""

    __slots__ = ("_until_ns", "due_ns", "rows")

    def __init__(self) -> None:
        self.rows: deque[array[float]] = deque()
        """Of all streams, by their places."""
        self._until_ns: deque[int] = deque()
        self.due_ns = 0
        """When the present prices are kept, at their next change."""

    def keep(self, prices: "array[float]", ts_ns: int) -> None:
        """Keep the present prices, which change now. Call it when they are due."""
        self.due_ns = ts_ns + SAMPLE_NS
        self.rows.append(prices[:])
        until_ns = self._until_ns
        until_ns.append(ts_ns)
        while len(until_ns) > 1 and until_ns[1] <= ts_ns - LATEST_NS:
            until_ns.popleft()
            self.rows.popleft()

    def after(self, after_ns: int) -> list[tuple[int, int, "array[float]"]]:
        """Former prices that stood until later than a moment, the oldest first: since when, until when, prices."""
        found: list[tuple[int, int, array[float]]] = []
        ends = reversed(self._until_ns)
        until_ns = next(ends, 0)
        for row in reversed(self.rows):
            if until_ns <= after_ns:
                break
            before_ns = next(ends, until_ns - SAMPLE_NS)
            # What changed within one sample after the row before is in this one.
            found.append((min(before_ns + SAMPLE_NS, until_ns), until_ns, row))
            until_ns = before_ns
        return found[::-1]
