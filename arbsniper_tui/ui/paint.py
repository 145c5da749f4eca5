"""Lines as data: pieces of text with a role, and the brush that turns them into strips in the theme's colours."""

from collections.abc import Iterable

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
    "bar",
    "badge",
)
ROLE_CLASSES = {f"role--{role}" for role in (*ROLES, "cursor")}


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
        if merged and (merged[-1][1] == role or (text.isspace() and role not in ("rule", "badge"))):
            merged[-1] = (merged[-1][0] + text, merged[-1][1])
        elif merged and merged[-1][0].isspace() and merged[-1][1] not in ("rule", "badge"):
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append((text, role))
    return tuple(merged)


def words(line: Line) -> str:
    return "".join(text for text, _ in line)


def width_of(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def cell(text: str, width: int, align: str = "left") -> str:
    """Text in exactly `width` characters; what does not fit ends in an ellipsis."""
    if len(text) > width:
        return text[: max(0, width - 1)] + "…" if width else ""
    return text.rjust(width) if align == "right" else text.ljust(width)


def ends(left: Line, right: Line, width: int) -> Line:
    """One line with `left` at its start and `right` at its end; `right` gives way where both do not fit."""
    room = width - width_of(left)
    if not right or width_of(right) + 1 > room:
        return left
    return joined((*left, (" " * (room - width_of(right)), "text"), *right))


class Brush:
    """A widget's styles by role, read from its component classes; forget them when its styles change."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[str, bool], Style] = {}

    def forget(self) -> None:
        self._styles.clear()

    def style(self, role: str, under_cursor: bool = False) -> Style:
        key = (role, under_cursor)
        style = self._styles.get(key)
        if style is None:
            style = self._widget.get_component_rich_style(f"role--{role}")
            if under_cursor:
                cursor = self._widget.get_component_rich_style("role--cursor")
                # What is quiet elsewhere could not be read on the cursor's ground in sixteen colours.
                style += Style(color=cursor.color if role == "quiet" else None, bgcolor=cursor.bgcolor)
            self._styles[key] = style
        return style

    def strip(self, line: Line, width: int, under_cursor: bool = False) -> Strip:
        """A strip of exactly `width` cells."""
        style = self.style
        segments = [Segment(text, style(role, under_cursor)) for text, role in line]
        cells = width_of(line)
        if cells < width:
            last = line[-1][1] if line and line[-1][1] != "badge" else "text"
            segments.append(Segment(" " * (width - cells), style(last, under_cursor)))
        strip = Strip(segments, max(cells, width))
        return strip if cells <= width else strip.crop(0, width)
