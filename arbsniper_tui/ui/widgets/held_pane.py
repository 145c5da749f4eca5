"""The coins in quarantine, a row an instrument, the longest first."""

from collections.abc import Mapping, Sequence

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.model.view import HeldRow
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import Column, fitted, header, row
from arbsniper_tui.ui.paint import Line
from arbsniper_tui.ui.widgets.pane import LinePane

COLUMNS = (
    Column("venue", "venue", 9),
    Column("symbol", "symbol", 16),
    Column("price", "price", 16, "right", drop=1),
    Column("since", "held for", 8, "right", drop=2),
    Column("why", "why", 24, grows=True),
)


class HeldPane(LinePane):
    """The selection stays with its instrument."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[HeldRow, ...] = ()
        self._names: Mapping[int, Instrument] = {}
        self._now_ms: float | None = None
        self._columns: tuple[Column, ...] = ()

    @property
    def selected(self) -> HeldRow | None:
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def show(self, rows: Sequence[HeldRow], names: Mapping[int, Instrument], now_ms: float | None, empty: str) -> None:
        """Repaint what changed."""
        chosen = self.selected
        self._rows = tuple(each for each in rows if each.instrument_id in names)
        self._names, self._now_ms = names, now_ms
        ids = [each.instrument_id for each in self._rows]
        self.lay(len(ids), empty)
        if chosen is not None and chosen.instrument_id in ids:
            self.cursor = ids.index(chosen.instrument_id)
        else:
            self.cursor = max(0, min(self.cursor, len(ids) - 1)) if ids else -1
        self.reveal(self.cursor)
        self.repaint()

    def fit(self) -> None:
        self._columns = fitted(COLUMNS, self.room)
        super().fit()

    def header_of(self, width: int) -> Line:
        return header(self._columns, width, "Identity")

    def line_of(self, index: int) -> Line:
        held = self._rows[index]
        instrument = self._names[held.instrument_id]
        since_s = 0.0 if self._now_ms is None or held.since_ms <= 0.0 else (self._now_ms - held.since_ms) / 1000
        price = f"{fmt.number(held.price, fmt.decimals_of(held.price, 2))} {held.currency}" if held.price else "-"
        texts = {
            "venue": (instrument.venue, "text"),
            "symbol": (instrument.symbol, "text"),
            "price": (price, "text"),
            "since": (fmt.span(since_s), "quiet"),
            "why": (reason_words(held.reason).removeprefix("identity: "), "warn"),
        }
        return row(self._columns, [texts[column.id] for column in self._columns])
