"""The routes: what is sorted, what is held, where the selection goes, and what is loud."""

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widget import Widget

from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import RouteRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.widgets.routes_pane import HELD_S, RoutesPane
from tests.ui import builder
from tests.ui.played import PlayedView, app_on
from tests.ui.terminal import lines_of, roles_of, shown

HELD_TICKS = round(HELD_S * 10)


def begin(built: Snapshot | None = None) -> tuple[PlayedView, ArbsniperApp]:
    view = PlayedView(built or builder.snapshot(builder.VENUES[:6], ("BTC", "ETH", "SOL")))
    return view, app_on(view)


async def go_on(pilot: Pilot[None], app: ArbsniperApp, ticks: int) -> None:
    for _ in range(ticks):
        app.tick()
    await pilot.pause()


def set_spreads(view: PlayedView, spreads: dict[int, float]) -> None:
    """Give the routes at these places of the snapshot another spread."""
    routes = list(view.snapshot.routes)
    for place, spread_pct in spreads.items():
        held = routes[place]
        fields = {name: getattr(held, name) for name in held.__struct_fields__}
        routes[place] = RouteRow(**fields | {"spread_pct": spread_pct})
    view.snapshot.routes = tuple(routes)
    view.coming.routes = True


def rows_of(app: ArbsniperApp) -> list[str]:
    """The rows of the routes screen."""
    return lines_of(app)[3:-2]


def spreads_of(app: ArbsniperApp) -> list[float]:
    column = lines_of(app)[2].index("spread %")
    return [float(line[column : column + 8]) for line in rows_of(app) if line[column : column + 8].strip(" -")]


def is_selected(line: str) -> bool:
    return line.startswith("›")


async def test_rows_are_sorted_by_what_they_show_however_small_the_difference() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 50)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        base = view.snapshot.routes[5].spread_pct
        set_spreads(view, {6: base + 0.001, 9: base + 0.002, 3: base - 0.001})
        await go_on(pilot, app, 5)
        shown = spreads_of(app)
        assert len(shown) > 30
        assert shown == sorted(shown, reverse=True)


async def test_the_order_stands_still_while_the_cursor_moves_and_then_sorts() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 50)) as pilot:
        await pilot.press("3", "down", "down")
        await go_on(pilot, app, 5)
        before = [line[2:45] for line in rows_of(app)]
        set_spreads(view, {20: 9.0})
        await go_on(pilot, app, HELD_TICKS - 10)
        assert [line[2:45] for line in rows_of(app)] == before
        assert "by spread, order held" in lines_of(app)[2]
        assert "+9.000" in rows_of(app)[20]
        await go_on(pilot, app, 15)
        assert "+9.000" in rows_of(app)[0]
        assert "held" not in lines_of(app)[2]


async def test_the_window_follows_the_selected_route() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 16)) as pilot:
        await pilot.press("3", "down")
        pane = app.screen.query_one(RoutesPane)
        chosen = pane.selected
        set_spreads(view, {1: -5.0})
        await go_on(pilot, app, HELD_TICKS + 10)
        assert pane.selected == chosen
        (selected,) = filter(is_selected, rows_of(app))
        assert "-5.000" in selected
        await pilot.press("enter")
        await go_on(pilot, app, 1)
        assert app.front is not None
        assert app.front.selected_route(view.snapshot) == chosen


async def test_home_gives_the_selection_back_to_the_top_row() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3", "end", "home")
        set_spreads(view, {20: 9.0})
        await go_on(pilot, app, HELD_TICKS + 10)
        assert is_selected(rows_of(app)[0])
        assert "+9.000" in rows_of(app)[0]


async def test_the_wheel_takes_the_cursor_along() -> None:
    _, app = begin()
    async with app.run_test(size=(100, 16)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        pane = app.screen.query_one(RoutesPane)
        pane.scroll_rows(7)
        await go_on(pilot, app, 10)
        assert is_selected(rows_of(app)[0])
        assert pane.cursor == 7


async def test_a_route_without_a_price_has_no_numbers_and_stands_last() -> None:
    built = builder.snapshot()
    held = built.routes[0]
    built.routes = (
        RouteRow(held.buy_id, held.sell_id, 0.0, 0.0, 0.0, Reason(ReasonCode.NO_DATA, "okx"), 0.0, 0),
        *built.routes[1:4],
    )
    _, app = begin(built)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        last = rows_of(app)[3]
        assert "no data yet" in last
        assert "0.000" not in last
        assert "+0.00" not in last


async def test_what_would_lose_money_is_quiet_however_large_its_spread() -> None:
    built = builder.snapshot()
    first, best, second, third, fourth = built.routes[:5]
    below = Reason(ReasonCode.GROSS_BELOW, "", 0.2, 0.5)
    built.routes = (
        RouteRow(first.buy_id, first.sell_id, 1.5, 1.0, 1.0, None, 900.0, 2, 670.0),
        RouteRow(best.buy_id, best.sell_id, 0.9, -0.2, 1.0, None, 900.0, 2, -134.0),
        RouteRow(second.buy_id, second.sell_id, 0.6, 0.1, 0.31, None, 900.0, 2, 20.77),
        RouteRow(third.buy_id, third.sell_id, 0.55, 0.7, 1.0, Reason(ReasonCode.FEED_DOWN, "gate"), 0.0, 0, 469.0),
        RouteRow(fourth.buy_id, fourth.sell_id, 0.2, -0.3, 1.0, below, 0.0, 0, -201.0),
    )
    _, app = begin(built)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        pane: Widget = app.screen.query_one(RoutesPane)
        assert roles_of(pane, "+0.900") == {"quiet"}
        assert roles_of(pane, "-0.200") == roles_of(pane, "-134.00") == {"loss"}
        assert roles_of(pane, "+0.100") == roles_of(pane, "+20.77") == {"gain"}
        assert roles_of(pane, "+0.700") == roles_of(pane, "+469.00") == {"quiet"}
        assert roles_of(pane, "-0.300") == {"quiet"}
        assert "+20.77 USD" in shown(app)


async def test_the_money_column_gives_way_where_there_is_no_room() -> None:
    _, app = begin()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        assert "net %" in lines_of(app)[2]
        assert "net total" not in lines_of(app)[2]
        assert "why not" in lines_of(app)[2]


async def test_a_filter_that_none_of_the_routes_sent_holds_does_not_deny_the_others() -> None:
    built = builder.snapshot(builder.VENUES, ("BTC", "ETH"))
    assert built.intro is not None and built.intro.routes > len(built.routes) == 60
    told = f"none of the 60 largest of {built.intro.routes} routes holds the filter: doge"
    _, app = begin(built)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3", "slash", *"doge", "enter")
        await go_on(pilot, app, 1)
        assert told in shown(app)


async def test_a_filter_that_no_route_of_the_node_holds_is_said_so() -> None:
    built = builder.snapshot(builder.VENUES[:2])
    built.intro = structs.replace(built.intro, routes=len(built.routes))
    _, app = begin(built)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3", "slash", *"doge", "enter")
        await go_on(pilot, app, 1)
        assert "no route holds the filter: doge" in shown(app)


@pytest.mark.parametrize(("width", "room"), [(200, True), (100, True), (80, False), (60, False)])
async def test_the_header_says_how_many_of_the_routes_are_there_where_it_has_room(width: int, room: bool) -> None:
    built = builder.snapshot(builder.VENUES, ("BTC", "ETH"))
    assert built.intro is not None
    _, app = begin(built)
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        header = lines_of(app)[2]
        assert (f" 60 of {built.intro.routes} " in header) is room
        assert "why not" in header


async def test_a_large_total_keeps_its_currency() -> None:
    built = builder.snapshot()
    built.routes = (structs.replace(built.routes[0], net_total=12_345.67), *built.routes[1:])
    _, app = begin(built)
    async with app.run_test(size=(160, 30)) as pilot:
        await pilot.press("3")
        await go_on(pilot, app, 1)
        assert "+12,345.7 USDT " in rows_of(app)[0]
