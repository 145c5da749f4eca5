"""Error replies in words, and how often they are logged."""

import pytest

from arbsniper_tui.sinks.outgoing import Part
from arbsniper_tui.sinks.refusals import Refusals

from .conftest import S


def test_refusals_are_counted_and_name_the_command() -> None:
    refusals = Refusals()
    refusals.note(Part.STREAM, "NOPERM no permission", 0)
    refusals.note(Part.STREAM, "NOPERM no permission", 0)
    assert refusals.in_words() == "arbitrage:stream refused: NOPERM no permission (2 refusals)"


def test_a_success_clears_its_own_command_only() -> None:
    refusals = Refusals()
    refusals.note(Part.HISTORY, "OOM", 0)
    refusals.note(Part.STREAM, "OOM", 0)
    refusals.clear(Part.HISTORY)
    assert refusals.in_words().startswith("arbitrage:stream refused")
    refusals.clear(Part.STREAM)
    assert refusals.in_words() == ""


def test_refusals_are_logged_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for second in (0, 1, 59, 60, 61):
        refusals.note(Part.HISTORY, "OOM", second * S)
    assert len(caplog.records) == 2
