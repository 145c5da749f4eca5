"""When a target is told: quiet hours by the clock on the wall, and a digest in place of a flood."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from alert_stage import make_alert

from arbsniper_tui.alerts.alert import LISTED
from arbsniper_tui.alerts.throttle import WINDOW_S, Throttle, is_quiet

BERLIN = ZoneInfo("Europe/Berlin")


def quiet_at(hours: str, *when: int, fold: int = 0) -> bool:
    return is_quiet(hours, datetime(*when, tzinfo=BERLIN, fold=fold).timestamp(), BERLIN)  # type: ignore[misc]  # digits


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"),
    [(22, 59, False), (23, 0, True), (0, 0, True), (6, 59, True), (7, 0, False), (12, 0, False)],
)
def test_quiet_hours_go_over_midnight_and_their_end_is_not_quiet(hour: int, minute: int, quiet: bool) -> None:
    assert quiet_at("23:00-07:00", 2026, 1, 15, hour, minute) is quiet


def test_quiet_hours_within_a_day() -> None:
    assert quiet_at("09:30-10:00", 2026, 1, 15, 9, 30)
    assert not quiet_at("09:30-10:00", 2026, 1, 15, 10, 0)


def test_quiet_hours_end_by_the_clock_on_the_wall_when_it_is_put_forward_in_the_night() -> None:
    """On 2026-03-29 in Berlin, 02:00 is 03:00: from 23:00 to 07:00 are seven hours."""
    begin = datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN).timestamp()
    hours = [is_quiet("23:00-07:00", begin + 3600 * each, BERLIN) for each in range(9)]
    assert hours == [True] * 7 + [False] * 2


def test_quiet_hours_end_by_the_clock_on_the_wall_when_it_is_put_back_in_the_night() -> None:
    """On 2026-10-25, 02:00 to 03:00 comes twice: nine hours, and both of them quiet."""
    begin = datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN).timestamp()
    hours = [is_quiet("23:00-07:00", begin + 3600 * each, BERLIN) for each in range(11)]
    assert hours == [True] * 9 + [False] * 2
    assert quiet_at("02:15-02:45", 2026, 10, 25, 2, 30, fold=0) and quiet_at("02:15-02:45", 2026, 10, 25, 2, 30, fold=1)


def test_alerts_go_one_by_one_until_there_are_many_and_then_as_one_digest_a_minute() -> None:
    throttle = Throttle(3)
    single = [throttle.take(make_alert(n), 0.0, quiet=False) for n in range(3)]
    assert [message.title for message in single if message] == ["big: title 0", "big: title 1", "big: title 2"]
    assert all(throttle.take(make_alert(n, "other"), 1.0, quiet=False) is None for n in range(40))
    assert throttle.due(WINDOW_S, quiet=False) is None
    digest = throttle.due(1.0 + WINDOW_S, quiet=False)
    assert digest is not None
    assert digest.title == "40 alerts (other 40)" and digest.count == 40
    assert len(digest.alerts) == LISTED and digest.text.endswith("and 30 more")
    assert throttle.due(1.0 + WINDOW_S, quiet=False) is None
    assert throttle.take(make_alert(), 2.0 + WINDOW_S, quiet=False) is not None


def test_no_more_than_the_bound_and_one_digest_are_sent_within_any_minute() -> None:
    throttle = Throttle(5)
    sent_s: list[int] = []
    for second in range(600):
        messages = [throttle.due(second, quiet=False), throttle.take(make_alert(second), second, quiet=False)]
        sent_s += [second for message in messages if message]
    assert max(sum(since <= each < since + WINDOW_S for each in sent_s) for since in sent_s) <= 6


def test_what_comes_in_quiet_hours_follows_as_one_digest_at_their_end() -> None:
    throttle = Throttle(10)
    assert all(throttle.take(make_alert(n), float(n), quiet=True) is None for n in range(3))
    assert throttle.due(1000.0, quiet=True) is None
    digest = throttle.due(1001.0, quiet=False)
    assert digest is not None
    assert digest.text == "big: title 0: text 0\nbig: title 1: text 1\nbig: title 2: text 2"
    assert digest.line == "3 alerts (big 3): big: title 0: text 0; big: title 1: text 1; big: title 2: text 2"


def test_one_alert_that_waited_is_no_digest() -> None:
    throttle = Throttle(10)
    throttle.take(make_alert(7), 0.0, quiet=True)
    message = throttle.due(1.0, quiet=False)
    assert message is not None and (message.title, message.text) == ("big: title 7", "text 7")


def test_what_waits_when_quiet_hours_begin_waits_for_their_end() -> None:
    throttle = Throttle(1)
    throttle.take(make_alert(1), 0.0, quiet=False)
    assert throttle.take(make_alert(2), 0.0, quiet=False) is None
    assert throttle.due(WINDOW_S, quiet=True) is None
    assert throttle.due(9 * WINDOW_S, quiet=False) is not None
