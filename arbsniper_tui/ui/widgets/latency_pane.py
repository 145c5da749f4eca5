"""Where the time goes between a venue's socket and a signal: a stage a line, percentiles and a histogram."""

from collections.abc import Sequence

from arbsniper_tui.model.view import StageRow
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import Column, fitted, header
from arbsniper_tui.ui.paint import Line, cell, joined
from arbsniper_tui.ui.widgets.pane import LinePane

EIGHTHS = " ▁▂▃▄▅▆▇█"
MOST_LINES = 4
FIRST_BUCKET_US = 8
"""The end of the first drawn bucket; each further one ends at twice the one before it."""
COLUMNS = (
    Column("stage", "", 8),
    Column("p50", "p50", 5, "right"),
    Column("p99", "p99", 5, "right"),
    Column("max", "max", 5, "right"),
    Column("count", "count", 13, "right", drop=1),
    Column("bars", "", 5, grows=True),
)


class LatencyPane(LinePane):
    """One to four lines a stage, as many as the height allows; the bars of all stages share one axis."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stages: tuple[StageRow, ...] = ()
        self._grid: list[Line] = []
        self._columns: tuple[Column, ...] = ()

    def show(self, stages: Sequence[StageRow], *, empty: str = "") -> None:
        """Work out the whole grid once, then repaint what changed."""
        self._stages = tuple(stages)
        self.fit()
        self.lay(len(self._grid), empty)
        self.repaint()

    def line_of(self, index: int) -> Line:
        return self._grid[index]

    def header_of(self, width: int) -> Line:
        return header(self._columns, width, "Latency", named=self._axis())

    def _axis(self) -> dict[str, str]:
        """The range of the bars, over the bars."""
        first, last = span_of([each.counts for each in self._stages])
        if last == 0 or self._columns[-1].width < 12:
            return {}
        low = "0" if first == 0 else fmt.micros(FIRST_BUCKET_US << (first - 1))
        return {"bars": f"{low} to {fmt.micros(FIRST_BUCKET_US << (last - 1))}"}

    def fit(self) -> None:
        self._columns = fitted(COLUMNS, self.room)
        self._grid = self._lines_of_all()
        self.lay(len(self._grid))

    def _lines_of_all(self) -> list[Line]:
        if not self._stages:
            return []
        lines_each = max(1, min(MOST_LINES, self.window // len(self._stages)))
        gap = 1 if lines_each > 2 else 0
        first, last = span_of([each.counts for each in self._stages])
        lines: list[Line] = []
        for stage in self._stages:
            bars = bar_lines(stage.counts[first:last], self._columns[-1].width, lines_each - gap)
            lines += [self._stage_line(stage, bar, at == len(bars) - 1) for at, bar in enumerate(bars)]
            lines += [()] * gap
        return lines

    def _stage_line(self, stage: StageRow, bar: str, is_foot: bool) -> Line:
        texts = {
            "stage": stage.name,
            "p50": fmt.micros(stage.p50_us) if stage.count else "-",
            "p99": fmt.micros(stage.p99_us) if stage.count else "-",
            "max": fmt.micros(stage.max_us) if stage.count else "-",
            "count": fmt.count(stage.count),
        }
        roles = {"stage": "text", "p50": "bright", "p99": "text"}
        pieces: list[tuple[str, str]] = []
        for column in self._columns[:-1]:
            text = texts[column.id] if is_foot else ""
            pieces += [(cell(text, column.width, column.align), roles.get(column.id, "quiet")), (" ", "text")]
        return joined((*pieces, (bar, "bar")))


def span_of(histograms: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The first bucket that any histogram uses, and the one behind the last."""
    used = [at for counts in histograms for at, count in enumerate(counts) if count]
    return (min(used), max(used) + 1) if used else (0, 0)


def bar_lines(counts: Sequence[int], width: int, lines: int) -> list[str]:
    """Bars over `width` cells and `lines` lines, the top line first; whatever is not zero shows."""
    cells = _cells(counts, width)
    most = max(cells, default=0)
    # Stages of two lines each have no gap: the highest bar stops short of the stage above.
    full = lines * 8 - (2 if lines == 2 else 0)
    heights = [max(1, round(count / most * full)) if count else 0 for count in cells]
    drawn = [
        "".join(EIGHTHS[max(0, min(8, height - 8 * (lines - 1 - line)))] for height in heights) for line in range(lines)
    ]
    return [text.ljust(width) for text in drawn]


def _cells(counts: Sequence[int], width: int) -> list[int]:
    """The counts by cell: in a narrow pane several buckets share a cell, in a wide one each takes up to four."""
    if not counts or width < 1:
        return []
    if len(counts) > width:
        each = -(-len(counts) // width)
        return [sum(counts[at : at + each]) for at in range(0, len(counts), each)]
    wide = min(4, width // len(counts))
    return [count for count in counts for _ in range(wide)]
