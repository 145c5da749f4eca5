"""What every live pane shares: a header line, rows drawn on demand, repainted only where their text changed."""

from collections.abc import Iterable, Sequence

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from arbsniper_tui.ui.paint import ROLE_CLASSES, Brush, Line, cell, joined, width_of


class LineBar(Widget, can_focus=False):
    """A few fixed lines, handed over whole; only those that changed are repainted."""

    COMPONENT_CLASSES = ROLE_CLASSES
    ALLOW_SELECT = False
    DEFAULT_CSS = "LineBar { height: 1; width: 100%; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._brush = Brush(self)
        self._lines: tuple[Line, ...] = ()
        self.rows_painted = 0

    def put(self, lines: Sequence[Line]) -> None:
        """Show `lines`; a line that is as before costs nothing."""
        before, self._lines = self._lines, tuple(lines)
        for y, line in enumerate(self._lines):
            if y >= len(before):
                self.refresh(Region(0, y, self.size.width, 1))
            elif before[y] != line:
                self.refresh(Region(0, y, max(width_of(line), width_of(before[y])), 1))
        for y in range(len(self._lines), len(before)):
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        self.rows_painted += 1
        line = self._lines[y] if y < len(self._lines) else ()
        return self._brush.strip(line, self.size.width)

    def notify_style_update(self) -> None:
        self._brush.forget()
        super().notify_style_update()


class LinePane(ScrollView, can_focus=False):
    """A header line over rows that scroll. A subclass says how many rows there are and what stands in one."""

    COMPONENT_CLASSES = ROLE_CLASSES
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LinePane {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._brush = Brush(self)
        self._lines: dict[int, Line] = {}
        self._strips: dict[int, Strip] = {}
        self._header: Line = ()
        self._row_count = 0
        self._awaits: tuple[str, ...] = ()
        self.cursor = -1
        """The selected row; -1 where the pane only scrolls."""
        self.active = False
        """Whether the arrow keys act on this pane."""
        self.rows_painted = 0
        self.extent = Size(0, 0)
        """The size since the last resize; asking the layout for it on each row would cost more than drawing."""

    # What a subclass says.

    def line_of(self, index: int) -> Line:
        """What stands in a row now."""
        raise NotImplementedError

    def header_of(self, width: int) -> Line:
        """The header for the present width."""
        raise NotImplementedError

    # What a subclass uses.

    @property
    def room(self) -> int:
        """The cells of a row behind its lead, the scrollbar's left out."""
        return max(1, self.scrollable_content_region.width - 1)

    def lay(self, row_count: int, awaits: str | None = None) -> None:
        """Set how many rows there are; `awaits` stands in the place of rows while there are none."""
        if awaits is not None:
            self._awaits = tuple(awaits.splitlines())
        if row_count != self._row_count:
            self._row_count = row_count
            self.virtual_size = Size(self.room + 1, row_count + 1)
        self.cursor = min(self.cursor, row_count - 1)

    def draw_all(self) -> None:
        """Forget what was drawn and repaint."""
        self._lines.clear()
        self._strips.clear()
        self._header = self.header_of(self.room)
        self.refresh()

    def draw_header(self) -> None:
        """Repaint the header if its text changed."""
        header = self.header_of(self.room)
        if header != self._header:
            self._header = header
            self.refresh(Region(0, 0, self.extent.width, 1))

    def draw(self, rows: Iterable[int]) -> None:
        """Repaint those of `rows` that are on the screen and whose text changed."""
        window = self.seen()
        top = self.scroll_offset.y - 1
        regions: list[Region] = []
        for index in rows:
            if index not in window:
                continue
            line = self.line_of(index)
            before = self._lines.get(index)
            if line == before:
                continue
            self._lines[index] = line
            self._strips.pop(index, None)
            cells = max(width_of(line), width_of(before) if before else 0) + 1
            regions.append(Region(0, index - top, min(cells, self.extent.width), 1))
        if regions:
            self.refresh(*regions)

    def draw_seen(self) -> None:
        """Repaint what changed in the window."""
        self.draw(self.seen())

    def seen(self) -> range:
        """The rows within the window."""
        first = self.scroll_offset.y
        return range(first, min(self._row_count, first + max(0, self.extent.height - 1)))

    # Moving.

    def move(self, direction: str) -> None:
        """Move the selection, or scroll where nothing can be selected."""
        page = max(1, self.extent.height - 2)
        step = {"up": -1, "down": 1, "page_up": -page, "page_down": page}.get(direction)
        if self.cursor < 0:
            goal = {"home": 0, "end": self.max_scroll_y}.get(direction)
            target = self.scroll_offset.y + (step or 0) if goal is None else goal
            self.scroll_to(y=target, animate=False, immediate=True, force=True)
            return
        last = self._row_count - 1
        goal = {"home": 0, "end": last}.get(direction)
        self.select(max(0, min(last, self.cursor + (step or 0) if goal is None else goal)))

    def select(self, index: int) -> None:
        """Put the cursor on a row and bring it into the window."""
        before, self.cursor = self.cursor, index
        for each in {before, index}:
            self.redraw(each)
        top = self.scroll_offset.y
        rows = max(1, self.extent.height - 1)
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True, force=True)
        elif index >= top + rows:
            self.scroll_to(y=index - rows + 1, animate=False, immediate=True, force=True)

    def redraw(self, index: int) -> None:
        """Repaint a row whether or not its text changed."""
        self._strips.pop(index, None)
        if index in self.seen():
            self.refresh(Region(0, index + 1 - self.scroll_offset.y, self.extent.width, 1))

    def mark_active(self, active: bool) -> None:
        """Show whether the arrow keys act here."""
        if self.active != active:
            self.active = active
            self.draw_all()

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1 + self.scroll_offset.y
        if self.cursor >= 0 and event.y > 0 and index < self._row_count:
            self.select(index)

    # Drawing.

    def render_line(self, y: int) -> Strip:
        self.rows_painted += 1
        width = self.extent.width
        if not width:
            return Strip.blank(self.size.width)
        if y == 0:
            lead = ("━", "accent") if self.active else ("─", "rule")
            return self._brush.strip(joined((lead, *self._header)), width)
        index = y - 1 + self.scroll_offset.y
        if index >= self._row_count:
            return self._empty(y, width)
        strip = self._strips.get(index)
        if strip is None:
            line = self._lines.get(index)
            if line is None:
                line = self._lines[index] = self.line_of(index)
            chosen = index == self.cursor
            lead = ("›", "strong") if chosen else (" ", "text")
            strip = self._strips[index] = self._brush.strip(joined((lead, *line)), width, chosen)
        return strip

    def _empty(self, y: int, width: int) -> Strip:
        said = self._awaits[y - 1] if self._row_count == 0 and y <= len(self._awaits) else ""
        return self._brush.strip(((cell(f" {said}", width), "quiet"),) if said else (), width)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        self._lines.clear()
        self._strips.clear()
        super().watch_scroll_y(old_value, new_value)
        # The first scroll may come before the bar is there to be told.
        self.vertical_scrollbar.position = new_value

    def on_resize(self) -> None:
        self.extent = self.size
        self.virtual_size = Size(self.room + 1, self._row_count + 1)
        self.draw_all()

    def notify_style_update(self) -> None:
        self._brush.forget()
        self._strips.clear()
        super().notify_style_update()


class TextPane(LinePane):
    """Lines that are handed over whole, under a title; only those that changed are repainted."""

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._note = ""
        self._held: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line], note: str = "", title: str = "") -> None:
        before, self._held = self._held, tuple(lines)
        self._note = note
        self._title = title or self._title
        if len(before) != len(self._held):
            self.lay(len(self._held))
            self.draw_all()
            return
        self.draw_header()
        self.draw_seen()

    def line_of(self, index: int) -> Line:
        return self._held[index]

    def header_of(self, width: int) -> Line:
        note = f" {self._note} " if self._note else ""
        rule = "─" * max(0, width - len(self._title) - 1 - len(note))
        return joined(((f"{self._title} ", "title"), (rule, "rule"), (note, "head")))
