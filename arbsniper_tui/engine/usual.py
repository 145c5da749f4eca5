"""What is usual for a route: the median of its spread over a window, and how far spreads lie from it."""

from statistics import median

from msgspec import Struct

LEAST_DEVIATION_PCT = 0.005
"""Prices have steps: a spread that hardly ever moves is not usual to a thousandth of this."""
TO_DEVIATION = 1.4826
"""The median distance from the median, times this, is the standard deviation of what is spread like a bell."""


class Usual(Struct, frozen=True, gc=False):
    """The usual gross spread of a route, in percent."""

    median_pct: float
    deviation_pct: float

    def zscore(self, gross_pct: float) -> float:
        """How many deviations a spread lies above the median."""
        return (gross_pct - self.median_pct) / self.deviation_pct


def usual_of(spreads_pct: list[float]) -> Usual:
    """Of the spreads of a window, at least one."""
    middle = median(spreads_pct)
    distance = median([abs(each - middle) for each in spreads_pct])
    return Usual(middle, max(LEAST_DEVIATION_PCT, TO_DEVIATION * distance))
