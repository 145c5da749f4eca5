"""Instruments that come and go while the terminal UI runs, and a route that leaves the largest."""

from msgspec import structs

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import QuoteRow
from arbsniper_tui.session.snapshot import Snapshot
from tests.ui import builder
from tests.ui.played import PlayedView, app_on, begin
from tests.ui.terminal import drawn, lines_of

BINANCE = Instrument(2**47 + 1, "binance", "BTC/USDT", "BTCUSDT", "USDT", 0.1)
OKX = Instrument(7, "okx", "BTC/USDT", "BTC-USDT", "USDT", 0.1)


def quote(instrument: Instrument, bid: float) -> QuoteRow:
    return QuoteRow(instrument.id, bid, 1.0, bid + 0.5, 1.0, builder.NOW_MS - 40, None, None, 12)


async def test_the_price_pane_shows_the_new_row_and_drops_the_removed_one() -> None:
    built = Snapshot(
        intro=builder.intro_of([BINANCE]),
        status=builder.status(),
        quotes={BINANCE.id: quote(BINANCE, 100.0)},
        feeds=builder.feeds_of([BINANCE]),
    )
    view = PlayedView(built)
    app = app_on(view)
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("2")

        async def is_okx_drawn(*watched: Instrument) -> bool:
            assert view.snapshot.intro is not None
            view.snapshot.intro = structs.replace(view.snapshot.intro, instruments=watched)
            view.snapshot.quotes = {each.id: quote(each, 100.0) for each in watched}
            view.coming.intro = True
            app.tick()
            await drawn(pilot)
            assert any("binance" in line for line in lines_of(app))
            return any("okx" in line for line in lines_of(app))

        assert not await is_okx_drawn(BINANCE)
        assert await is_okx_drawn(BINANCE, OKX)
        assert not await is_okx_drawn(BINANCE)


async def test_a_detail_names_its_route_and_goes_on_when_it_leaves_the_largest() -> None:
    view, app = begin()
    route = view.snapshot.routes[0]
    key = (route.buy_id, route.sell_id)
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        assert view.named == ()
        await pilot.press("enter")
        app.tick()
        assert view.named == (key,)
        view.snapshot.routes = view.snapshot.routes[1:]
        view.snapshot.named_routes = {key: structs.replace(route, net_total=77.77)}
        view.coming.routes = True
        app.draw()
        await drawn(pilot)
        assert any("77.77" in line for line in lines_of(app))
        await pilot.press("escape")
        app.tick()
        assert view.named == ()
