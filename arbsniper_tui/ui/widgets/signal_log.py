"""The log: signals as they open, change and close, and what became of venues and workers."""

from collections import deque
from collections.abc import Iterable

from msgspec import UNSET

from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import Column, fitted, header, row
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.paint import Line, cell, joined
from arbsniper_tui.ui.reading import native_quote
from arbsniper_tui.ui.widgets.pane import LinePane

KEPT = 2000
WIDE_FROM = 61

NARROW = (
    Column("clock", "", 8),
    Column("mark", "", 1),
    Column("symbol", "", 8),
    Column("route", "", 15, grows=True),
    Column("spread", "spread", 7, "right", "%"),
)
WIDE = (
    Column("clock_ms", "", 12),
    Column("mark", "", 1),
    Column("state", "", 6, drop=1),
    Column("symbol", "", 8),
    Column("market", "", 4),
    Column("route", "", 19, grows=True),
    Column("spread", "spread", 8, "right", "%"),
    Column("net", "net", 8, "right", "%", drop=2),
    Column("buy", "buy at", 12, "right", drop=4),
    Column("sell", "sell at", 12, "right", drop=4),
    Column("size", "size coins", 11, "right", drop=5),
    Column("lasted", "open for", 9, "right", drop=3),
)
_MARKS = {
    "open": ("●", "strong"),
    "update": ("·", "accent"),
    "close": ("○", "quiet"),
    "venue_up": ("▲", "good"),
    "venue_down": ("×", "bad"),
    "worker_up": ("▲", "good"),
    "worker_down": ("×", "bad"),
    "settings": ("=", "accent"),
    "end": ("■", "warn"),
}


class SignalLog(LinePane):
    """Keeps the last events; follows the newest while the last row is in the window."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._shown: list[Event] = []
        self._look = Look()
        self._columns: tuple[Column, ...] = ()
        self._empty_text = ""

    @property
    def selected(self) -> Signal | None:
        """The signal in the selected row, or else the newest."""
        if 0 <= self.cursor < len(self._shown) and self._event_at(self.cursor).signal:
            return self._event_at(self.cursor).signal
        return next((each.signal for each in reversed(self._shown) if each.signal), None)

    def show(self, events: Iterable[Event], look: Look, *, afresh: bool = False, empty: str = "") -> None:
        """Append `events`; with `afresh` they replace what was there."""
        self._empty_text = f"no event holds the filter: {look.filter}" if look.filter else empty
        arrived = list(events)
        if afresh or look != self._look:
            self._begin(arrived, look, afresh)
            return
        if not self._shown:
            self.lay(0, self._empty_text)
        if arrived:
            self._append(arrived)

    def _begin(self, arrived: list[Event], look: Look, afresh: bool) -> None:
        self._look = look
        if afresh:
            self._events.clear()
        self._events.extend(arrived)
        self._shown = [each for each in self._events if look.takes_event(each)]
        self.lay(len(self._shown), self._empty_text)
        self._to_newest()
        self.draw_all()

    def _append(self, arrived: list[Event]) -> None:
        self._events.extend(arrived)
        taken = [each for each in arrived if self._look.takes_event(each)]
        if not taken:
            return
        newest_first = self._look.signals == "newest"
        at_newest = self.scroll_offset.y == 0 if newest_first else self.scroll_offset.y >= self.max_scroll_y
        first = len(self._shown)
        on_newest = self.cursor == (0 if newest_first else first - 1)
        self._shown += taken
        overflow = len(self._shown) - KEPT
        if overflow > 0:
            del self._shown[: max(overflow, KEPT // 10)]
        if newest_first or overflow > 0 or first == 0:
            self._lines.clear()
            self._strips.clear()
            self.refresh()
        self.lay(len(self._shown), self._empty_text)
        if newest_first and self.cursor >= 0 and not on_newest:
            self.cursor += len(taken)
        if at_newest:
            self._to_newest(with_cursor=on_newest)
        elif newest_first:
            self.scroll_to(y=self.scroll_offset.y + len(taken), animate=False, immediate=True, force=True)
        self.draw(range(first, len(self._shown)))

    def _to_newest(self, with_cursor: bool = True) -> None:
        """Scroll to the newest event; the cursor, where there is one, goes along or stays with its event."""
        if self.cursor >= 0 and with_cursor:
            before, self.cursor = self.cursor, 0 if self._look.signals == "newest" else max(0, len(self._shown) - 1)
            self.redraw(before)
            self.redraw(self.cursor)
        y = 0 if self._look.signals == "newest" else max(0, len(self._shown) + 1 - self.extent.height)
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        super().on_resize()
        self._to_newest()

    def _event_at(self, index: int) -> Event:
        return self._shown[-1 - index] if self._look.signals == "newest" else self._shown[index]

    def header_of(self, width: int) -> Line:
        self._columns = fitted(WIDE if width >= WIDE_FROM else NARROW, width)
        return header(self._columns, width, "Signals", f"{self._look.signals} first" if width >= WIDE_FROM else "")

    def line_of(self, index: int) -> Line:
        event = self._event_at(index)
        clock = fmt.clock(event.timestamp)
        mark = _MARKS.get(event.event, ("·", "quiet"))
        if event.signal is None:
            return self._plain_line(event, clock, mark)
        signal = event.signal
        role = {"open": "text", "update": "quiet"}.get(signal.state, "quiet")
        number = "strong" if signal.state == "open" else role
        lasted = "" if signal.duration_ms is UNSET else fmt.span(signal.duration_ms / 1000)
        if signal.duration_ms is not UNSET and signal.duration_ms < 1000:
            lasted = f"{signal.duration_ms}ms"
        widths = {column.id: column.width for column in self._columns}
        texts = {
            "clock": (clock[:8], "quiet"),
            "clock_ms": (clock, "quiet"),
            "mark": mark,
            "state": (signal.state, role),
            "symbol": (signal.symbol.partition(":")[0], role),
            "market": ("perp" if ":" in signal.symbol else "spot", "quiet"),
            "route": (_route(signal, widths.get("route", 0)), role),
            "spread": (fmt.pct(signal.spread_pct), number),
            "net": (fmt.pct(signal.net_spread_pct), number),
            "buy": (_price(signal.buy_price), role),
            "sell": (_price(signal.sell_price), role),
            "size": (fmt.amount(signal.size, 4, 11), "quiet"),
            "lasted": (lasted, "quiet"),
        }
        return row(self._columns, [texts[column.id] for column in self._columns])

    def _plain_line(self, event: Event, clock: str, mark: tuple[str, str]) -> Line:
        shown = clock if self.room >= WIDE_FROM else clock[:8]
        who = " ".join(part for part in (event.exchange, event.market) if part)
        verb = {"venue_up": "up", "venue_down": "down", "worker_up": "up", "worker_down": "down"}.get(event.event, "")
        said = " ".join(part for part in (who, verb) if part) or event.event
        detail = f": {event.detail}" if event.detail else ""
        room = max(1, self.room - len(shown) - 3)
        role = mark[1] if event.event.endswith("down") else "quiet"
        return joined(((f"{shown} ", "quiet"), mark, (" ", "text"), (cell(said + detail, room).rstrip(), role)))


def _route(signal: Signal, width: int) -> str:
    """Both venues, with their own quote currencies where these are told apart and the room is there."""
    buy, sell = signal.buy_exchange, signal.sell_exchange
    counted, bought, sold = (native_quote(each) for each in (signal.symbol, signal.buy_symbol, signal.sell_symbol))
    full = f"{buy}{'' if bought == counted else f' {bought}'} → {sell}{'' if sold == counted else f' {sold}'}"
    return next((each for each in (full, f"{buy} → {sell}") if len(each) <= width), f"{buy}→{sell}")


def _price(value: float) -> str:
    return fmt.number(value, fmt.decimals_of(value, 2))
