"""Each key of the contract, pressed."""

import pytest
from msgspec import structs
from textual.pilot import Pilot

from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.model.signal import Event
from arbsniper_tui.session.snapshot import Changes
from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.screens.detail import DetailScreen, detail_lines
from arbsniper_tui.ui.screens.help import HelpScreen
from arbsniper_tui.ui.screens.palette import PaletteScreen
from arbsniper_tui.ui.widgets.routes_pane import RoutesPane
from arbsniper_tui.ui.widgets.signal_log import SignalLog
from tests.ui import builder
from tests.ui.played import PlayedView, after, app_on, begin
from tests.ui.terminal import drawn, lines_of, shown


def tick_a_second(app: ArbsniperApp) -> None:
    for _ in range(10):
        app.tick()


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_q_leaves_with_exit_code_0(key: str) -> None:
    _, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, key)
    assert app.return_code == 0


async def test_question_mark_opens_help_and_escape_closes_it() -> None:
    _, app = begin()
    async with app.run_test(size=(80, 40)) as pilot:
        await after(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        assert "Type a threshold" in shown(app)
        await after(pilot, "escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_ctrl_p_opens_the_palette_with_our_actions() -> None:
    _, app = begin()
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "ctrl+p")
        assert isinstance(app.screen, PaletteScreen)
        assert app.screen.selected is not None
        assert app.screen.selected.title != "Quit"
        page = shown(app)
        assert "Type a threshold" in page
        assert "Theme arbsniper-light" in page


async def test_an_action_of_the_palette_runs() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "ctrl+p", *"gross net", "enter")
        assert view.bases == ["net"]
        assert app.current_mode == "overview"
        assert not isinstance(app.screen, PaletteScreen)


async def test_the_top_bar_follows_the_threshold_in_force() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot)
        assert "threshold 0.50% gross" in lines_of(app)[1]
        view.snapshot.status = builder.status(threshold_pct=0.75, basis="net")
        view.coming = Changes(status=True)
        app.tick()
        await after(pilot)
        assert "threshold 0.75% net" in lines_of(app)[1]


async def test_b_switches_between_gross_and_net_and_the_routes_follow() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "b")
        assert view.bases == ["net"]
        view.snapshot.status = builder.status(basis="net")
        for _ in range(10):
            app.tick()
        await after(pilot, "b")
        assert view.bases == ["net", "gross"]
        assert "Routes by net" in shown(app)


async def test_space_freezes_the_view_and_goes_on_with_what_came_meanwhile() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "space")
        assert "FROZEN" in lines_of(app)[1]
        pulls = view.pulls
        view.requote(0, bid=66_123.4)
        for _ in range(12):
            app.tick()
        await after(pilot)
        assert view.pulls == pulls + 12
        assert "66,123.4" not in shown(app)
        await after(pilot, "2")
        assert "66,123.4" not in shown(app)
        await after(pilot, "space")
        assert "66,123.4" in shown(app)
        assert "FROZEN" not in shown(app)


async def test_slash_filters_while_typing_and_enter_keeps_it() -> None:
    _, app = begin()
    async with app.run_test(size=(120, 36)) as pilot:
        await after(pilot, "slash", *"eth", "enter")
        assert "filter eth" in lines_of(app)[1]
        assert "ETH/USDT" in shown(app)
        assert "BTC/USDT" not in shown(app)
        await after(pilot, "escape")
        assert "BTC/USDT" in shown(app)


async def test_escape_undoes_a_filter_that_is_being_typed() -> None:
    _, app = begin()
    async with app.run_test(size=(120, 36)) as pilot:
        await after(pilot, "slash", *"zzz")
        assert "no instrument holds the filter: zzz" in shown(app)
        await after(pilot, "escape")
        assert "BTC/USDT" in shown(app)


async def test_s_cycles_the_order_and_the_pane_says_which() -> None:
    _, app = begin()
    async with app.run_test() as pilot:
        for said in ("by spread", "by net", "by symbol", "by spread"):
            await after(pilot)
            assert f"Routes {said}" in shown(app)
            await pilot.press("s")
        await after(pilot, "2", "s")
        assert "by bid" in shown(app)
        await after(pilot, "4", "s")
        assert "newest first" in shown(app)
        await after(pilot, "5", "s")
        assert "by state" in shown(app)


async def test_enter_shows_both_legs_and_the_first_reason() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "3", "end", "enter")
        assert isinstance(app.screen, DetailScreen)
        buy_id, sell_id = app.screen.route
        route = next(each for each in view.snapshot.routes if (each.buy_id, each.sell_id) == (buy_id, sell_id))
        page = shown(app)
        assert route.reason
        assert f"no: {reason_words(route.reason)}" in page
        for word in ("buy at ask", "sell at bid", "taker fee", "age", "gross spread", "net spread"):
            assert word in page
        await after(pilot, "escape")
        assert app.current_mode == "routes"


async def test_detail_names_the_rate_used() -> None:
    built = builder.snapshot()
    _, app = begin(built)
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "enter")
        assert "USD counts as USDT 1:1" in shown(app)


def test_detail_names_the_rate_of_the_leg_that_is_converted_once() -> None:
    built = builder.snapshot()
    assert built.intro is not None
    in_usd = [each.id for each in built.intro.instruments if each.symbol == "BTC/USD"]
    in_usdt = next(each.id for each in built.intro.instruments if each.symbol == "BTC/USDT")
    lines = ["".join(text for text, _ in line) for line in detail_lines(built, builder.NOW_MS, in_usdt, in_usd[0], 100)]
    assert sum("USD counts as USDT 1:1" in line for line in lines) == 1


async def test_the_number_keys_show_the_five_screens() -> None:
    _, app = begin()
    async with app.run_test() as pilot:
        for key, mode in zip("23451", ("prices", "routes", "signals", "health", "overview"), strict=True):
            await after(pilot, key)
            assert app.current_mode == mode


async def test_a_number_key_leaves_detail_and_help() -> None:
    _, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "enter", "question_mark", "4")
        assert app.current_mode == "signals"
        assert len(app.screen_stack) == 1


async def test_escape_returns_to_the_overview() -> None:
    _, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "5", "escape")
        assert app.current_mode == "overview"


async def test_arrows_move_the_selection_and_it_stays_with_its_route() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "3", "down", "down")
        pane = app.screen.query_one(RoutesPane)
        chosen = pane.selected
        assert pane.cursor == 2
        view.snapshot.routes = tuple(reversed(view.snapshot.routes))
        view.coming.routes = True
        for _ in range(10):
            app.tick()
        await after(pilot)
        assert pane.selected == chosen
        await after(pilot, "home")
        assert pane.cursor == 0
        await after(pilot, "end")
        assert pane.cursor == len(view.snapshot.routes) - 1
        await after(pilot, "pageup")
        assert 0 < pane.cursor < len(view.snapshot.routes) - 1


async def test_tab_hands_the_arrows_to_the_next_pane() -> None:
    _, app = begin(builder.snapshot(builder.VENUES))
    async with app.run_test() as pilot:
        await after(pilot)
        first = lines_of(app)[3]
        await after(pilot, "tab", "down")
        assert lines_of(app)[3] != first


async def test_the_log_follows_the_newest_unless_scrolled_away() -> None:
    view, app = begin()
    view.snapshot.events.extend(builder.events(60))

    def arrive(seq: int) -> None:
        event = Event(event="venue_up", seq=seq, timestamp=int(builder.NOW_MS), exchange=f"venue{seq}")
        view.snapshot.events.append(event)
        view.coming.events.append(event)
        tick_a_second(app)

    async with app.run_test() as pilot:
        await after(pilot, "1")
        arrive(901)
        await after(pilot)
        assert "venue901" in shown(app)
        app.screen.query_one(SignalLog).scroll_rows(-1000)
        arrive(902)
        await after(pilot)
        assert "venue902" not in shown(app)


async def test_the_selection_follows_the_newest_event_until_it_is_moved() -> None:
    view, app = begin()

    async def arrive(pilot: Pilot[None], seq: int) -> None:
        event = Event(event="venue_up", seq=seq, timestamp=int(builder.NOW_MS), exchange=f"venue{seq}")
        view.snapshot.events.append(event)
        view.coming.events.append(event)
        tick_a_second(app)
        await drawn(pilot)

    def selected() -> list[str]:
        return [line for line in lines_of(app) if line.startswith("›")]

    async with app.run_test() as pilot:
        await after(pilot, "4")
        await arrive(pilot, 901)
        assert len(selected()) == 1
        assert "venue901" in selected()[0]
        await after(pilot, "up")
        held = selected()
        await arrive(pilot, 902)
        assert selected() == held
        assert "venue902" in shown(app)


async def test_enter_on_a_signal_opens_its_route() -> None:
    view, app = begin()
    async with app.run_test() as pilot:
        await after(pilot, "4", "home", "enter")
        assert isinstance(app.screen, DetailScreen)
        names = {each.id: each for each in view.snapshot.intro.instruments} if view.snapshot.intro else {}
        assert [names[each].venue for each in app.screen.route] == ["binance", "coinbase"]


async def test_the_log_follows_from_its_first_event_on() -> None:
    built = builder.snapshot()
    built.events.clear()
    view, app = begin(built)
    async with app.run_test() as pilot:
        await after(pilot)
        for seq in range(1, 30):
            event = Event(event="venue_up", seq=seq, timestamp=int(builder.NOW_MS), exchange=f"venue{seq}")
            view.snapshot.events.append(event)
            view.coming.events.append(event)
            app.tick()
            if seq % 3 == 0:
                await pilot.pause()
        tick_a_second(app)
        await drawn(pilot)
        assert "venue29" in shown(app)


async def test_m_mutes_the_selected_route_and_hears_it_again() -> None:
    view = PlayedView(builder.snapshot())
    app = app_on(view)
    async with app.run_test() as pilot:
        await pilot.press("3", "m")
        route = view.snapshot.routes[0]
        key = (route.buy_id, route.sell_id)
        assert view.mutes == [(key, True)]
        muted = structs.replace(route, reason=Reason(ReasonCode.MUTED))
        view.snapshot.routes = (muted, *view.snapshot.routes[1:])
        await pilot.press("m")
        assert view.mutes[-1] == (key, False)
