"""The stages of a quote's way: receipt to parse, bus, decision, publish, and the whole."""

from collections.abc import Iterator

from arbsniper_tui.latency.histogram import Histogram
from arbsniper_tui.model.view import StageRow

_SETTLED_AT_ONCE = 50
STAGES = ("parse", "bus", "decision", "publish", "total")


class Stages:
    """One histogram a stage. `publish` counts signals only; `total` runs from receipt to the end of handling."""

    def __init__(self) -> None:
        self.parse, self.bus, self.decision, self.publish, self.total = (Histogram() for _ in STAGES)
        self.unsettled: list[tuple[int, int, int, int, int]] = []
        """For `settle`: when each batch of quotes was read, parsed, received, decided on and done with, in ns. Only
        noted on the hot path, for counting them one by one costs more there than counting many at once."""

    def settle(self) -> Iterator[None]:
        """Count what was noted, with a pause after every few."""
        noted, self.unsettled = self.unsettled, []
        for number, (read_ns, parsed_ns, got_ns, decided_ns, done_ns) in enumerate(noted, 1):
            self.parse.record(parsed_ns - read_ns)
            self.bus.record(got_ns - parsed_ns)
            self.decision.record(decided_ns - got_ns)
            self.total.record(done_ns - read_ns)
            if number % _SETTLED_AT_ONCE == 0:
                yield

    def rows(self) -> tuple[StageRow, ...]:
        """One row a stage, in the order of the way."""
        histograms = (self.parse, self.bus, self.decision, self.publish, self.total)
        return tuple(
            StageRow(
                name,
                histogram.count,
                round(histogram.quantile_us(0.5), 1),
                round(histogram.quantile_us(0.99), 1),
                round(histogram.max_ns / 1000, 1),
                histogram.doublings(),
                histogram.sum_ns / 1000,
            )
            for name, histogram in zip(STAGES, histograms, strict=True)
        )
