"""A picture in few bytes (docs/decisions/0016): only the cells that changed, and of their styles only what differs."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

_PLAIN = Style()
_RESET = "\x1b[0m"
_OFF = {
    "bold": "22",
    "dim": "22",
    "italic": "23",
    "underline": "24",
    "underline2": "24",
    "blink": "25",
    "blink2": "25",
    "reverse": "27",
    "conceal": "28",
    "strike": "29",
    "frame": "54",
    "encircle": "54",
    "overline": "55",
}
"""The code that ends each attribute of a style."""


class ExactUpdate(ChopsUpdate):
    """Sends the cells that changed. Textual's own update sends each line of a widget from its left edge, and each piece
    of it with all codes of its style before it and a reset behind it."""

    def render_segments(self, console: Console) -> str:
        pieces: list[str] = []
        in_force = _PLAIN
        for y, start, end in self.spans:
            for chop_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is not None and x < end and start < chop_end:
                    first = max(x, start)
                    pieces.append(f"\x1b[{y + 1};{first + 1}H")
                    for text, style in _cells(strip, first - x, min(end, chop_end) - x):
                        pieces += style_change(in_force, style, console._color_system), text
                        in_force = style
        return "".join((*pieces, _RESET))


def _cells(strip: Strip, start: int, end: int) -> Iterator[tuple[str, Style]]:
    """The cells of a strip from `start` to `end`. `Strip.crop` would make a strip, and its caches."""
    x = 0
    for segment in strip:
        after = x + segment.cell_length
        if x < end and start < after:
            if end < after:
                segment = segment.split_cells(end - x)[0]
            if start > x:
                segment = segment.split_cells(start - x)[1]
            yield segment.text, segment.style or _PLAIN
        x = after


@lru_cache(maxsize=4096)
def style_change(before: Style, after: Style, system: ColorSystem | None) -> str:
    """The escape sequence that turns one style into another; empty where they are alike, and on a terminal that takes
    none."""
    if before == after or system is None:
        return ""
    attributes: dict[str, Any] = {name: getattr(after, name) or None for name in _OFF}
    codes = [off for name, off in _OFF.items() if getattr(before, name) and not attributes[name]]
    difference = Style(
        color=None if after.color == before.color else after.color or Color.default(),
        bgcolor=None if after.bgcolor == before.bgcolor else after.bgcolor or Color.default(),
        **attributes,
    )
    # Style.render, the public way to these codes, puts a reset behind them.
    codes.append(difference._make_ansi_codes(system))
    return f"\x1b[{';'.join(filter(None, codes))}m"
