"""The escape sequences between two styles."""

import itertools

import pyte
from rich.color import ColorSystem
from rich.style import Style

from arbsniper_tui.ui.output import style_change

INK = Style(color="#c3cad3", bgcolor="#0f1216")
QUIET = Style(color="#7d8793", bgcolor="#0f1216")
STYLES = (
    Style(),
    INK,
    QUIET,
    Style(color="#ffffff", bgcolor="#0f1216", bold=True),
    Style(color="red", bgcolor="bright_blue"),
    Style(bgcolor="color(12)"),
    Style(dim=True),
    Style(bold=True, underline=True),
    Style(italic=True, strike=True, reverse=True),
    Style(bold=False),
)


def drawn(text: str) -> list[pyte.screens.Char]:
    screen = pyte.Screen(4, 1)
    pyte.Stream(screen).feed(text)
    return [screen.buffer[0][x] for x in range(4)]


def test_every_style_looks_as_if_it_was_said_in_full_whatever_was_before_it() -> None:
    for before, after in itertools.product(STYLES, repeat=2):
        system = ColorSystem.TRUECOLOR
        changed = f"{style_change(STYLES[0], before, system)}a{style_change(before, after, system)}b\x1b[0m"
        in_full = before.render("a", color_system=system) + after.render("b", color_system=system)
        assert drawn(changed) == drawn(in_full), (before, after)


def test_only_what_differs_is_said() -> None:
    assert style_change(INK, QUIET, ColorSystem.TRUECOLOR) == "\x1b[38;2;125;135;147m"
    assert style_change(INK, INK, ColorSystem.TRUECOLOR) == ""


def test_a_terminal_without_styles_gets_none() -> None:
    assert style_change(INK, QUIET, None) == ""
