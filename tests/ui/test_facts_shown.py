"""Funding in the price pane, and all that is told of an instrument beside its quotes in the account of a route."""

from msgspec import structs
from textual.pilot import Pilot

from arbsniper_tui.model.fact import Funding, Mark, OpenInterest, OrderLimits
from arbsniper_tui.model.view import FactsRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.paint import words
from arbsniper_tui.ui.screens.detail import detail_lines
from tests.ui import builder
from tests.ui.played import PlayedView, app_on
from tests.ui.terminal import drawn, lines_of


async def prices(pilot: Pilot[None], app: ArbsniperApp) -> list[str]:
    await pilot.press("2")
    for _ in range(5):
        app.tick()
    await drawn(pilot)
    return lines_of(app)


def perpetual(built: Snapshot, venue: str) -> int:
    assert built.intro is not None
    return next(each.id for each in built.intro.instruments if (each.venue, each.symbol[-5:]) == (venue, ":USDT"))


def told(built: Snapshot, buy_id: int, sell_id: int) -> dict[str, str]:
    """The rows of a route's account by their names."""
    lines = [words(line) for line in detail_lines(built, builder.NOW_MS, buy_id, sell_id, 120)]
    return {line[1:16].strip(): " ".join(line[17:].split()) for line in lines}


async def test_the_rate_of_a_perpetual_stands_with_its_interval_and_follows_what_is_told() -> None:
    built = builder.snapshot()
    okx = perpetual(built, "okx")
    built.facts[okx] = FactsRow(okx, Funding(okx, 0.01234, None, 4.0), builder.NOW_MS)
    app = app_on(PlayedView(built))
    async with app.run_test(size=(120, 36)) as pilot:
        lines = await prices(pilot, app)
        assert any("funding %" in line for line in lines)
        assert any("+0.0123/4h" in line and "okx" in line for line in lines)
        built.facts[okx] = FactsRow(okx, Funding(okx, -0.5), builder.NOW_MS)
        lines = await prices(pilot, app)
        assert any("-0.5000 " in line and "okx" in line for line in lines)


async def test_without_perpetuals_there_is_no_column_for_funding() -> None:
    app = app_on(PlayedView(builder.snapshot(perps=False)))
    async with app.run_test(size=(120, 36)) as pilot:
        assert not any("funding" in line for line in await prices(pilot, app))


async def test_facts_that_do_not_come_are_told_under_their_feed_which_stays_live() -> None:
    built = builder.snapshot()
    built.feeds["okx perp"] = structs.replace(built.feeds["okx perp"], facts="HTTP 503 Service Unavailable")
    app = app_on(PlayedView(built))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("5")
        app.tick()
        await drawn(pilot)
        lines = lines_of(app)
        at = next(y for y, line in enumerate(lines) if "okx perp" in line)
        assert "live" in lines[at]
        assert lines[at + 1].split() == ["funding", "HTTP", "503", "Service", "Unavailable"]


def test_the_account_of_a_route_tells_each_fact_with_its_own_age() -> None:
    built = builder.snapshot()
    binance, okx = perpetual(built, "binance"), perpetual(built, "okx")
    now_ms = builder.NOW_MS
    built.facts = {
        binance: FactsRow(
            binance,
            Funding(binance, -0.0125, int(now_ms) + 3_600_000, 8.0, 0.02),
            now_ms - 31_000,
            Mark(binance, 67_010.55, 67_000.1),
            now_ms - 400,
            OpenInterest(binance, 1234.5),
            now_ms - 120_000,
        )
    }
    rows = told(built, binance, okx)
    assert rows["funding"] == "-0.0125 % every 8 h 31s old not told yet"
    assert rows["next funding"].startswith("in 1h 0m")
    assert rows["then"].startswith("+0.0200 % predicted")
    assert rows["mark"].startswith("67,010.55 USDT 0.4s old")
    assert rows["index"].startswith("67,000.10 0.4s old")
    assert rows["open interest"].startswith("1,234.5 BTC 2m old")


def test_the_account_of_spot_tells_no_funding() -> None:
    built = builder.snapshot()
    assert "funding" not in told(built, 0, 2)


def test_a_rate_stands_in_ten_characters() -> None:
    assert fmt.funding(Funding(0, 0.0038167, None, 8.0)) == "+0.0038/8h"
    assert fmt.funding(Funding(0, -12.5, None, 8.0)) == "-12.500/8h"
    assert fmt.funding(Funding(0, 0.0)) == "+0.0000"


def test_the_least_order_and_the_lot_are_told_without_powers_of_ten() -> None:
    built = builder.snapshot()
    binance, okx = perpetual(built, "binance"), perpetual(built, "okx")
    built.facts = {binance: FactsRow(binance, limits=OrderLimits(binance, 0.1, 1e-06, 0.00001, 12_500.0))}
    rows = told(built, binance, okx)
    assert rows["lot"].startswith("0.000001 BTC")
    assert rows["least order"].startswith("0.00001 BTC and 12,500 USDT")
