"""The marks: each is named in the help, and has a form for terminals that take ASCII alone."""

import ast
from pathlib import Path

import arbsniper_tui.ui
from arbsniper_tui.ui import event_lines
from arbsniper_tui.ui.actions import MARKS
from arbsniper_tui.ui.paint import words
from arbsniper_tui.ui.screens.help import help_lines
from arbsniper_tui.ui.terminal import ASCII
from arbsniper_tui.ui.widgets import feed_bar
from tests.ui.played import after, app_on
from tests.ui.terminal import lines_of
from tests.ui.test_replay import replay, view_of

SOURCES = sorted(Path(next(iter(arbsniper_tui.ui.__path__))).rglob("*.py"))


def characters_of(source: Path) -> set[str]:
    """Every character of a module's texts."""
    nodes = ast.walk(ast.parse(source.read_text(encoding="utf-8")))
    return {
        char for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str) for char in node.value
    }


def test_every_character_of_the_screens_has_an_ascii_form() -> None:
    assert len(SOURCES) > 30
    drawn = set().union(*map(characters_of, SOURCES))
    assert "▶" in drawn
    assert {char for char in drawn if not char.isascii() and ord(char) not in ASCII} == set()
    assert all(len(form) == 1 and form.isascii() for form in map(str, ASCII.values()))


def test_two_marks_never_share_an_ascii_form() -> None:
    marks = {mark for mark, _, _ in MARKS}
    assert len({mark.translate(ASCII) for mark in marks}) == len(marks)


async def test_every_mark_that_is_drawn_is_named_in_the_help() -> None:
    named = {mark for mark, _, _ in MARKS}
    drawn = {mark for mark, _ in (*event_lines._MARKS.values(), *feed_bar.MARKS.values(), feed_bar.UNKNOWN)}
    for status in (replay(), replay(is_paused=True), replay(is_over=True)):
        app = app_on(view_of(status))
        async with app.run_test(size=(100, 30)) as pilot:
            await after(pilot)
            drawn.add(lines_of(app)[2].split()[0])
    assert {"▶", "‖", "■"} <= drawn <= named
    page = [words(line) for line in help_lines()]
    assert all(any(line.startswith(f" {mark} ") for line in page) for mark in named)
