"""How the app begins and ends."""

from waiting import eventually

from arbsniper_tui.ui.app import make_app
from arbsniper_tui.ui.themes import SIXTEEN, theme_for
from tests.ui import builder
from tests.ui.played import PlayedView


async def test_a_lost_worker_ends_the_app_with_3_and_its_reason() -> None:
    said = iter(["", "", "worker feed-1 could not be kept running"])
    view = PlayedView(builder.snapshot())
    app = make_app(view, refresh_hz=10.0, supervise=lambda: next(said, None))
    async with app.run_test():
        await eventually(lambda: app.fault)
    assert app.return_code == 3
    assert app.fault == "worker feed-1 could not be kept running"


async def test_the_app_pulls_by_itself_at_its_rate() -> None:
    view = PlayedView(builder.snapshot())
    app = make_app(view, refresh_hz=20.0)
    async with app.run_test():
        await eventually(lambda: view.pulls >= 3)


def test_sixteen_colours_get_their_own_palette() -> None:
    assert theme_for("standard") == theme_for(None) == SIXTEEN.name
    assert theme_for("256") == theme_for("truecolor") != SIXTEEN.name
