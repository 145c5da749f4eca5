"""The log: its window moves and nothing is laid out, its lines say which legs and what is left."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.signal import Event
from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.event_lines import NARROW, WIDE, event_line
from arbsniper_tui.ui.paint import words
from arbsniper_tui.ui.widgets.signal_log import KEPT, SignalLog
from tests.ui import builder
from tests.ui.played import PlayedView, app_on
from tests.ui.terminal import Terminal, drawn, lines_of, shown

Eventually = Callable[..., Awaitable[None]]


def begin(events: int = 14) -> tuple[PlayedView, ArbsniperApp]:
    built = builder.snapshot()
    built.events.clear()
    built.events.extend(builder.events(events))
    view = PlayedView(built)
    return view, app_on(view)


def arrive(view: PlayedView, seq: int) -> None:
    told = builder.signal("open", seq, int(builder.NOW_MS) + seq, 0.5 + seq / 10_000)
    event = Event(event="open", seq=seq, timestamp=told.timestamp, signal=told)
    view.snapshot.events.append(event)
    view.coming.events.append(event)


async def tick(pilot: Pilot[None], app: ArbsniperApp, times: int = 1) -> None:
    for _ in range(times):
        app.tick()
    await pilot.pause()


@pytest.mark.parametrize("key", ["1", "4"])
async def test_nothing_is_laid_out_while_events_come(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view, app = begin()
    layouts: list[Screen[object]] = []
    refresh_layout = Screen._refresh_layout

    def count(screen: Screen[object], *arguments: object, **options: object) -> None:
        layouts.append(screen)
        refresh_layout(screen, *arguments, **options)  # type: ignore[arg-type]  # handed on as they came

    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press(key)
        await tick(pilot, app, 2)
        await drawn(pilot)
        monkeypatch.setattr(Screen, "_refresh_layout", count)
        for seq in range(100, 160):
            arrive(view, seq)
            await tick(pilot, app)
        await tick(pilot, app, 5)
        await drawn(pilot)
        assert "+0.516" in shown(app) or "+0.52" in shown(app)
        assert layouts == []


async def test_a_storm_of_events_is_drawn_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    view, app = begin(60)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await tick(pilot, app, 2)
        drawn: list[int] = []
        monkeypatch.setattr(app.screen.query_one(SignalLog), "repaint", lambda: drawn.append(1))
        for seq in range(100, 120):
            arrive(view, seq)
            await tick(pilot, app)
        assert 4 <= len(drawn) <= 8


async def test_a_single_event_is_drawn_at_once() -> None:
    view, app = begin()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await tick(pilot, app, 10)
        arrive(view, 200)
        await tick(pilot, app)
        await drawn(pilot)
        assert "+0.520" in shown(app)


async def test_the_selected_event_stays_selected_when_old_ones_fall_out() -> None:
    view, app = begin()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await tick(pilot, app)
        log = app.screen.query_one(SignalLog)
        for seq in range(100, 100 + KEPT):
            arrive(view, seq)
        await tick(pilot, app, 5)
        await pilot.press("up", "up")
        chosen = log.selected
        assert chosen is not None
        for seq in range(5000, 5040):
            arrive(view, seq)
            await tick(pilot, app, 3)
        assert log.selected == chosen
        (selected,) = [line for line in lines_of(app) if line.startswith("›")]
        assert f"{chosen.spread_pct:+.3f}" in selected


async def test_the_newest_first_stays_where_it_was_scrolled_to() -> None:
    view, app = begin(100)
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("4", "s", "pagedown", "pagedown")
        await tick(pilot, app, 5)
        before = lines_of(app)[3:-2]
        arrive(view, 200)
        await tick(pilot, app, 5)
        assert lines_of(app)[3:-2] == before


async def test_one_event_sends_only_what_changed(eventually: Eventually) -> None:
    view, app = begin(6)
    terminal = Terminal()
    app.driver_class = terminal.driver
    async with app.run_test(size=(120, 36), headless=False) as pilot:
        await tick(pilot, app, 2)
        await drawn(pilot)
        terminal.written.clear()
        arrive(view, 200)
        await tick(pilot, app)
        await eventually(lambda: terminal.sent_bytes)
        assert terminal.sent_bytes < 300


def line_of(columns: object = WIDE, room: int = 150, **changed: object) -> str:
    held = builder.signal("open", 1, int(builder.NOW_MS))
    fields = {name: getattr(held, name) for name in held.__struct_fields__}
    told = type(held)(**fields | changed)
    event = Event(event="open", seq=1, timestamp=1, signal=told)
    return words(event_line(event, columns, room))  # type: ignore[arg-type]  # columns as the module declares them


def test_a_signal_between_the_markets_of_one_venue_names_both_legs() -> None:
    legs = {
        "buy_exchange": "okx",
        "sell_exchange": "okx",
        "buy_symbol": "BTC/USDT",
        "sell_symbol": "BTC/USDT:USDT",
        "sell_market": Market.PERP,
    }
    assert "okx spot → okx perp" in line_of(**legs)
    assert "BTC s→p" in line_of(NARROW, 45, **legs)
    assert "okx→okx" in line_of(NARROW, 45, **legs)


def test_a_perpetual_is_told_from_spot_in_a_narrow_log() -> None:
    assert "BTC perp" in line_of(NARROW, 45, buy_market=Market.PERP, sell_market=Market.PERP)


def test_gross_and_net_stand_beside_each_other_in_every_log() -> None:
    assert "+0.75 -0.05" in line_of(NARROW, 45, spread_pct=0.7512, net_spread_pct=-0.0488)
    assert "+0.751" in line_of(spread_pct=0.7512, net_spread_pct=-0.0488)
    assert "-0.049" in line_of(spread_pct=0.7512, net_spread_pct=-0.0488)


def test_the_money_is_the_size_times_what_is_left_of_a_coin() -> None:
    assert "+10.60 USDT" in line_of(size=0.31, net_profit=34.2)


def test_a_converted_price_is_marked_and_rounded_and_a_venues_own_is_not() -> None:
    line = line_of(sell_price=63_919.8883, buy_price=63_601.25, quote_rate=0.999, sell_raw_price=63_855.97)
    assert "≈63,919.89" in line
    assert " 63,601.25" in line
    assert "63,919.8883" not in line


def test_a_size_has_no_more_digits_than_it_needs() -> None:
    assert "0.1096 " in line_of(size=0.10960000000000002)


def test_no_amount_of_money_cuts_its_currency() -> None:
    for size in (0.0000003, 40.0, 500.0, 40_000.0):
        assert " USDT " in line_of(size=size, net_profit=34.2) + " "
