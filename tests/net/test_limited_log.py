"""One line a minute for each reason."""

import logging

import pytest

from arbsniper_tui.net.limited_log import QUIET_S, LimitedLog


class Troubles:
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now_s = 1000.0
        self.log = LimitedLog(logging.getLogger("troubles"), lambda: self.now_s)
        self._caplog = caplog

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def troubles(caplog: pytest.LogCaptureFixture) -> Troubles:
    return Troubles(caplog)


def test_the_first_of_a_reason_is_written_and_its_likes_are_not(troubles: Troubles) -> None:
    for number in range(100):
        troubles.log.warn("crossed", f"quote {number}")
        troubles.now_s += QUIET_S / 200
    assert troubles.lines == ["quote 0"]


def test_after_a_minute_the_next_is_written_with_the_count_between(troubles: Troubles) -> None:
    for number in range(3):
        troubles.log.warn("crossed", f"quote {number}")
    troubles.now_s += QUIET_S
    troubles.log.warn("crossed", "quote 3")
    assert troubles.lines == ["quote 0", "quote 3 (and 2 more like it)"]


def test_the_count_begins_anew_with_each_line(troubles: Troubles) -> None:
    for number in range(4):
        troubles.log.warn("crossed", f"quote {number}")
        troubles.log.warn("crossed", f"again {number}")
        troubles.now_s += QUIET_S
    assert troubles.lines[1:] == [f"quote {number} (and 1 more like it)" for number in (1, 2, 3)]


def test_each_reason_has_its_own_minute(troubles: Troubles) -> None:
    troubles.log.warn("crossed", "a")
    troubles.log.warn("no bid", "b")
    assert troubles.lines == ["a", "b"]
