"""The price panes under each other, or beside each other where the room allows, in one scrolling area."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual import events
from textual.containers import ScrollableContainer

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import FactsRow, QuoteRow
from arbsniper_tui.ui.widgets.pane import LinePane, TextPane
from arbsniper_tui.ui.widgets.price_pane import PricePane

PANE_WIDTH = 65
ROWS_A_VIEW = 12
"""More changed rows wait for the next view, the longest waiting first. That bounds the output whatever the market does,
and nobody can read more."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Which instruments are shown, what those without a quote wait for, and what stands there if there are none."""

    instruments: tuple[Instrument, ...]
    wanting: dict[int, str]
    empty: str = ""


class PriceArea(ScrollableContainer, can_focus=False):
    """One pane a symbol, in the order in which the node lists them."""

    DEFAULT_CSS = """
    PriceArea {
        layout: grid;
        grid-size-columns: 1;
        grid-rows: auto;
        grid-gutter: 0 1;
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    PriceArea > TextPane { height: 4; }
    """

    def __init__(self, *, says_order: bool = False) -> None:
        super().__init__()
        self._says_order = says_order
        self._panes: list[PricePane] = []
        self._listed: tuple[tuple[Instrument, ...], str] | None = None
        self._converted_by: dict[int, set[int]] = {}
        """The instruments whose prices a rate converts, by the rate's id."""
        self._waiting: dict[int, None] = {}

    def show(
        self,
        quotes: Mapping[int, QuoteRow],
        now_ms: float | None,
        dirty: set[int] | None,
        *,
        facts: Mapping[int, FactsRow],
        listed: Listed | None = None,
        order: str = "venue",
        twice_a_second: bool = False,
    ) -> None:
        """Hand each pane its rows in `dirty`, or all for None; a new list of instruments lays the panes out again."""
        wanting = None
        if listed is not None:
            wanting = listed.wanting
            if (listed.instruments, listed.empty) != self._listed:
                self._lay_out(listed)
                dirty = None
        if dirty is None:
            self._waiting.clear()
        else:
            dirty = self._due(dirty if wanting is None else dirty | wanting.keys())
        for pane in self._panes:
            pane.show(quotes, now_ms, dirty, facts=facts, wanting=wanting, order=order, twice_a_second=twice_a_second)

    @property
    def has_waiting(self) -> bool:
        """Whether changed rows wait for the next view."""
        return bool(self._waiting)

    def _due(self, dirty: set[int]) -> set[int]:
        """The changed instruments to draw now: so many of those in the window, and all others."""
        for rate_id in self._converted_by.keys() & dirty:
            dirty = dirty | self._converted_by[rate_id]
        self._waiting.update(dict.fromkeys(sorted(dirty)))
        in_window = {each for pane in self._panes for each in pane.ids_seen()}
        due = [each for each in self._waiting if each in in_window][:ROWS_A_VIEW]
        due += [each for each in self._waiting if each not in in_window]
        for each in due:
            del self._waiting[each]
        return set(due)

    def mark_active(self, active: bool) -> None:
        for pane in self._panes:
            pane.mark_active(active)

    def move(self, direction: str) -> None:
        page = max(1, self.size.height - 2)
        top = self.scroll_offset.y
        target = {
            "up": top - 1,
            "down": top + 1,
            "page_up": top - page,
            "page_down": top + page,
            "home": 0,
            "end": self.max_scroll_y,
        }[direction]
        self.scroll_to(y=target, animate=False, immediate=True, force=True)

    def _lay_out(self, listed: Listed) -> None:
        self._listed = (listed.instruments, listed.empty)
        by_symbol: dict[str, list[Instrument]] = {}
        self._converted_by = {}
        for each in listed.instruments:
            by_symbol.setdefault(f"{each.base}/{each.counted_quote}", []).append(each)
            for rate in each.rates:
                self._converted_by.setdefault(rate.id, set()).add(each.id)
        self._panes = [PricePane(symbol, members, self._says_order) for symbol, members in by_symbol.items()]
        panes: list[LinePane] = list(self._panes)
        if not panes:
            notice = TextPane("Prices")
            notice.show([((line, "quiet"),) for line in listed.empty.splitlines()])
            panes.append(notice)
        self.remove_children()
        self.mount(*panes)
        self._flow()

    def _flow(self) -> None:
        """As many panes beside each other as fit, and which rows of each stand in the window."""
        columns = max(1, min(len(self._panes), self.scrollable_content_region.width // PANE_WIDTH))
        self.styles.grid_size_columns = columns
        top = -self.scroll_offset.y
        for at in range(0, len(self._panes), columns):
            beside = self._panes[at : at + columns]
            for pane in beside:
                # The header stands in the pane's first line.
                first, last = -top - 1, self.size.height - top - 1
                pane.shown_rows = range(max(0, first), max(0, min(pane.row_count, last)))
            top += 1 + max(pane.row_count for pane in beside)

    def on_resize(self, event: events.Resize) -> None:
        self._flow()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._flow()
        for pane in self._panes:
            if pane.shown_rows:
                pane.catch_up()
