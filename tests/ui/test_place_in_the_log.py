"""The reader's place in the log: a view that draws everything keeps it, and shows each event once."""

import pytest
from textual.pilot import Pilot

from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.widgets.signal_log import SignalLog
from tests.ui.played import after
from tests.ui.terminal import drawn, lines_of
from tests.ui.test_signal_log import arrive, begin, tick

SIZE = (120, 24)


def rows_of(app: ArbsniperApp) -> list[str]:
    """The rows of the log on the signals screen."""
    return lines_of(app)[3:-2]


def selected(app: ArbsniperApp) -> list[tuple[int, str]]:
    """The line and the text of the selected row."""
    return [(y, line) for y, line in enumerate(rows_of(app)) if line.startswith("›")]


async def resize(pilot: Pilot[None], app: ArbsniperApp, size: tuple[int, int]) -> None:
    await pilot.resize_terminal(*size)
    await tick(pilot, app, 3)
    await drawn(pilot)


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize(
    "keys", [("space",), ("space", "space"), ("enter", "escape"), ("question_mark", "escape"), ("1", "4")]
)
async def test_a_whole_view_leaves_the_selected_event_in_its_line(keys: tuple[str, ...], order: str) -> None:
    _, app = begin(150)
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4", *(["s"] if order == "newest" else []))
        await after(pilot, *["pagedown" if order == "newest" else "pageup"] * 3, "up")
        before = rows_of(app)
        assert len(selected(app)) == 1
        await after(pilot, *keys)
        await tick(pilot, app, 3)
        assert rows_of(app) == before


async def test_events_that_came_while_frozen_do_not_move_the_selected_one() -> None:
    view, app = begin(150)
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4", "pageup", "pageup", "space")
        before = [line[:-1] for line in rows_of(app)]  # without the scrollbar, whose thumb shrinks
        for seq in range(200, 230):
            arrive(view, seq)
            app.tick()
        await after(pilot, "space")
        assert [line[:-1] for line in rows_of(app)] == before


async def test_a_log_that_follows_the_newest_still_does_after_a_whole_view() -> None:
    view, app = begin(150)
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4", "space")
        arrive(view, 200)
        app.tick()
        await after(pilot, "space")
        ((line, text),) = selected(app)
        assert ".200 ●" in text and line == len(rows_of(app)) - 1
        arrive(view, 201)
        await tick(pilot, app, 4)
        ((line, text),) = selected(app)
        assert ".201 ●" in text and line == len(rows_of(app)) - 1


async def test_another_size_keeps_the_selected_event_in_sight() -> None:
    _, app = begin(150)
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4", "pageup", "pageup", "pageup")
        chosen = app.screen.query_one(SignalLog).selected
        for size in ((120, 40), (120, 16), SIZE):
            await resize(pilot, app, size)
            assert app.screen.query_one(SignalLog).selected == chosen
            assert len(selected(app)) == 1
        top = rows_of(app)[0]
        await resize(pilot, app, (120, 30))
        assert rows_of(app)[0] == top


async def test_a_log_without_a_selection_keeps_its_top_row() -> None:
    _, app = begin(150)
    async with app.run_test(size=(120, 36)) as pilot:
        await after(pilot, "1")
        log = app.screen.query_one(SignalLog)
        log.scroll_rows(-40)
        top = log.top
        await after(pilot, "space", "space", "question_mark", "escape")
        await resize(pilot, app, (120, 40))
        assert log.top == top > 0
        log.scroll_rows(1000)
        await resize(pilot, app, (120, 30))
        assert log.top == log.last_top


async def test_a_filter_keeps_the_selected_event_that_it_holds() -> None:
    _, app = begin(150)
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4", "pageup", "pageup", "pageup")
        log = app.screen.query_one(SignalLog)
        chosen = log.selected
        assert chosen is not None
        await after(pilot, "slash", *chosen.symbol.partition("/")[0], "enter")
        assert log.selected == chosen and len(selected(app)) == 1
        await after(pilot, "slash", *"no such event", "enter")
        await after(pilot, "escape")
        assert log.cursor == log.row_count - 1, "an event that was not shown any more hands over to the newest"


async def test_a_whole_view_shows_an_event_that_waited_to_be_drawn_once_and_in_order() -> None:
    view, app = begin()
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4")
        for seq in range(200, 206):
            arrive(view, seq)
            app.tick()
        await after(pilot, "space")
        arrive(view, 206)
        app.tick()
        await after(pilot, "space")
        await tick(pilot, app, 5)
        shown = [line[1:13] for line in rows_of(app) if "08:53:20.2" in line]
        assert shown == [f"08:53:20.{seq}" for seq in range(200, 207)]


async def test_the_first_events_of_an_empty_log_are_followed() -> None:
    view, app = begin(0)
    async with app.run_test(size=SIZE) as pilot:
        await after(pilot, "4")
        await tick(pilot, app, 3)
        for seq in range(100, 140, 4):
            for each in range(seq, seq + 4):
                arrive(view, each)
            await tick(pilot, app, 3)
        ((line, text),) = selected(app)
        assert ".139 ●" in text
        assert line == len(rows_of(app)) - 1
