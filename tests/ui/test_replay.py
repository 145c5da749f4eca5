"""A replay on the screen: where it is, how it is played, and what it came to."""

import time
from collections.abc import Iterator

import pytest

from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.session.snapshot import Changes
from arbsniper_tui.ui.dial import Dial
from arbsniper_tui.ui.paint import words
from arbsniper_tui.ui.playback import IS_OVER, NO_REPLAY, SPEEDS, PlaybackKeys, stepped
from arbsniper_tui.ui.screens.replay_summary import ReplaySummary, summary_lines
from arbsniper_tui.ui.widgets.replay_bar import position
from tests.ui import builder
from tests.ui.played import PlayedView, after, app_on
from tests.ui.terminal import shown

S = 1_000_000_000
BEGAN_NS = 1_700_000_000 * S


def replay(**changed: object) -> ReplayStatus:
    fields: dict[str, object] = {
        "begins_ns": BEGAN_NS,
        "now_ns": BEGAN_NS + 63 * S,
        "ends_ns": BEGAN_NS + 601 * S,
        "speed": 1.0,
        "frames": 1234,
        "quotes": 1200,
    }
    return ReplayStatus(**(fields | changed))  # type: ignore[arg-type]  # by name


def view_of(status: ReplayStatus | None) -> PlayedView:
    snapshot = builder.snapshot(mode="replay")
    snapshot.replay = status
    return PlayedView(snapshot)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_position_is_told_in_time_and_share_as_far_as_it_is_known() -> None:
    assert position(replay()) == "1m 3s of 10m 1s, 10%"
    assert position(replay(ends_ns=None)) == "1m 3s"
    assert replay(ends_ns=BEGAN_NS).share is None
    assert replay(now_ns=BEGAN_NS + 700 * S).share == 1.0
    assert replay(is_over=True).share == 1.0


@pytest.mark.parametrize(
    ("speed", "steps", "found"),
    [
        (1.0, 1, 2), (1.0, -1, 0.5), (1.0, 3, 10), (3.0, 1, 5), (3.0, -1, 2), (0.1, -1, 0.1), (0.05, -1, 0.05),
        (1000, 1, None), (None, 1, None), (None, -1, 1000), (None, -2, 500), (2.0, 99, None), (2.0, -99, 0.1),
    ],
)  # fmt: skip
def test_speeds_are_stepped_through(speed: float | None, steps: int, found: float | None) -> None:
    assert stepped(speed, steps) == found


def test_the_steps_lead_up_and_down_again() -> None:
    speed: float | None = SPEEDS[0]
    climbed = [speed := stepped(speed, 1) for _ in SPEEDS[1:]]
    assert climbed == list(SPEEDS[1:])
    assert [speed := stepped(speed, -1) for _ in SPEEDS[1:]] == list(reversed(SPEEDS[:-1]))


def test_quick_presses_add_up_before_the_node_has_answered() -> None:
    view = view_of(replay())
    keys = PlaybackKeys(view, patience=20)
    assert [keys.pause(), keys.step_speed(1), keys.step_speed(1), keys.pause()] == [""] * 4
    assert view.playbacks == [(1.0, True), (2, True), (5, True), (5, False)]
    view.snapshot.replay = replay(speed=5)
    keys.follow()
    view.snapshot.replay = replay(speed=50.0)
    keys.step_speed(-1)
    assert view.playbacks[-1] == (20, False), "another viewer's speed is what the next step counts from"


def test_what_was_asked_for_is_given_up_when_the_node_does_not_follow() -> None:
    dial: Dial[float] = Dial(patience=2)
    dial.ask(3.0)
    assert dial.from_here(1.0) == 3.0
    for _ in range(3):
        dial.follow(1.0)
    assert dial.from_here(1.0) == 1.0


def test_without_a_replay_or_after_its_end_the_keys_say_why_not() -> None:
    assert PlaybackKeys(view_of(None), 1).pause() == NO_REPLAY
    keys = PlaybackKeys(view_of(replay(is_over=True)), 1)
    assert (keys.pause(), keys.step_speed(1)) == (IS_OVER, IS_OVER)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_bar_shows_where_and_how_fast(size: tuple[int, int]) -> None:
    view = view_of(replay())
    app = app_on(view)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.pause()
        screen = shown(app)
        assert "▶ 2023-11-14 22:14:23  1m 3s of 10m 1s, 10%" in screen and "speed 1 " in screen
        assert "p pauses" in screen
        await pilot.press("p", "greater_than_sign", "full_stop", "comma")
        assert view.playbacks == [(1.0, True), (2, True), (5, True), (2, True)]
        view.snapshot.replay = replay(speed=None, is_paused=True)
        view.coming = Changes(replay=True)
        app.tick()
        await pilot.pause()
        assert "speed max  paused" in shown(app) and "p plays" in shown(app)


async def test_a_live_node_has_no_such_bar() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.tick()
        await pilot.press("p")
        await pilot.pause()
        assert "p pauses" not in shown(app)
    assert view.playbacks == []


async def test_the_end_of_the_tapes_is_summed_up_once_and_the_last_state_stays() -> None:
    view = view_of(replay())
    app = app_on(view)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        view.snapshot.replay = replay(
            now_ns=BEGAN_NS + 601 * S, is_over=True, dropped={"unreadable": 2, "crossed": 1}, took_s=0.4
        )
        view.coming = Changes(ended=True, replay=True)
        app.tick()
        await pilot.pause()
        app.tick()
        await pilot.pause()
        assert isinstance(app.screen, ReplaySummary)
        assert "frames        1,234" in shown(app)
        await pilot.press("escape")
        await pilot.pause()
        app.tick()
        await pilot.pause()
        assert not isinstance(app.screen, ReplaySummary)
        assert f"the tapes have ended: 1,234 frames, 1,200 quotes, {builder.SIGNALS} signals, 3 dropped" in shown(app)
        assert app.return_code is None
    assert app.fault == ""


@pytest.mark.parametrize(
    ("opens", "typed", "closes"),
    [
        ("t", "0.3", "enter"),
        ("slash", "eth", "enter"),
        ("ctrl+p", "gross net", "enter"),
        ("question_mark", "", "escape"),
    ],
)
async def test_the_end_of_the_tapes_takes_no_key_from_what_is_open(opens: str, typed: str, closes: str) -> None:
    view = view_of(replay())
    app = app_on(view)
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, opens, *typed[:1])
        view.snapshot.replay = replay(is_over=True)
        view.coming = Changes(ended=True, replay=True)
        app.tick()
        await after(pilot, *typed[1:])
        app.tick()
        assert not isinstance(app.screen, ReplaySummary)
        await after(pilot, closes)
        did = {"t": view.thresholds == [0.3], "slash": "filter eth" in shown(app), "ctrl+p": view.bases == ["net"]}
        assert did.get(opens, True)
        app.tick()
        await pilot.pause()
        assert isinstance(app.screen, ReplaySummary)
        await after(pilot, "escape")
        app.tick()
        await pilot.pause()
        assert not isinstance(app.screen, ReplaySummary)


def test_the_summary_holds_every_figure() -> None:
    view = view_of(
        replay(is_over=True, dropped={"unreadable": 2, "crossed": 1}, unwatched=("ETH/USDT of okx",), took_s=75.0)
    )
    text = "\n".join(words(line) for line in summary_lines(view.snapshot))
    for figure in ("1,234", "1,200", "2 unreadable", "1 crossed", "1m 3s, from 2023-11-14 22:13:20", "1m 15s"):
        assert figure in text, figure
    assert "not watched   ETH/USDT of okx" in text
