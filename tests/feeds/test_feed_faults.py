"""The feed loop on simulated venues that fail in every way they can, and that it recovers without a hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from feeding import MARKETS, ONE_EACH, QUICK, Diary, World, running, simulated_world
from msgspec.structs import replace
from raw_venues import RawBinance

from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.net import backoff
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.sim.fault import Fault, FaultKind

Eventually = Callable[..., Awaitable[None]]
every_market = pytest.mark.parametrize(("venue", "market"), MARKETS)
every_venue = pytest.mark.parametrize(("venue", "market"), ONE_EACH)
two_venues = pytest.mark.parametrize(("venue", "market"), [("kraken", Market.SPOT), ("coinbase", Market.SPOT)])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with simulated_world() as world:
        yield world


@pytest.fixture
def peer_venue() -> Iterator[RawBinance]:
    with RawBinance() as venue:
        yield venue


async def lives(diary: Diary, eventually: Eventually) -> None:
    """Until every instrument has had a quote since the call."""
    diary.read.clear()
    await eventually(lambda: diary.has_all(2) and diary.is_live, diary.shown)


@every_market
async def test_quotes_arrive_for_every_instrument(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market) as diary:
        await lives(diary, eventually)
        await eventually(lambda: diary.feed.health().rtt_ms is not None, diary.shown)
        health = diary.feed.health()
        assert not any(map(defect, diary.read))
        assert (health.feed, health.venue, health.connects) == (f"{venue} {market}", venue, 1)
        assert health.instrument_ids == (0, 1)
        assert health.quotes >= len(diary.read) and health.frames > 0 and health.bytes > health.frames
        assert (health.dropped, health.rejected, health.retry_in_s) == ({}, {}, None)
        assert not diary.withdrawn
        order = [state for state, _ in diary.states]
        assert order.index(FeedState.SUBSCRIBED) < order.index(FeedState.LIVE)


@every_venue
async def test_a_drop_withdraws_everything_at_once_and_mends_itself(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market) as diary:
        await lives(diary, eventually)
        world.sims[venue].fault = Fault(FaultKind.DROP)
        await eventually(lambda: diary.withdrawn, diary.shown)
        [withdrawal] = diary.withdrawn
        assert withdrawal.instrument_ids == (0, 1)
        assert reason_words(withdrawal.reason).startswith("disconnected: ")
        assert diary.was(FeedState.DOWN, reason_words(withdrawal.reason).removeprefix("disconnected: "))
        await lives(diary, eventually)
        assert diary.feed.health().connects == 2


@every_venue
async def test_a_refusal_is_told_and_tried_again_until_it_ends(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market) as diary:
        await lives(diary, eventually)
        world.sims[venue].fault = Fault(FaultKind.REFUSE)
        await eventually(lambda: sum("HTTP 503" in detail for _, detail in diary.states) >= 3, diary.shown)
        assert f"127.0.0.1:{world.ports[venue]}" in diary.feed.health().detail
        world.sims[venue].fault = None
        await lives(diary, eventually)
        assert diary.feed.health().detail == ""


@every_venue
async def test_silence_is_shown_and_breaks_nothing(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market, timings=replace(QUICK, silent_after_s=0.2)) as diary:
        await lives(diary, eventually)
        world.sims[venue].fault = Fault(FaultKind.FREEZE)
        await eventually(lambda: diary.state is FeedState.SILENT, diary.shown)
        health = diary.feed.health()
        assert health.detail == "connected, but no quotes come"
        # Silence began with the last quote, not when it was noticed.
        began_ms = next(each.since_ms for each in diary.healths if each.state is FeedState.SILENT)
        noticed_ms = next(each.noted_ms for each in diary.healths if each.state is FeedState.SILENT)
        assert noticed_ms - began_ms >= 200
        assert not diary.withdrawn
        world.sims[venue].fault = None
        await lives(diary, eventually)
        assert diary.feed.health().connects == 1


@pytest.mark.parametrize("venue", ["kraken", "coinbase", "okx"])
async def test_a_venue_that_sends_first_states_is_asked_for_them_after_a_long_silence(
    world: World, venue: str, eventually: Eventually
) -> None:
    quick = replace(QUICK, silent_after_s=0.1, resubscribe_after_s=0.2)
    async with world.feed(venue, Market.SPOT, timings=quick) as diary:
        await lives(diary, eventually)
        world.sims[venue].fault = Fault(FaultKind.QUIET)
        await eventually(lambda: diary.state is FeedState.SILENT, diary.shown)
        diary.read.clear()
        await eventually(lambda: diary.has_all(2), diary.shown)
        assert diary.feed.health().connects == 1
        assert not diary.withdrawn and not diary.feed.health().rejected


async def test_a_quiet_symbol_is_seeded_by_rest_and_its_age_counts_from_the_request(
    world: World, eventually: Eventually
) -> None:
    world.sims["binance"].fault = Fault(FaultKind.QUIET, ("BTCUSDT",))
    before_ns = now_ns()
    async with world.feed("binance", Market.SPOT) as diary:
        await eventually(lambda: diary.has_all(2), diary.shown)
        await moves(diary, 1, eventually)
        assert diary.counts[0] == 1
        at = [quote.instrument_id for quote in diary.read].index(0)
        assert before_ns < diary.receipts_ns[at] < now_ns()
        world.sims["binance"].fault = None
        await moves(diary, 0, eventually)


async def test_a_change_that_came_before_the_answer_is_not_replaced_by_it(
    peer_venue: RawBinance, closed_port: int, eventually: Eventually
) -> None:
    def answered_late() -> bytes:
        peer_venue.send(peer_venue.quote(200.0, 201.0))
        peer_venue.wait_for(lambda: diary.read)
        row = {"symbol": "BTCUSDT", "bidPrice": "1", "bidQty": "1", "askPrice": "2", "askQty": "1"}
        return json.dumps([row]).encode()

    peer_venue.rest["/api/v3/ticker/bookTicker"] = answered_late
    here = f"127.0.0.1:{peer_venue.port}"
    async with running(
        "binance",
        Market.SPOT,
        f"ws://{here}/ws",
        f"http://127.0.0.1:{closed_port}/",
        ("BTC/USDT",),
        seed_url=f"http://{here}/api/v3/ticker/bookTicker",
    ) as diary:
        await eventually(lambda: peer_venue.answered == ["/api/v3/ticker/bookTicker"], diary.shown)
        peer_venue.send(peer_venue.quote(300.0, 301.0))
        await eventually(lambda: len(diary.read) >= 2, diary.shown)
        assert [quote.bid for quote in diary.read] == [200.0, 300.0]


@two_venues
async def test_subscribed_without_data_is_not_live(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    world.sims[venue].fault = Fault(FaultKind.STALL)
    async with world.feed(venue, market, timings=replace(QUICK, first_data_within_s=0.2)) as diary:
        await eventually(lambda: diary.was(FeedState.DOWN, "subscribed, but no data for"), diary.shown)
        assert diary.was(FeedState.SUBSCRIBED, "no data yet")
        assert not diary.was(FeedState.LIVE)
    world.sims[venue].fault = None


async def test_a_venue_that_sends_changes_only_is_not_left_for_want_of_a_change(
    peer_venue: RawBinance, closed_port: int, eventually: Eventually
) -> None:
    quick = replace(QUICK, first_data_within_s=0.05)
    where = f"ws://127.0.0.1:{peer_venue.port}/ws", f"http://127.0.0.1:{closed_port}/"
    async with running("binance", Market.SPOT, *where, ("BTC/USDT",), timings=quick) as diary:
        # Answered pings prove the connection.
        await eventually(lambda: diary.feed.health().rtt_ms is not None, diary.shown)
        for _ in range(20):
            await asyncio.sleep(quick.check_every_s)
        assert diary.feed.health().connects == 1
        peer_venue.send(peer_venue.quote(100.0, 101.0))
        await eventually(lambda: diary.is_live, diary.shown)


@every_venue
async def test_one_frozen_instrument_stops_no_other(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market) as diary:
        await lives(diary, eventually)
        frozen = diary.feed.spec.instruments[0].venue_symbol
        world.sims[venue].fault = Fault(FaultKind.FREEZE, (frozen,))
        # What was on its way when the fault was set has come once the other has moved a few times.
        await moves(diary, 1, eventually)
        diary.read.clear()
        await moves(diary, 1, eventually)
        assert diary.counts.keys() == {1}
        assert diary.is_live and not diary.withdrawn
        world.sims[venue].fault = None
        await lives(diary, eventually)
        assert diary.feed.health().connects == 1


async def moves(diary: Diary, instrument_id: int, eventually: Eventually) -> None:
    before = diary.counts[instrument_id]
    await eventually(lambda: diary.counts[instrument_id] >= before + 4, diary.shown)


@every_venue
async def test_garbage_is_counted_by_reason_and_no_price_of_it_passes(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    world.sims[venue].fault = Fault(FaultKind.GARBAGE)
    async with world.feed(venue, market) as diary:
        await eventually(lambda: diary.feed.health().dropped.get("unreadable frame", 0) >= 6, diary.shown)
        await eventually(lambda: "crossed" in diary.feed.health().dropped, diary.shown)
        assert not any(map(defect, diary.read))
        assert {"crossed"} <= {reason_words(withdrawal.reason) for withdrawal in diary.withdrawn}
        world.sims[venue].fault = None
        await lives(diary, eventually)


@two_venues
async def test_a_venue_that_does_not_answer_is_left_and_tried_again(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    world.sims[venue].fault = Fault(FaultKind.SLOW)
    async with world.feed(venue, market, timings=replace(QUICK, open_within_s=0.5)) as diary:
        await eventually(lambda: diary.was(FeedState.DOWN, "no answer within 0.5 s"), diary.shown)
        world.sims[venue].fault = None
        await lives(diary, eventually)


async def test_waits_grow_while_nothing_comes_and_begin_anew_after_data(world: World, eventually: Eventually) -> None:
    okx = world.sims["okx"]
    okx.fault = Fault(FaultKind.REFUSE)
    timings = replace(QUICK, first_retry_s=0.01, longest_retry_s=0.08)
    async with world.feed("okx", Market.SPOT, timings=timings) as diary:
        await eventually(lambda: len(diary.retries_s) >= 5, diary.shown)
        waits_s = diary.retries_s[:5]
        for wait_s, middle_s in zip(waits_s, (0.01, 0.02, 0.04, 0.08, 0.08), strict=True):
            assert wait_s == pytest.approx(middle_s, rel=backoff.JITTER + 1e-9)
        okx.fault = None
        await lives(diary, eventually)
        diary.retries_s.clear()
        okx.fault = Fault(FaultKind.DROP)
        await eventually(lambda: diary.retries_s, diary.shown)
        assert diary.retries_s[0] == pytest.approx(0.01, rel=backoff.JITTER + 1e-9)


async def test_an_ack_is_not_data_and_does_not_begin_the_waits_anew(world: World, eventually: Eventually) -> None:
    world.sims["okx"].fault = Fault(FaultKind.STALL)
    async with world.feed("okx", Market.SPOT, timings=replace(QUICK, first_data_within_s=0.02)) as diary:
        await eventually(lambda: len(diary.retries_s) >= 3, diary.shown)
        assert diary.retries_s[2] == pytest.approx(0.2, rel=backoff.JITTER + 1e-9)


async def test_no_venue_disturbs_another(world: World, eventually: Eventually) -> None:
    async with world.feed("okx", Market.SPOT) as okx, world.feed("kraken", Market.SPOT) as kraken:
        await lives(okx, eventually)
        await lives(kraken, eventually)
        world.sims["okx"].fault = Fault(FaultKind.REFUSE)
        await eventually(lambda: okx.state is FeedState.DOWN, okx.shown)
        await lives(kraken, eventually)
        assert kraken.feed.health().connects == 1
        assert not kraken.withdrawn
