"""Feeds that wait for no longer than tests can afford."""

import pytest

from arbsniper_tui.net import backoff


@pytest.fixture
def quick_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between two attempts as short as tests can afford."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.05)
    monkeypatch.setattr(backoff, "LONGEST_S", 0.2)
