import pytest

from arbsniper_tui.ui.line_editor import LineEditor
from arbsniper_tui.ui.paint import words


def typed(text: str, *keys: str) -> LineEditor:
    """An editor that began with `text`, after these keys; one of a single character is that character."""
    editor = LineEditor(text)
    for key in keys:
        editor.press(key, key if len(key) == 1 else None)
    return editor


def test_what_is_typed_first_takes_the_place_of_the_text() -> None:
    assert typed("0.50", *"0.7").text == "0.7"
    assert typed("0.50", "backspace").text == ""
    assert typed("0.50", "ctrl+u", "1").text == "1"


def test_a_moved_caret_keeps_the_text() -> None:
    assert typed("0.50", "end", "5").text == "0.505"
    assert typed("0.50", "home", "1").text == "10.50"
    assert typed("0.50", "left", "1").text == "0.510"


def test_keys_that_cut() -> None:
    assert typed("one two", "end", "ctrl+w").text == "one"
    assert typed("one two", "home", "right", "delete").text == "oe two"
    assert typed("one two", "left", "left", "ctrl+k").text == "one t"
    assert typed("one two", "left", "left", "ctrl+u").text == "wo"


def test_a_key_without_a_meaning_is_not_taken() -> None:
    editor = LineEditor("x")
    assert not editor.press("up", None)
    assert not editor.press("tab", "\t")
    assert editor.text == "x"


def test_a_text_stays_within_its_bound_and_its_line() -> None:
    editor = LineEditor()
    editor.insert("a\x1b[2J\nb")
    assert editor.text == "a[2J"
    editor.insert("z" * 500)
    assert len(editor.text) == 200


@pytest.mark.parametrize("pasted", ["eth\rbtc", "eth\r\nbtc", "eth\nbtc", "\r\n  \reth\rbtc", "eth\u2028btc"])
def test_of_several_lines_the_first_that_is_not_blank_is_taken(pasted: str) -> None:
    editor = LineEditor()
    editor.insert(pasted)
    assert editor.text == "eth"


def test_a_space_is_typed() -> None:
    assert typed("", *"a b").text == "a b"


def test_a_long_text_shows_the_part_around_its_caret() -> None:
    editor = LineEditor()
    editor.insert("abcdefghij")
    assert words(editor.line(5)) == "ghij "
    editor.press("home", None)
    assert words(editor.line(5)) == "abcde"
