"""Columns as data: which stand in a pane of a given width, and the header line over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from arbsniper_tui.ui.paint import Line, cell, joined

GAP = 1
MONEY_WIDTH = 14
"""Of the columns that hold an amount of money and its currency."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `unit` follows the title."""

    id: str
    title: str
    width: int
    align: str = "left"
    unit: str = ""
    drop: int = 0
    """0: always shown. In a narrow pane the columns with the largest number go first, equal ones together."""
    grows: bool = False
    """Takes the room that is left over."""

    @property
    def heading(self) -> str:
        return f"{self.title} {self.unit}".strip()


def fitted(columns: Sequence[Column], width: int) -> tuple[Column, ...]:
    """The columns that fit into `width` cells, one cell between them, the growing one widened."""
    kept = list(columns)
    while _width(kept) > width and (first_to_go := max(column.drop for column in kept)):
        kept = [column for column in kept if column.drop != first_to_go]
    spare = width - _width(kept)
    return tuple(replace(column, width=max(1, column.width + spare)) if column.grows else column for column in kept)


def header(
    columns: Sequence[Column],
    width: int,
    title: str,
    note: str = "",
    sorted_by: str = "",
    named: Mapping[str, str] | None = None,
    at_end: str = "",
) -> Line:
    """A thin rule that carries the pane's title, a quiet note, and each column's heading where its values stand, as
    far as these leave room for it; `named` gives headings that change, and `at_end` stands at the right end if the rule
    is bare there."""
    chars = ["─"] * width
    roles = ["rule"] * width
    start = 0
    taken = len(title) + 1 + (len(note) + 1 if note else 0)
    for column in columns:
        heading = (named or {}).get(column.id, column.heading) + ("▾" if column.id == sorted_by else "")
        at = _placed(heading, start, column)
        if at >= taken:
            _write(chars, roles, at, heading, "head", column)
        start += column.width + GAP
    _lay(chars, roles, 0, f"{title} ", "title")
    if note:
        _lay(chars, roles, len(title) + 1, f"{note} ", "head")
    end_at = width - len(at_end) - 2
    if at_end and "".join(chars[end_at - 1 :]) == "─" * (len(at_end) + 3):
        _lay(chars, roles, end_at, f" {at_end} ", "head")
    return joined(zip(chars, roles, strict=True))


def row(columns: Sequence[Column], texts: Sequence[tuple[str, str]]) -> Line:
    """One row of (text, role), a cell a column."""
    pieces: list[tuple[str, str]] = []
    for column, (text, role) in zip(columns, texts, strict=True):
        pieces.append((cell(text, column.width, column.align), role))
        pieces.append((" ", "text"))
    return joined(pieces[:-1])


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def _placed(heading: str, start: int, column: Column) -> int:
    return start + column.width - len(heading) if column.align == "right" else start


def _write(chars: list[str], roles: list[str], at: int, text: str, role: str, column: Column) -> None:
    if not text or at < 0:
        return
    if column.align == "right":
        _lay(chars, roles, max(0, at - 1), f" {text} "[at == 0 :], role)
    else:
        _lay(chars, roles, at, f"{text} ", role)


def _lay(chars: list[str], roles: list[str], at: int, text: str, role: str) -> None:
    for offset, char in enumerate(text):
        if at + offset < len(chars):
            chars[at + offset] = char
            roles[at + offset] = role
