"""Error replies in words, and how often they are logged."""

import pytest

from arbsniper_tui.sinks.outgoing import CommandKind
from arbsniper_tui.sinks.refusals import Refusals

from .conftest import S


def test_refusals_are_counted_and_name_the_command() -> None:
    refusals = Refusals()
    refusals.note(CommandKind.STREAM, "NOPERM no permission", 0)
    refusals.note(CommandKind.STREAM, "NOPERM no permission", 0)
    assert refusals.in_words() == "arbitrage:stream refused: NOPERM no permission (2 refusals)"


def test_a_success_clears_its_own_command_only() -> None:
    refusals = Refusals()
    refusals.note(CommandKind.HISTORY, "OOM", 0)
    refusals.note(CommandKind.STREAM, "OOM", 0)
    refusals.clear(CommandKind.HISTORY)
    assert refusals.in_words().startswith("arbitrage:stream refused")
    refusals.clear(CommandKind.STREAM)
    assert refusals.in_words() == ""


def test_refusals_are_logged_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for second in (0, 1, 59, 60, 61):
        refusals.note(CommandKind.HISTORY, "OOM", second * S)
    assert len(caplog.records) == 2
