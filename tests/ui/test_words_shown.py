"""What the bars and tables say of contact, feeds, recording and Redis."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs
from textual.pilot import Pilot

from arbsniper_tui.model.health import RecordingHealth, RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import Invariants, RouteRow
from arbsniper_tui.session.snapshot import Changes, Snapshot
from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.paint import words
from arbsniper_tui.ui.screens.detail import detail_lines
from arbsniper_tui.ui.view import Views
from arbsniper_tui.ui.widgets.feed_bar import FeedBar
from arbsniper_tui.ui.widgets.feed_table import FeedTable
from tests.ui import builder
from tests.ui.played import PlayedView, app_on
from tests.ui.terminal import drawn, lines_of, roles_of

FROZEN_WORDS = "frozen 4.2 s, peers moved 12 bps"


def begin(change: Callable[[Snapshot], object] = lambda built: None) -> tuple[PlayedView, ArbsniperApp]:
    built = builder.snapshot()
    change(built)
    view = PlayedView(built)
    return view, app_on(view)


def change_feed(name: str, **fields: Any) -> Callable[[Snapshot], object]:
    def change(built: Snapshot) -> None:
        built.feeds[name] = structs.replace(built.feeds[name], **fields)

    return change


async def see(pilot: Pilot[None], app: ArbsniperApp, *keys: str) -> list[str]:
    for key in keys:
        await pilot.press(key)
    for _ in range(10):
        app.tick()
    await drawn(pilot)
    return lines_of(app)


def test_ages_grow_by_the_viewers_own_clock_while_nothing_arrives() -> None:
    clock_s = [100.0]
    view = PlayedView(builder.snapshot())
    views = Views(view, 10.0, remote=False, clock=lambda: clock_s[0])
    view.coming = Changes(status=True)
    views.pull()
    clock_s[0] = 107.5
    assert views.make(Changes(), "").now_ms == builder.NOW_MS
    view.snapshot.lost_contact = "no word from the node for 8 s"
    assert views.make(Changes(), "").now_ms == builder.NOW_MS + 7500
    view.snapshot.lost_contact = ""
    view.snapshot.status = builder.status(clock_ms=builder.NOW_MS + 8000)
    view.coming = Changes(status=True)
    views.pull()
    assert views.make(Changes(), "").now_ms == builder.NOW_MS + 8000


async def test_without_contact_no_feed_is_known_to_be_live() -> None:
    _, app = begin(lambda built: setattr(built, "lost_contact", "no word from the node for 3 s"))
    async with app.run_test(size=(120, 36)) as pilot:
        lines = await see(pilot, app, "5")
        assert "not known" in lines[-2]
        assert "? binance" in lines[-2]
        assert "●" not in lines[-2]
        assert "quiet" in roles_of(app.screen.query_one(FeedBar), "? binance")
        assert any("? binance spot" in line for line in lines)
        assert "quiet" in roles_of(app.screen.query_one(FeedTable), "live")


async def test_a_silent_feed_says_since_when_its_data_stopped() -> None:
    _, app = begin(change_feed("kraken spot", since_ms=builder.NOW_MS - 10_000))
    async with app.run_test(size=(120, 36)) as pilot:
        lines = await see(pilot, app)
        assert "kraken silent 10s" in lines[-2]


async def test_lag_is_a_column_and_a_large_one_stands_in_the_feed_bar() -> None:
    _, app = begin(change_feed("okx spot", lag_ms=2300.0))
    async with app.run_test(size=(120, 36)) as pilot:
        lines = await see(pilot, app, "5")
        assert "● okx lags 2s" in lines[-2]
        assert any("lag" in line and "rtt" in line for line in lines)
        assert any("okx spot" in line and "2300ms" in line for line in lines)


@pytest.mark.parametrize(("size", "said"), [((120, 36), "frozen 4.2 s"), ((80, 24), FROZEN_WORDS)])
async def test_a_feed_of_which_most_streams_are_frozen_says_so_and_so_do_their_rows(
    size: tuple[int, int], said: str
) -> None:
    def freeze(built: Snapshot) -> None:
        assert built.intro is not None
        frozen = Reason(ReasonCode.FROZEN, "", 4.2, 3.0, "", 12.4, 3)
        for each in built.intro.instruments:
            if each.venue == "okx":
                built.quotes[each.id] = structs.replace(built.quotes[each.id], reason=frozen)

    _, app = begin(freeze)
    async with app.run_test(size=size) as pilot:
        lines = await see(pilot, app)
        assert size[0] < 120 or f"● okx {FROZEN_WORDS}" in lines[-2]
        assert any("okx" in line and said in line for line in lines[:-2])


async def test_a_small_lag_is_no_news() -> None:
    _, app = begin(change_feed("okx spot", lag_ms=40.0))
    async with app.run_test(size=(120, 36)) as pilot:
        assert "lags" not in (await see(pilot, app))[-2]


async def test_recording_shows_a_mark_its_folder_and_its_size() -> None:
    recording = RecordingHealth("/srv/tapes", 120_400, 8_400_000)
    _, app = begin(lambda built: setattr(built, "recording", recording))
    async with app.run_test(size=(120, 36)) as pilot:
        lines = await see(pilot, app, "5")
        assert "● REC 8.4 MB" in lines[1]
        assert any("recording" in line and "/srv/tapes, 8.4 MB, 120,400 frames" in line for line in lines)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_is_counted_while_venues_fail_on_purpose_stands_in_the_top_bar(size: tuple[int, int]) -> None:
    view, app = begin(lambda built: setattr(built, "invariants", Invariants()))
    async with app.run_test(size=size) as pilot:
        assert "false signals 0, doubled events 0, unclosed opens 0" in (await see(pilot, app))[1]
        view.snapshot.invariants = Invariants(false_signals=3)
        assert "false signals 3, doubled events 0" in (await see(pilot, app))[1]


@pytest.mark.parametrize("size", [(60, 15), (120, 36)])
async def test_a_recording_that_failed_is_loud_on_every_screen(size: tuple[int, int]) -> None:
    view, app = begin(lambda built: setattr(built, "recording", RecordingHealth("/srv/tapes", 120, 8_400)))
    async with app.run_test(size=size) as pilot:
        await see(pilot, app)
        view.snapshot.recording = RecordingHealth("/srv/tapes", 120, 8_400, "No space left on device")
        view.coming = Changes(feeds=True)
        app.tick()
        await drawn(pilot)
        assert "NOT RECORDING  No space left" in lines_of(app)[1]
        assert "threshold 0.50%" in lines_of(app)[1]
        assert any("NOT RECORDING" in line and "No space left" in line for line in (await see(pilot, app, "5"))[2:])


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (RedisHealth(RedisState.OFF, detail="off"), "redis          off "),
        (RedisHealth(RedisState.AWAY, detail="refused", waiting=3), "redis          away, 3 waiting: refused "),
        (
            RedisHealth(RedisState.UP, "embedded", "unix:///run/arb/redis", rtt_ms=0.2),
            "embedded up, unix:///run/arb/redis, rtt 0.2ms",
        ),
    ],
)
async def test_redis_is_named_once(health: RedisHealth, said: str) -> None:
    _, app = begin(lambda built: setattr(built, "redis", health))
    async with app.run_test(size=(120, 36)) as pilot:
        assert said in "\n".join(await see(pilot, app, "5"))


async def test_screen_5_has_rows_of_feeds_on_the_smallest_screen() -> None:
    _, app = begin()
    async with app.run_test(size=(60, 15)) as pilot:
        lines = await see(pilot, app, "5")
        assert sum("binance" in line or "coinbase" in line for line in lines[:-2]) >= 2
        assert any("redis" in line for line in lines[2:])


async def test_the_key_hints_are_back_after_enter_in_the_filter() -> None:
    _, app = begin()
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, app)
        hints = lines_of(app)[-1]
        lines = await see(pilot, app, "slash", *"eth", "enter")
        assert lines[-1] == hints


async def test_the_filter_perp_finds_perpetual_signals() -> None:
    _, app = begin()
    async with app.run_test(size=(120, 36)) as pilot:
        lines = await see(pilot, app, "4", "slash", *"perp", "enter")
        assert any("ETH/USDT perp" in line for line in lines)
        assert not any("BTC/USDT spot" in line for line in lines)


def one_route(built: Snapshot, row: RouteRow) -> tuple[Instrument, Instrument]:
    built.routes = (row,)
    assert built.intro is not None
    return built.intro.instruments[row.buy_id], built.intro.instruments[row.sell_id]


def test_long_faults_of_both_legs_stand_apart() -> None:
    built = builder.snapshot()
    fault = "the venue closed the connection with code 1006"
    for each in (0, 1):
        built.quotes[each] = structs.replace(
            built.quotes[each], reason=Reason(ReasonCode.DISCONNECTED, words=f"{fault} ({each})")
        )
    one_route(built, RouteRow(0, 1, 0.0, 0.0, 0.0, Reason(ReasonCode.DISCONNECTED, "binance", words=fault), 0.0, 0))
    for width in (58, 78, 118):
        lines = [words(line) for line in detail_lines(built, builder.NOW_MS, 0, 1, width)]
        at = next(y for y, line in enumerate(lines) if line.startswith(" takes part"))
        column = lines[at].index("no:", lines[at].index("no:") + 1)
        halves = [(line[17 : column - 2], line[column:]) for line in lines[at : at + 5]]
        assert "(0)" in "".join(left for left, _ in halves)
        assert "(1)" in "".join(right for _, right in halves)
        assert all(not left[-1:].strip() or len(left) <= column - 17 for left, _ in halves)


def test_detail_shows_a_converted_price_beside_the_venues_own() -> None:
    built = builder.converted_snapshot()
    assert built.intro is not None
    usd = next(each for each in built.intro.instruments if each.symbol == "BTC/USD")
    page = "\n".join(words(line) for line in detail_lines(built, builder.NOW_MS, 0, usd.id, 100))
    own = built.quotes[usd.id].bid
    assert f"{own:,.2f} USD" in page
    assert f"≈{own / 0.9995:,.2f} USDT" in page
    assert "USD divided by kraken USDT/USD 0.9994 / 0.9995" in page


def test_detail_says_in_money_what_is_left() -> None:
    built = builder.snapshot()
    buy, sell = one_route(built, RouteRow(0, 1, 0.9, -0.2, 1.0, None, 900.0, 2, -134.0))
    page = detail_lines(built, builder.NOW_MS, buy.id, sell.id, 100)
    roles = {text.strip(): role for line in page for text, role in line}
    assert roles["-134.00 USDT"] == roles["-0.2000 %"] == "loss"


def test_a_frozen_view_keeps_its_ages_without_contact_too() -> None:
    view = PlayedView(builder.snapshot())
    views = Views(view, 10.0, remote=False, clock=iter(float(n) for n in range(100)).__next__)
    views.toggle_freeze()
    view.snapshot.lost_contact = "no word"
    assert views.make(Changes(), "").now_ms == builder.NOW_MS
