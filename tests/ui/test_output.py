import pyte
import pytest

from arbsniper_tui.ui.output import slim

INK = "\x1b[38;2;195;202;211;48;2;15;18;22m"
QUIET = "\x1b[38;2;125;135;147;48;2;15;18;22m"
BRIGHT = "\x1b[1;38;2;255;255;255;48;2;15;18;22m"
OFF = "\x1b[0m"


def picture(text: str) -> list[dict[int, pyte.screens.Char]]:
    screen = pyte.Screen(40, 5)
    pyte.Stream(screen).feed(text)
    return [dict(screen.buffer[y]) for y in range(5)]


@pytest.mark.parametrize(
    "text",
    [
        f"\x1b[2;1H{INK}okx  {OFF}{QUIET}spot{OFF}",
        f"\x1b[2;1H{INK}67,0{OFF}{BRIGHT}12.3{OFF}{INK} 1{OFF}\n\x1b[3;4H{QUIET}x{OFF}",
        f"{BRIGHT}a{OFF}plain{INK}b{OFF}",
        f"\x1b[31ma{OFF}\x1b[1;31;44mb{OFF}\x1b[44mc{OFF}\x1b[90md{OFF}",
        f"\x1b[1mA{OFF}\x1b[2mB{OFF}\x1b[1;2mC{OFF}\x1b[4mD{OFF}\x1b[7mE{OFF}F",
        f"\x1b[38;5;12;48;5;3ma{OFF}\x1b[38;5;12mb{OFF}",
        f"\x1b[53ma{OFF}{INK}b{OFF}",
    ],
)
def test_the_picture_stays_the_same(text: str) -> None:
    assert picture(slim(text)) == picture(text)


def test_only_what_differs_is_said() -> None:
    text = f"{INK}a{OFF}{QUIET}b{OFF}{INK}c{OFF}"
    assert slim(text) == f"{INK}a\x1b[38;2;125;135;147mb\x1b[38;2;195;202;211mc{OFF}"


def test_a_price_row_shrinks_by_a_quarter() -> None:
    text = "".join(f"{style}12.3 {OFF}" for style in (INK, BRIGHT, INK, BRIGHT, QUIET))
    assert len(slim(text)) < len(text) * 0.75
