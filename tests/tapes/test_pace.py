"""When frames are due: at the tapes' own pace, at others, and with pauses, on a clock of the test's own."""

from math import inf

import pytest

from arbsniper_tui.tapes.pace import Pace

S = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_frame_is_due_at_once_and_the_others_as_they_were_received(clock: Clock) -> None:
    pace = Pace(1.0, clock)
    assert pace.wait_s(5 * S) == 0.0
    assert pace.wait_s(8 * S) == pytest.approx(3.0)
    clock.now_s += 4.0
    assert pace.wait_s(8 * S) == pytest.approx(-1.0), "late"


def test_a_speed_divides_every_wait(clock: Clock) -> None:
    pace = Pace(10.0, clock)
    pace.wait_s(5 * S)
    assert pace.wait_s(8 * S) == pytest.approx(0.3)


def test_as_fast_as_it_goes_never_waits(clock: Clock) -> None:
    pace = Pace(None, clock)
    assert [pace.wait_s(ns) for ns in (1, 10 * S, 9000 * S)] == [0.0, 0.0, 0.0]


def test_another_speed_counts_from_where_the_tapes_are(clock: Clock) -> None:
    pace = Pace(1.0, clock)
    pace.wait_s(0)
    clock.now_s += 4.0
    pace.change(2.0, False, 10 * S)
    assert pace.wait_s(10 * S) == pytest.approx(3.0), "six seconds of tape are left"


def test_a_pause_waits_for_ever_and_takes_no_time_of_the_tapes(clock: Clock) -> None:
    pace = Pace(1.0, clock)
    pace.wait_s(0)
    clock.now_s += 4.0
    pace.change(1.0, True, 10 * S)
    clock.now_s += 1000.0
    assert pace.wait_s(10 * S) == inf
    pace.change(2.0, True, 10 * S)
    clock.now_s += 1000.0
    pace.change(2.0, False, 10 * S)
    assert pace.wait_s(10 * S) == pytest.approx(3.0)


def test_a_replay_that_could_not_keep_its_speed_is_not_behind_after_a_change(clock: Clock) -> None:
    pace = Pace(1000.0, clock)
    pace.wait_s(0)
    clock.now_s += 60.0
    assert pace.wait_s(10 * S) < -59.0
    pace.change(1.0, False, 10 * S)
    assert pace.wait_s(10 * S) == pytest.approx(0.0)
    assert pace.wait_s(11 * S) == pytest.approx(1.0)


def test_from_as_fast_as_it_goes_to_a_speed_it_goes_on_at_the_next_frame(clock: Clock) -> None:
    pace = Pace(None, clock)
    pace.wait_s(0)
    clock.now_s += 5.0
    pace.change(1.0, False, 70 * S)
    assert pace.wait_s(70 * S) == pytest.approx(0.0)
    assert pace.wait_s(72 * S) == pytest.approx(2.0)


def test_a_pause_before_the_first_frame_holds_it_back(clock: Clock) -> None:
    pace = Pace(1.0, clock)
    pace.change(1.0, True, 0)
    assert pace.wait_s(5 * S) == inf
    clock.now_s += 30.0
    pace.change(1.0, False, 5 * S)
    assert pace.wait_s(6 * S) == pytest.approx(1.0)
