"""One line a minute for each reason."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from arbsniper_tui.runtime.limited_log import MOST_REASONS, MOST_WAITING, QUIET_S, LimitedLog, after_this_callback


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


def test_a_line_is_written_at_the_level_that_was_asked_for(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    troubles.log.info("not listed", "a")
    troubles.log.warn("crossed", "b")
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.WARNING]


def test_a_flood_of_different_reasons_is_a_bounded_number_of_lines_and_keeps_nothing(troubles: Troubles) -> None:
    for number in range(2000):
        troubles.log.warn(f"rejected: {number}", f"BTC rejected: {number}")
        troubles.now_s += QUIET_S / 4000
    assert len(troubles.lines) == MOST_REASONS + 1
    assert troubles.lines[MOST_REASONS] == f"BTC rejected: {MOST_REASONS}"
    assert len(troubles.log._written_s) + len(troubles.log._unwritten) <= MOST_REASONS + 2
    troubles.now_s += QUIET_S
    troubles.log.warn("rejected: another", "another")
    assert troubles.lines[-1] == "another"
    assert len(troubles.log._written_s) <= 2


def test_reasons_beyond_the_bound_share_one_line_a_minute_with_their_count(troubles: Troubles) -> None:
    def go_on_for(seconds: float) -> None:
        troubles.now_s += seconds
        for number in range(MOST_REASONS):
            troubles.log.warn(f"kept {number}", "kept")

    go_on_for(0.0)
    go_on_for(QUIET_S / 2)
    for number in range(11):
        troubles.log.warn(f"other {number}", f"other {number}")
        go_on_for(QUIET_S / 10)
    others = [line for line in troubles.lines if line.startswith("other")]
    assert others == ["other 0", "other 10 (and 9 more like it)"]


def test_a_known_reason_keeps_its_minute_during_a_flood(troubles: Troubles) -> None:
    troubles.log.warn("crossed", "crossed")
    for number in range(500):
        troubles.log.warn(f"flood {number}", "flood")
    troubles.log.warn("crossed", "crossed")
    assert troubles.lines.count("crossed") == 1


def test_lines_wait_until_the_loop_has_time_for_them(caplog: pytest.LogCaptureFixture) -> None:
    soon: list[Callable[[], None]] = []
    log = LimitedLog(logging.getLogger("troubles"), lambda: 1000.0, soon.append)
    log.warn("crossed", "a")
    log.warn("lost", "b")
    assert (caplog.messages, len(soon)) == ([], 1)
    soon.pop()()
    assert caplog.messages == ["a", "b"]
    log.warn("older", "c")
    soon.pop()()
    assert caplog.messages == ["a", "b", "c"]


def test_lines_beyond_the_bound_are_counted_and_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 1000.0
    log = LimitedLog(logging.getLogger("troubles"), lambda: now_s, lambda write: None)
    log.warn("crossed", "a")
    log.write()
    for number in range(MOST_WAITING + 7):
        log.warn("crossed", f"{number}")
        log.warn(f"reason {number}", "b")
    log.write()
    now_s += QUIET_S
    log.warn("crossed", "z")
    log.write()
    assert caplog.messages[-1] == f"z (and {MOST_WAITING + 7} more like it)"
    assert len(caplog.messages) <= MOST_REASONS + 2


async def test_the_loop_writes_after_the_callback_that_had_a_line(caplog: pytest.LogCaptureFixture) -> None:
    log = LimitedLog(logging.getLogger("troubles"), soon=after_this_callback)
    log.warn("crossed", "a")
    assert caplog.messages == []
    await asyncio.sleep(0)
    assert caplog.messages == ["a"]
