"""Lines as data: pieces of text with a role, and the brush that turns them into strips in the theme's colours."""

from collections.abc import Iterable
from itertools import zip_longest
from os.path import commonprefix

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

Line = tuple[tuple[str, str], ...]
"""Pieces of (text, role); neighbours differ in role."""

ROLES = (
    "text",
    "bright",
    "quiet",
    "rule",
    "head",
    "title",
    "accent",
    "strong",
    "warn",
    "bad",
    "good",
    "gain",
    "loss",
    "bar",
    "badge",
    "caret",
)
_UNSPREAD = ("rule", "badge", "caret")
"""Roles that are visible on blanks: the blanks beside them keep their own."""
_FADING = ("text", "bright", "accent", "strong", "good", "gain", "loss", "bar")
"""Roles of values that are old while the node is not heard."""
ROLE_CLASSES = {f"role--{role}" for role in (*ROLES, "faded", "cursor")}
"""The component classes of a screen. Textual applies the style sheet to each of them whenever a widget that has them is
styled, so that only the screen has them, and its widgets ask it."""
LOST_CLASS = "-lost"
"""Of a screen while the node is not heard."""


def joined(pieces: Iterable[tuple[str, str]]) -> Line:
    """Merge neighbours of one role; blank text takes its neighbour's, so that a row needs few colour changes.

    Control characters, which a venue's message may hold, become spaces.
    """
    merged: list[tuple[str, str]] = []
    for text, role in pieces:
        if not text:
            continue
        if not text.isprintable():
            text = "".join(char if char.isprintable() else " " for char in text)
        if merged and (merged[-1][1] == role or (text.isspace() and role not in _UNSPREAD)):
            merged[-1] = (merged[-1][0] + text, merged[-1][1])
        elif merged and merged[-1][0].isspace() and merged[-1][1] not in _UNSPREAD:
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append((text, role))
    return tuple(merged)


def words(line: Line) -> str:
    return "".join(text for text, _ in line)


def width_of(line: Line) -> int:
    return sum([len(text) if text.isascii() else cell_len(text) for text, _ in line])


def changed_span(before: Line, after: Line) -> tuple[int, int]:
    """The first cell in which two lines differ and the one behind the last; equal numbers where none does."""
    width = width_of(after)
    start = _alike(before, after, from_end=False)
    if width_of(before) != width:
        return start, max(width_of(before), width)
    return start, max(start, width - _alike(before, after, from_end=True))


def _alike(before: Line, after: Line, *, from_end: bool) -> int:
    """How many cells two lines have in common at their start, or at their end."""
    step = -1 if from_end else 1
    cells = 0
    for old, new in zip_longest(before[::step], after[::step], fillvalue=("", "")):
        if old == new:
            cells += cell_len(new[0])
            continue
        if old[1] == new[1]:
            cells += cell_len(commonprefix((old[0][::step], new[0][::step])))
        break
    return cells


def cell(text: str, width: int, align: str = "left") -> str:
    """Text in exactly `width` characters; what does not fit ends in an ellipsis."""
    if len(text) > width:
        return text[: max(0, width - 1)] + "…" if width else ""
    return text.rjust(width) if align == "right" else text.ljust(width)


def ends(left: Line, right: Line, width: int) -> Line:
    """One line with `left` at its start and `right` at its end; `right` is left out where both do not fit."""
    room = width - width_of(left)
    if not right or width_of(right) + 1 > room:
        return left
    return joined((*left, (" " * (room - width_of(right)), "text"), *right))


class Brush:
    """The styles by role for a widget, read from its screen's component classes; forget them when its styles change."""

    def __init__(self, widget: Widget, *, fades: bool) -> None:
        """`fades`: what it draws is old while the node is not heard, and looks so."""
        self._widget = widget
        self._fades = fades
        self._styles: dict[tuple[str, bool], Style] = {}

    def forget(self) -> None:
        self._styles.clear()

    def style(self, role: str, under_cursor: bool = False) -> Style:
        asked = (role, under_cursor)
        style = self._styles.get(asked)
        if style is None:
            if not self._widget.is_attached:
                # A removed widget is drawn once more before the next layout, and Textual has removed its styles.
                return Style()
            screen = self._widget.screen
            is_faded = self._fades and role in _FADING and screen.has_class(LOST_CLASS)
            style = screen.get_component_rich_style("role--faded" if is_faded else f"role--{role}")
            if under_cursor:
                cursor = screen.get_component_rich_style("role--cursor")
                # Quiet text, and in sixteen colours any text, cannot be read on the cursor's background.
                is_plain = role == "quiet" or (cursor.bgcolor is not None and cursor.bgcolor.is_system_defined)
                style += Style(color=cursor.color if is_plain else None, bgcolor=cursor.bgcolor, reverse=cursor.reverse)
            style = self._styles[asked] = self._filtered(style)
        return style

    def _filtered(self, style: Style) -> Style:
        """The style after Textual's colour filters, which run once for each style here rather than for each line."""
        segments = [Segment(" ", style)]
        for each in self._widget.get_line_filters():
            segments = each.apply(segments, self._widget.background_colors[1])
        return segments[0].style or style

    def strip(self, line: Line, width: int, under_cursor: bool = False) -> Strip:
        """A strip of exactly `width` cells."""
        style = self.style
        segments = [Segment(text, style(role, under_cursor)) for text, role in line]
        cells = width_of(line)
        if cells < width:
            last = line[-1][1] if line and line[-1][1] not in ("badge", "caret") else "text"
            segments.append(Segment(" " * (width - cells), style(last, under_cursor)))
        strip = Strip(segments, max(cells, width))
        return strip if cells <= width else strip.crop(0, width)
