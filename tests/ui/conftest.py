"""What every UI test stands on: one time zone, and a terminal whose colours do not depend on who runs the tests."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ui.pty_program import PtyProgram


@pytest.fixture(autouse=True)
def one_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def on_pty() -> Iterator[Callable[..., PtyProgram]]:
    """Starts programs on pseudo-terminals; none outlives the test."""
    programs: list[PtyProgram] = []

    def start(text: str, *arguments: str, **options: Any) -> PtyProgram:
        programs.append(PtyProgram(text, *arguments, **options))
        return programs[-1]

    yield start
    for each in programs:
        each.close()
