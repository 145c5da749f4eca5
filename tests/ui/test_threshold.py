import pytest

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.ui.threshold import ThresholdDial, read_threshold, stepped
from tests.ui import builder
from tests.ui.played import after, begin
from tests.ui.terminal import lines_of


@pytest.mark.parametrize(("text", "pct"), [("0.5", 0.5), (" 1.25 % ", 1.25), ("0", 0.0), (".3", 0.3)])
def test_a_percentage_is_read_with_or_without_its_sign(text: str, pct: float) -> None:
    assert read_threshold(text) == pct


@pytest.mark.parametrize("text", ["", "abc", "0,5", "-1", "101", "nan", "inf", "1_0", "٣"])
def test_a_bad_number_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError, match="expected a percentage"):
        read_threshold(text)


def test_steps_stay_within_bounds_and_gather_no_dust() -> None:
    assert stepped(0.5, 1) == 0.55
    assert stepped(0.02, -1) == 0.0
    assert stepped(0.1 + 0.2, 1) == 0.35


def test_quick_steps_add_up_before_the_node_has_answered() -> None:
    dial = ThresholdDial(patience=20)
    assert [dial.step(0.5, 1), dial.step(0.5, 1), dial.step(0.5, -1)] == [0.55, 0.6, 0.55]


def test_after_the_answer_steps_begin_from_what_is_in_force() -> None:
    dial = ThresholdDial(patience=20)
    dial.step(0.5, 1)
    dial.follow(0.55)
    assert dial.step(0.7, 1) == 0.75


def test_an_unanswered_wish_is_given_up() -> None:
    dial = ThresholdDial(patience=3)
    dial.step(0.5, 4)
    for _ in range(4):
        dial.follow(0.5)
    assert dial.step(0.5, 1) == 0.55


async def test_plus_and_minus_step_the_threshold_by_five_hundredths() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "plus", "plus", "minus")
    assert view.thresholds == [0.55, 0.6, 0.55]


async def test_t_takes_a_typed_threshold() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "t", *["backspace"] * 4, *"0.75", "enter")
        assert view.thresholds == [0.75]
        assert "quit" in lines_of(app)[-1]


async def test_the_first_digit_typed_takes_the_place_of_the_threshold_in_force() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "t", *"0.4", "enter")
    assert view.thresholds == [0.4]


async def test_a_bad_threshold_says_what_was_expected_and_loses_nothing() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "t", "end", "x", "enter")
        assert "threshold % 0.50x" in lines_of(app)[-1]
        assert "found '0.50x', expected a percentage such as 0.5" in lines_of(app)[-1]
        await after(pilot, "backspace")
        assert "expected a percentage" not in lines_of(app)[-1]
        await after(pilot, "escape")
    assert view.thresholds == []


async def test_the_threshold_can_be_changed_while_frozen() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "space", "plus")
        view.snapshot.status = builder.status(threshold_pct=0.55)
        app.tick()
        await after(pilot)
        assert "threshold 0.55% gross" in lines_of(app)[1]
