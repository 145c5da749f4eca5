"""What is repainted, and what that costs; and the states in which there is little to paint."""

import pytest

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.view import NodeStatus
from arbsniper_tui.session.snapshot import Changes, Snapshot
from arbsniper_tui.ui.screens.base import NodeScreen
from arbsniper_tui.ui.widgets.price_area import ROWS_A_VIEW
from tests.ui import builder
from tests.ui.played import PlayedView, app_on
from tests.ui.terminal import Terminal, drawn, lines_of, shown

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.mark.parametrize("size", SIZES)
async def test_one_changed_quote_sends_under_300_bytes(size: tuple[int, int]) -> None:
    view = PlayedView(builder.snapshot(builder.VENUES, list(builder.MIDS)))
    app, terminal = app_on(view), Terminal()
    app.driver_class = terminal.driver
    async with app.run_test(size=size, headless=False) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.pause()
        terminal.written.clear()
        held = view.snapshot.quotes[0]
        view.requote(0, bid=round(held.bid - 3.7, 1), ask=round(held.ask + 4.2, 1), bid_size=1.25, ask_size=0.75)
        app.tick()
        await drawn(pilot)
        assert 0 < terminal.sent_bytes < 300


async def test_one_changed_quote_paints_its_own_row_alone() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.tick()
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, NodeScreen)
        before, painted = lines_of(app), screen.rows_painted
        view.requote(0, bid_size=1.25)
        app.tick()
        await drawn(pilot)
        assert screen.rows_painted == painted + 1
        assert [y for y, (old, new) in enumerate(zip(before, lines_of(app), strict=True)) if old != new] == [3]


async def test_a_quote_whose_shown_text_stays_sends_nothing() -> None:
    view = PlayedView(builder.snapshot())
    app, terminal = app_on(view), Terminal()
    app.driver_class = terminal.driver
    async with app.run_test(headless=False) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.pause()
        terminal.written.clear()
        view.requote(0, bid_size=view.snapshot.quotes[0].bid_size + 1e-7)
        app.tick()
        await drawn(pilot)
        assert terminal.sent_bytes == 0


async def test_a_quiet_node_sends_nothing() -> None:
    view = PlayedView(builder.snapshot())
    app, terminal = app_on(view), Terminal()
    app.driver_class = terminal.driver
    async with app.run_test(headless=False) as pilot:
        await pilot.pause()
        app.tick()
        await drawn(pilot)
        terminal.written.clear()
        for _ in range(30):
            app.tick()
        await drawn(pilot)
        assert terminal.sent_bytes == 0


async def test_a_frozen_view_sends_nothing_whatever_the_market_does() -> None:
    view = PlayedView(builder.snapshot())
    app, terminal = app_on(view), Terminal()
    app.driver_class = terminal.driver
    async with app.run_test(headless=False) as pilot:
        await pilot.pause()
        await pilot.press("space")
        await drawn(pilot)
        terminal.written.clear()
        for step in range(20):
            view.requote(0, bid=66_000.0 + step)
            view.snapshot.status = builder.status(clock_ms=builder.NOW_MS + step * 100)
            view.coming.status = view.coming.routes = True
            app.tick()
        await drawn(pilot)
        assert terminal.sent_bytes == 0


async def test_changed_digits_are_bright_until_the_row_is_drawn_again() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.pause()
        held = view.snapshot.quotes[0]
        view.requote(0, bid=round(held.bid - 0.2, 1))
        app.tick()
        await drawn(pilot)
        row = list(app.screen._compositor.render_strips())[3]
        bright = [segment.text.strip() for segment in row if segment.style and segment.style.bold]
        assert bright == ["1.8"]
        assert held.bid == 67_002.0


async def test_in_a_storm_rows_take_turns_and_none_is_forgotten() -> None:
    view = PlayedView(builder.snapshot(builder.VENUES, ["BTC"]))
    app = app_on(view)
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        for each in list(view.snapshot.quotes.values()):
            if each.ts_recv_ms:
                view.requote(each.instrument_id, quotes=123_456)
        app.tick()
        await drawn(pilot)
        assert 0 < shown(app).count("123,456") <= ROWS_A_VIEW
        for _ in range(3):
            app.tick()
        await drawn(pilot)
        received = [each for each in view.snapshot.quotes.values() if each.ts_recv_ms]
        # The words of a long reason take the place of the count.
        assert sum(not each.reason for each in received) <= shown(app).count("123,456") <= len(received)


async def test_decimals_grow_with_the_finest_price_and_never_shrink() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.pause()
        view.requote(0, bid=66_990.125)
        app.tick()
        await drawn(pilot)
        assert "66,990.125" in lines_of(app)[3]
        view.requote(0, bid=66_990.0)
        app.tick()
        await drawn(pilot)
        assert "66,990.000" in lines_of(app)[3]
        assert "67,021.000" in shown(app)


async def test_a_row_that_takes_no_part_says_why() -> None:
    app = app_on(PlayedView(builder.snapshot()))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert any("okx" in line and "stale" in line for line in lines_of(app))


async def test_a_market_out_of_the_window_is_right_once_scrolled_to() -> None:
    view = PlayedView(builder.snapshot(builder.VENUES))
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await pilot.pause()
        eth = next(each.id for each in view.snapshot.intro.instruments if each.symbol == "ETH/USDT:USDT")  # type: ignore[union-attr]  # built with one
        view.requote(eth, bid=3_999.99)
        app.tick()
        await drawn(pilot)
        await pilot.press("end")
        app.tick()
        await drawn(pilot)
        assert "▲3,999.99" in shown(app)


async def test_too_small_says_the_size_needed_and_recovers() -> None:
    app = app_on(PlayedView(builder.snapshot()))
    async with app.run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        assert "50x12" in shown(app)
        assert "60x15" in shown(app)
        assert "Routes" not in shown(app)
        await pilot.resize_terminal(80, 24)
        await drawn(pilot)
        assert "Routes" in shown(app)
        assert "60x15" not in shown(app)


@pytest.mark.parametrize("size", [(60, 15), *SIZES])
async def test_threshold_and_basis_stand_in_the_top_bar_at_every_size(size: tuple[int, int]) -> None:
    app = app_on(PlayedView(builder.snapshot()))
    async with app.run_test(size=size) as pilot:
        for key in "12345":
            await pilot.press(key)
            await pilot.pause()
            assert "threshold 0.50% gross" in lines_of(app)[1]


async def test_lost_contact_is_said_and_the_rows_dim() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.pause()

        def colour() -> object:
            row = list(app.screen._compositor.render_strips())[3]
            return next(each.style.color for each in row if each.style and "binance" in each.text)

        live = colour()
        view.snapshot.lost_contact = "no word from the node for 3 s"
        view.coming = Changes(contact=True)
        app.tick()
        await drawn(pilot)
        assert "NO CONTACT" in lines_of(app)[0]
        assert "no word from the node for 3 s" in lines_of(app)[0]
        assert colour() != live
        view.snapshot.lost_contact = ""
        app.tick()
        await drawn(pilot)
        assert "NO CONTACT" not in lines_of(app)[0]
        assert colour() == live


@pytest.mark.parametrize("key", "12345")
async def test_before_the_node_answers_every_pane_says_what_it_waits_for(key: str) -> None:
    app = app_on(PlayedView(Snapshot()))
    async with app.run_test() as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert "waiting for" in shown(app)
        assert "threshold -" in lines_of(app)[1]


async def test_before_the_first_quote_each_row_names_its_venue() -> None:
    listed = builder.instruments()
    built = Snapshot(intro=builder.intro_of(listed), status=builder.status())
    built.feeds["okx spot"] = FeedHealth("okx spot", "okx", FeedState.CONNECTING)
    app = app_on(PlayedView(built))
    async with app.run_test() as pilot:
        await pilot.pause()
        page = shown(app)
        assert "waiting for the first quote of binance" in page
        assert "waiting for the quotes of two venues" in page
        assert "no signal yet" in page
        assert "waiting for a first quote ..." in page


@pytest.mark.parametrize("mode", ["demo", "replay"])
async def test_a_demo_and_a_replay_say_so(mode: str) -> None:
    app = app_on(PlayedView(builder.snapshot(mode=mode)))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert f" {mode.upper()} " in lines_of(app)[0]


async def test_over_ssh_the_top_bar_says_so_with_the_rate() -> None:
    app = app_on(PlayedView(builder.snapshot()), remote=True, refresh_hz=4.0)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert lines_of(app)[0].rstrip().endswith("ssh 4 Hz")
        assert app.animation_level == "none"


async def test_ages_grow_with_the_nodes_clock() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "<0.1s" in lines_of(app)[3]
        status: NodeStatus = builder.status(clock_ms=builder.NOW_MS + 3_000)
        view.snapshot.status = status
        for _ in range(5):
            app.tick()
        await drawn(pilot)
        assert " 3s " in lines_of(app)[3]
