"""What every live pane shares: lines drawn on demand, of which only the cells that changed are repainted.

A pane scrolls by moving its window over the rows. Nothing is laid out for that, however fast rows come.
"""

from collections.abc import Iterable, Sequence

from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from arbsniper_tui.ui.paint import Brush, Line, cell, changed_span, joined, width_of

WHEEL_ROWS = 3


class LineWidget(Widget, can_focus=False):
    """Lines that a subclass provides one by one. It has no border and no padding."""

    ALLOW_SELECT = False
    FADES = False
    """Whether its values are old while the node is not heard, and look so."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._brush = Brush(self, fades=self.FADES)
        self._painted: list[tuple[Line, bool]] = []
        """What stands in each line of the widget, and whether it is the selected row."""
        self._strips: list[Strip | None] = []
        self.extent = Size(0, 0)
        """The size since the last resize; asking the layout for it on each row would cost more than drawing."""
        self.rows_painted = 0

    def content_of(self, y: int) -> tuple[Line, bool]:
        """What stands in a line of the widget now, and whether it is the selected row."""
        raise NotImplementedError

    def repaint(self, lines: Iterable[int] | None = None) -> None:
        """Repaint the cells that changed in these lines of the widget, or in all of them."""
        regions: list[Region] = []
        for y in range(self.extent.height) if lines is None else lines:
            if y >= self.extent.height:
                continue
            content, before = self.content_of(y), self._painted[y]
            if content == before:
                continue
            self._painted[y], self._strips[y] = content, None
            start, end = changed_span(before[0], content[0]) if content[1] == before[1] else (0, self.extent.width)
            regions.append(Region(start, y, end - start, 1))
        if regions:
            self.refresh(*regions)

    def repaint_all(self) -> None:
        """Forget what was drawn and repaint."""
        self._painted = [self.content_of(y) for y in range(self.extent.height)]
        self._strips = [None] * self.extent.height
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if y >= len(self._strips):
            return self._brush.strip((), self.size.width)
        strip = self._strips[y]
        if strip is None:
            self.rows_painted += 1
            line, is_selected = self._painted[y]
            strip = self._strips[y] = self._brush.strip(line, self.extent.width, is_selected)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        # Textual's cache of styled lines visits every line of every widget whenever anything changes, for borders and
        # padding that these widgets do not have.
        strips = [self.render_line(y) for y in crop.line_range]
        return strips if crop.width == self.extent.width else [each.crop(crop.x, crop.right) for each in strips]

    def fit(self) -> None:
        """Adapt to a new size; everything is repainted afterwards."""

    def on_resize(self) -> None:
        self.extent = self.size
        self.fit()
        self.repaint_all()

    def notify_style_update(self) -> None:
        self._brush.forget()
        self._strips = [None] * len(self._strips)
        super().notify_style_update()


class LineBar(LineWidget):
    """A few fixed lines, handed over whole."""

    DEFAULT_CSS = "LineBar { height: 1; width: 100%; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    def put(self, lines: Sequence[Line]) -> None:
        """Show `lines`; a line that is as before costs nothing."""
        self._lines = tuple(lines)
        self.repaint()

    def content_of(self, y: int) -> tuple[Line, bool]:
        line = self._lines[y] if y < len(self._lines) else ()
        return joined((*line, (" " * (self.extent.width - width_of(line)), "text"))), False


class LinePane(LineWidget):
    """A header line over rows that scroll. A subclass says how many rows there are and what stands in one."""

    DEFAULT_CSS = "LinePane { height: 1fr; width: 100%; }"
    FADES = True
    HAS_BAR = True
    """Whether the last column is kept for a scrollbar."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._row_count = 0
        self._awaits: tuple[str, ...] = ()
        self._thumb = range(0)
        self.top = 0
        """The first row in the window."""
        self.cursor = -1
        """The selected row, always within the window; -1 where the pane only scrolls."""
        self.active = False
        """Whether the arrow keys act on this pane."""

    # For subclasses to implement.

    def line_of(self, index: int) -> Line:
        """What stands in a row now."""
        raise NotImplementedError

    def header_of(self, width: int) -> Line:
        """The header for the present width."""
        raise NotImplementedError

    # For subclasses to use.

    @property
    def room(self) -> int:
        """The cells of a row between its lead and the scrollbar."""
        return max(1, self.extent.width - 1 - self.HAS_BAR)

    @property
    def row_count(self) -> int:
        return self._row_count

    @property
    def window(self) -> int:
        """How many rows stand under the header."""
        return max(0, self.extent.height - 1)

    @property
    def last_top(self) -> int:
        """The first row of the last window."""
        return max(0, self._row_count - self.window)

    def lay(self, row_count: int, awaits: str | None = None) -> None:
        """Set how many rows there are; `awaits` stands in the place of rows while there are none."""
        if awaits is not None:
            self._awaits = tuple(awaits.splitlines())
        self._row_count = row_count
        self.cursor = min(self.cursor, row_count - 1)
        self.show_from(self.top)

    def seen(self) -> range:
        """The rows within the window."""
        return range(self.top, min(self._row_count, self.top + self.window))

    def show_from(self, top: int) -> None:
        """Move the window to begin with this row, as far as there are rows to fill it."""
        self.top = max(0, min(self.last_top, top))

    def reveal(self, index: int) -> None:
        """Move the window so far that a row stands in it; before it has a size there is nothing to move."""
        if self.window:
            self.show_from(min(index, max(self.top, index - self.window + 1)))

    def fit(self) -> None:
        self.show_from(self.top)
        if self.cursor >= 0:
            self.reveal(self.cursor)

    def repaint(self, lines: Iterable[int] | None = None) -> None:
        if lines is None:
            self._thumb = self._thumb_lines()
        super().repaint(lines)

    def repaint_all(self) -> None:
        self._thumb = self._thumb_lines()
        super().repaint_all()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 + max(self._row_count, len(self._awaits))

    # Moving.

    def move(self, direction: str) -> None:
        """Move the selection, or the window where nothing can be selected."""
        page = max(1, self.window - 1)
        step = {"up": -1, "down": 1, "page_up": -page, "page_down": page}.get(direction, 0)
        if self.cursor < 0:
            goal = {"home": 0, "end": self.last_top}.get(direction, self.top + step)
            self.scroll_rows(goal - self.top)
        else:
            last = self._row_count - 1
            goal = {"home": 0, "end": last}.get(direction, self.cursor + step)
            self.select(max(0, min(last, goal)))

    def select(self, index: int) -> None:
        """Put the cursor on a row and bring it into the window."""
        self.cursor = index
        self.reveal(index)
        self.repaint()

    def scroll_rows(self, rows: int) -> None:
        """Move the window; where the selected row leaves it, the nearest row inside is selected."""
        self.show_from(self.top + rows)
        seen = self.seen()
        if self.cursor >= 0 and seen and self.cursor not in seen:
            self.select(max(seen[0], min(seen[-1], self.cursor)))
        else:
            self.repaint()

    def mark_active(self, active: bool) -> None:
        """Show whether the arrow keys act here."""
        self.active = active
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1 + self.top
        if self.cursor >= 0 and event.y > 0 and index < self._row_count and event.x <= self.room:
            self.select(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._turn_wheel(event, WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._turn_wheel(event, -WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self._thumb and event.x > self.room:
            self.capture_mouse()
            self._drag(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._drag(event)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def _turn_wheel(self, event: events.MouseEvent, rows: int) -> None:
        if self.HAS_BAR:
            event.stop()
            self.scroll_rows(rows)

    def _drag(self, event: events.MouseEvent) -> None:
        """Put the middle of the scrollbar's thumb under the mouse."""
        goal = (event.y - 1 - len(self._thumb) / 2) / max(1, self.window - len(self._thumb)) * self.last_top
        self.scroll_rows(round(goal) - self.top)

    # Drawing.

    def content_of(self, y: int) -> tuple[Line, bool]:
        index = y - 1 + self.top
        if y == 0:
            lead, line = ("━", "accent") if self.active else ("─", "rule"), self.header_of(self.room)
        elif index < self._row_count:
            lead, line = ("›", "strong") if index == self.cursor else (" ", "text"), self.line_of(index)
        else:
            said = self._awaits[y - 1] if self._row_count == 0 and y <= len(self._awaits) else ""
            lead, line = (" ", "text"), ((cell(said, self.room), "quiet"),)
        pieces = [lead, *line]
        if self.HAS_BAR:
            pieces += [(" " * (self.room - width_of(line)), "text"), ("▐" if y in self._thumb else " ", "rule")]
        return joined(pieces), y > 0 and index == self.cursor

    def _thumb_lines(self) -> range:
        """The lines of the widget that the scrollbar's thumb takes up; none while all rows are seen."""
        if not (self.HAS_BAR and 0 < self.window < self._row_count):
            return range(0)
        length = max(1, self.window * self.window // self._row_count)
        start = 1 + round(self.top / self.last_top * (self.window - length))
        return range(start, start + length)


class TextPane(LinePane):
    """Lines that are handed over whole, under a title."""

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._note = ""
        self._held: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line], note: str = "", title: str = "") -> None:
        self._held = tuple(lines)
        self._note = note
        self._title = title or self._title
        self.lay(len(self._held))
        self.repaint()

    def line_of(self, index: int) -> Line:
        return self._held[index]

    def header_of(self, width: int) -> Line:
        note = f" {self._note} " if self._note else ""
        rule = "─" * max(0, width - len(self._title) - 1 - len(note))
        return joined(((f"{self._title} ", "title"), (rule, "rule"), (note, "head")))
