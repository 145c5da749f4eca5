"""Prices of instruments in other currencies, and the order of prices."""

import re

from msgspec import structs
from textual.pilot import Pilot

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import QuoteRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui.app import ArbsniperApp
from tests.ui import builder
from tests.ui.played import PlayedView, app_on
from tests.ui.terminal import drawn, lines_of, shown

RATE = Instrument(9, "kraken", "USDT/USD", "USDT/USD", "USD", 0.26, only_rate=True)
LISTED = (
    Instrument(0, "binance", "BTC/USDT", "BTCUSDT", "USDT", 0.1),
    Instrument(1, "coinbase", "BTC/USD", "BTC-USD", "USDT", 0.6, rate_id=9, rate_inverted=True),
    Instrument(2, "okx", "BTC/USDT", "BTC-USDT", "USDT", 0.1),
    RATE,
)


def quote(instrument_id: int, bid: float, ask: float, reason: Reason | None = None) -> QuoteRow:
    return QuoteRow(instrument_id, bid, 1.0, ask, 1.0, builder.NOW_MS - 40, None, reason, 12)


def begin(*, rate: QuoteRow | None) -> tuple[PlayedView, ArbsniperApp]:
    """Coinbase bids 67,000.00 USD: 67,033.52 USDT at 0.9995, which is more than the others bid."""
    quotes = [quote(0, 67_010.5, 67_010.6), quote(1, 67_000.0, 67_000.01), quote(2, 67_020.1, 67_020.25)]
    built = Snapshot(
        intro=builder.intro_of(LISTED),
        status=builder.status(),
        quotes={each.instrument_id: each for each in (*quotes, *([rate] if rate else []))},
        feeds=builder.feeds_of(LISTED),
    )
    view = PlayedView(built)
    return view, app_on(view)


async def prices(pilot: Pilot[None], app: ArbsniperApp) -> list[str]:
    await pilot.press("2")
    app.tick()
    await drawn(pilot)
    return lines_of(app)


async def test_a_converted_price_is_marked_with_the_venues_own_and_the_rate_below_it() -> None:
    _, app = begin(rate=quote(9, 0.9994, 0.9995))
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await prices(pilot, app)
        at = next(y for y, line in enumerate(lines) if "coinbase" in line)
        assert "▲≈67,033.52" in lines[at]
        assert "≈67,040.23" in lines[at]
        assert "quoted in USD" in lines[at + 1]
        assert "67,000.00   67,000.01" in lines[at + 1]
        assert "÷ 0.9994 / 0.9995" in lines[at + 1]
        assert not any("≈" in line for line in lines if "binance" in line or "okx" in line)


async def test_both_rows_fit_the_smallest_screen() -> None:
    _, app = begin(rate=quote(9, 0.9994, 0.9995))
    async with app.run_test(size=(60, 15)) as pilot:
        lines = await prices(pilot, app)
        assert any("≈67,033.52" in line and "≈67,040.23" in line for line in lines)
        assert any("quoted in USD" in line and "67,000.01" in line for line in lines)


async def test_the_marks_move_with_the_rate() -> None:
    view, app = begin(rate=quote(9, 0.9994, 0.9995))
    async with app.run_test(size=(80, 24)) as pilot:
        await prices(pilot, app)
        view.requote(9, bid=1.0004, ask=1.0005)
        app.tick()
        await drawn(pilot)
        assert "▲67,020.10" in shown(app)
        assert "≈66,966.52" in shown(app)


async def test_without_a_rate_no_price_is_made_up_and_the_venues_own_still_stands() -> None:
    view, app = begin(rate=None)
    view.requote(1, reason=Reason(ReasonCode.NO_RATE))  # type: ignore[arg-type]  # a text among numbers
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await prices(pilot, app)
        at = next(y for y, line in enumerate(lines) if "coinbase" in line)
        assert "67," not in lines[at]
        assert "no rate" in lines[at]
        assert "67,000.00   67,000.01  no rate" in lines[at + 1]


async def test_sorted_by_bid_the_shown_bids_fall_whatever_moves() -> None:
    view, app = begin(rate=quote(9, 0.9994, 0.9995))
    async with app.run_test(size=(100, 24)) as pilot:
        await prices(pilot, app)
        await pilot.press("s")
        for step in range(12):
            view.requote(0, bid=67_000.0 + 15.0 * (step % 4), ask=67_100.0)
            view.requote(2, bid=67_010.0 + 9.0 * (step % 3), ask=67_100.0)
            app.tick()
            await pilot.pause()
            lines = [line for line in lines_of(app) if re.search(r" spot ", line)]
            bids = [float(re.findall(r"[\d,]+\.\d+", line)[0].replace(",", "")) for line in lines]
            assert len(bids) == 3
            assert bids == sorted(bids, reverse=True)


async def test_a_currency_that_counts_one_for_one_is_shown_as_it_is() -> None:
    view, app = begin(rate=None)
    assert view.snapshot.intro is not None
    one_for_one = tuple(structs.replace(each, rate_id=None) for each in LISTED)
    view.snapshot.intro = structs.replace(view.snapshot.intro, instruments=one_for_one)
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await prices(pilot, app)
        assert any("coinbase USD" in line and "67,000.00" in line for line in lines)
        assert not any("quoted in" in line or "≈" in line for line in lines)


async def test_receipt_minus_the_venues_time_is_not_called_a_lag() -> None:
    view, app = begin(rate=None)
    held = view.snapshot.quotes[0]
    view.snapshot.quotes[0] = structs.replace(held, ts_venue_ms=int(held.ts_recv_ms) + 7)
    async with app.run_test(size=(160, 20)) as pilot:
        await pilot.press("2")
        app.tick()
        await pilot.pause()
        page = shown(app)
        assert " venue time" in page and "lag" not in page
        assert " -7.0ms" in page


async def test_a_coin_that_a_venue_sells_by_the_thousand_is_marked_so() -> None:
    listed = (
        Instrument(0, "binance", "PEPE/USDT:USDT", "1000PEPEUSDT", "USDT", 0.05, multiplier=1000),
        Instrument(1, "okx", "PEPE/USDT:USDT", "PEPE-USDT-SWAP", "USDT", 0.05),
    )
    built = Snapshot(
        intro=builder.intro_of(listed),
        status=builder.status(),
        quotes={i: quote(i, 0.0000115, 0.0000116) for i in (0, 1)},
        feeds=builder.feeds_of(listed),
    )
    app = app_on(PlayedView(built))
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await prices(pilot, app)
        assert any(re.search(r"binance +x1000 perp", line) for line in lines), lines
        assert not any("x1000" in line for line in lines if "okx" in line)
