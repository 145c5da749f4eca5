"""Pictures of every screen at five sizes, and of the states in which a screen looks different."""

from collections.abc import Callable

import pytest
from msgspec import structs

from arbsniper_tui.model.health import RecordingHealth, RedisHealth, RedisState
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui.themes import LIGHT, SIXTEEN
from tests.ui import builder
from tests.ui.played import PlayedView, app_on

SIZES = {"60x15": (60, 15), "80x24": (80, 24), "120x36": (120, 36), "160x50": (160, 50), "200x50": (200, 50)}
SCREENS = {"overview": "1", "prices": "2", "routes": "3", "signals": "4", "health": "5", "detail": "enter"}

Compare = Callable[..., bool]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", SCREENS)
def test_screen(snap_compare: Compare, screen: str, size: str) -> None:
    view = PlayedView(builder.snapshot(builder.VENUES[:6], ("BTC", "ETH", "SOL")))
    assert snap_compare(app_on(view), press=[SCREENS[screen]], terminal_size=SIZES[size])


def test_help(snap_compare: Compare) -> None:
    assert snap_compare(app_on(PlayedView(builder.snapshot())), press=["question_mark"])


def test_palette_of_actions(snap_compare: Compare) -> None:
    app = app_on(PlayedView(builder.snapshot()))
    assert snap_compare(app, press=["ctrl+p", *"the"])


def test_empty_start(snap_compare: Compare) -> None:
    assert snap_compare(app_on(PlayedView(Snapshot())))


def test_frozen_demo_without_redis(snap_compare: Compare) -> None:
    built = builder.snapshot(mode="demo")
    built.redis = RedisHealth(RedisState.AWAY, "url", "127.0.0.1:6379", waiting=12)
    assert snap_compare(app_on(PlayedView(built)), press=["space"])


def test_lost_contact(snap_compare: Compare) -> None:
    built = builder.snapshot()
    built.lost_contact = "no word from the node for 3 s"
    assert snap_compare(app_on(PlayedView(built)))


def test_a_recording_and_a_lagging_feed(snap_compare: Compare) -> None:
    built = builder.snapshot()
    built.recording = RecordingHealth("/srv/tapes", 120_400, 8_400_000)
    built.feeds["okx spot"] = structs.replace(built.feeds["okx spot"], lag_ms=2300.0)
    assert snap_compare(app_on(PlayedView(built)), press=["5"])


def test_a_recording_that_failed(snap_compare: Compare) -> None:
    built = builder.snapshot()
    built.recording = RecordingHealth("/srv/tapes", 120_400, 8_400_000, "No space left on device")
    assert snap_compare(app_on(PlayedView(built)), press=["5"])


@pytest.mark.parametrize("screen", ["prices", "detail"])
def test_converted_prices(snap_compare: Compare, screen: str) -> None:
    app = app_on(PlayedView(builder.converted_snapshot()))
    assert snap_compare(app, press=[SCREENS[screen]])


@pytest.mark.parametrize("size", ["60x15", "80x24", "120x36"])
def test_identity(snap_compare: Compare, size: str) -> None:
    app = app_on(PlayedView(builder.held_snapshot()))
    assert snap_compare(app, press=["i"], terminal_size=SIZES[size])


def test_a_verdict_is_asked_for(snap_compare: Compare) -> None:
    app = app_on(PlayedView(builder.held_snapshot()))
    assert snap_compare(app, press=["i", "down", "v"])


def test_prices_that_may_be_of_another_coin(snap_compare: Compare) -> None:
    app = app_on(PlayedView(builder.held_snapshot()))
    assert snap_compare(app, press=["2"], terminal_size=SIZES["120x36"])


def test_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(PlayedView(builder.snapshot()))
    app.theme = SIXTEEN.name
    assert snap_compare(app)


def test_too_small(snap_compare: Compare) -> None:
    assert snap_compare(app_on(PlayedView(builder.snapshot())), terminal_size=(50, 12))


@pytest.mark.parametrize("theme", [LIGHT.name, SIXTEEN.name])
def test_palette(snap_compare: Compare, theme: str) -> None:
    app = app_on(PlayedView(builder.snapshot()))
    app.theme = theme
    assert snap_compare(app)


def test_twelve_venues_and_ten_symbols(snap_compare: Compare) -> None:
    view = PlayedView(builder.snapshot(builder.VENUES, list(builder.MIDS)))
    assert snap_compare(app_on(view), terminal_size=(200, 50))
