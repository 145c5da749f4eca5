"""The stages of a quote's way: receipt to parse, bus, decision, publish, and the whole."""

from arbsniper_tui.latency.histogram import Histogram
from arbsniper_tui.model.view import StageRow

STAGES = ("parse", "bus", "decision", "publish", "total")


class Stages:
    """One histogram a stage. `publish` counts signals only; `total` runs from receipt to the end of handling."""

    def __init__(self) -> None:
        self.parse, self.bus, self.decision, self.publish, self.total = (Histogram() for _ in STAGES)

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
            )
            for name, histogram in zip(STAGES, histograms, strict=True)
        )
