from pathlib import Path

import pytest

from arbsniper_tui.ui.actions import ACTIONS, KEYS, Action, keys_page
from arbsniper_tui.ui.keyboard import Keyboard
from arbsniper_tui.ui.paint import words
from arbsniper_tui.ui.screens.help import help_lines

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.keys)
def test_each_action_is_a_method_of_the_keyboard(action: Action) -> None:
    assert callable(getattr(Keyboard, action.name))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.keys)
def test_each_action_stands_in_the_help_with_its_key(action: Action) -> None:
    pages = [words(line) for line in help_lines()]
    assert any(action.shown in line and action.title in line and action.says in line for line in pages)


def test_help_fits_eighty_columns() -> None:
    assert max(len(words(line)) for line in help_lines()) <= 79


def test_no_key_has_two_actions() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_every_action_has_its_keys() -> None:
    assert {action.name for action in KEYS.values()} == {action.name for action in ACTIONS}
    assert KEYS["ctrl+p"].name == "palette"


def test_the_page_of_keys_is_up_to_date() -> None:
    assert (ROOT / "docs" / "keys.md").read_text(encoding="utf-8") == keys_page()


def test_the_help_says_what_makes_a_row_quiet() -> None:
    page = "\n".join(words(line) for line in help_lines())
    assert "a quiet row takes no part, and says why, or would lose money after fees" in page
