"""Instruments join the feeds as the venues' lists arrive, and leave them with the lists."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from feeding import QUICK, Diary, World, simulated_world
from msgspec.structs import replace

from arbsniper_tui.config.settings import Conversion, Settings, VenueSettings
from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.feeds.pattern_watch import PatternWatch
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.universe.instruments import feed_specs, instruments_of
from arbsniper_tui.universe.selection import ListKey
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.requests import Limits

Eventually = Callable[..., Awaitable[None]]
SETTINGS = Settings(
    ("*/USDT",),
    exclude=("DOGE/*",),
    quotes={"USD": Conversion("kraken:USDT/USD")},
    venues=dict.fromkeys(("binance", "coinbase", "kraken"), VenueSettings()),
)


@asynccontextmanager
async def watching(world: World, settings: Settings) -> AsyncIterator[tuple[Diary, dict[ListKey, MarketFeeds]]]:
    venues = {
        venue: VenueSettings(f"ws://127.0.0.1:{world.ports[venue]}", f"http://127.0.0.1:{world.ports[venue]}")
        for venue in settings.venues
    }
    settings = replace(settings, venues=venues)
    diary = Diary()
    backlog = Backlog(lambda: None, lambda: None)
    markets = {
        (spec.venue, spec.market): MarketFeeds(
            spec, VENUES[spec.venue], diary, backlog, replace(QUICK, refresh_list_s=0.1), VenueLimits(Limits())
        )
        for spec in feed_specs(instruments_of(settings), settings)
    }
    diary.market = next(iter(markets.values()))
    watch = PatternWatch(settings, markets, {})
    async with AsyncExitStack() as stack:
        for work in (backlog.run(), watch.run(), *(market.run() for market in markets.values())):
            task = asyncio.create_task(work)
            stack.callback(_end, task)
        yield diary, markets


def _end(task: "asyncio.Task[None]") -> None:
    """Cancel it, or raise what ended it."""
    if task.done():
        task.result()
    task.cancel()


def symbols(market: MarketFeeds) -> set[str]:
    return {each.symbol for each in market.instruments.values()}


async def test_what_the_lists_have_in_common_is_served(eventually: Eventually) -> None:
    async with simulated_world() as world, watching(world, SETTINGS) as (diary, markets):
        await eventually(
            lambda: all("BTC/USD" in symbols(markets[each, Market.SPOT]) for each in ("coinbase", "kraken"))
        )
        assert {"BTC/USDT", "PEPE/USDT"} <= symbols(markets["binance", Market.SPOT])
        assert "USDT/USD" in symbols(markets["kraken", Market.SPOT])
        assert not any(symbol.startswith("DOGE/") for market in markets.values() for symbol in symbols(market))
        served = {i for market in markets.values() for i in market.instruments}
        await eventually(lambda: served <= diary.counts.keys(), lambda: served - diary.counts.keys())
        added = [i for came, _ in diary.instruments for i in came]
        assert sorted(added) == sorted(served)


async def test_a_halted_instrument_stays_with_that_reason_and_is_back_with_the_next_list(
    eventually: Eventually,
) -> None:
    async with simulated_world() as world, watching(world, SETTINGS) as (_, markets):
        await eventually(lambda: "ETH/USDT" in symbols(markets["binance", Market.SPOT]))
        world.sims["binance"].fault = Fault(FaultKind.HALT, ("ETHUSDT",))
        await eventually(lambda: "ETH/USDT" in markets["binance", Market.SPOT].health()[0].rejected)
        assert "ETH/USDT" in symbols(markets["binance", Market.SPOT])
        world.sims["binance"].fault = None
        await eventually(lambda: not markets["binance", Market.SPOT].health()[0].rejected)


async def test_a_market_without_an_instrument_says_what_it_waits_for(eventually: Eventually) -> None:
    settings = replace(SETTINGS, symbols=("*/USDT", "NOSUCH*/*:*"))
    async with simulated_world() as world, watching(world, settings) as (_, markets):
        perpetuals = markets["binance", Market.PERP]
        assert "waiting for the venue's list" in perpetuals.health()[0].detail
        await eventually(lambda: "none of them is asked for" in perpetuals.health()[0].detail)
        assert perpetuals.health()[0].state is FeedState.LISTING


async def test_a_new_listing_joins_without_a_restart(eventually: Eventually) -> None:
    async with simulated_world() as world:
        binance = world.sims["binance"]
        hidden = binance._dialect
        whole = hidden.list_body

        def without_eth(path: str, query: str, halted: object) -> str:
            body = json.loads(whole(path, query, ()))
            body["symbols"] = [row for row in body["symbols"] if row["symbol"] != "ETHUSDT"]
            return json.dumps(body)

        hidden.list_body = without_eth  # type: ignore[method-assign,assignment] # what the venue does not list yet
        async with watching(world, SETTINGS) as (diary, markets):
            await eventually(lambda: "BTC/USDT" in symbols(markets["binance", Market.SPOT]))
            assert "ETH/USDT" not in symbols(markets["binance", Market.SPOT])
            hidden.list_body = whole  # type: ignore[method-assign] # from now on it does
            await eventually(lambda: "ETH/USDT" in symbols(markets["binance", Market.SPOT]))
            (eth,) = [i for i, each in markets["binance", Market.SPOT].instruments.items() if each.symbol == "ETH/USDT"]
            await eventually(lambda: diary.counts[eth] >= 1, diary.shown)


async def test_a_coin_that_one_venue_and_an_external_exchange_have_is_on_two(eventually: Eventually) -> None:
    acme = VenueSettings(taker_fee_pct=0.1, symbols=("BTC/USDT",), external=True)
    async with simulated_world() as world:
        port = world.ports["binance"]
        binance = VenueSettings(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}")
        settings = Settings(("*/USDT",), venues={"binance": binance, "acme": acme})
        (spec,) = (each for each in feed_specs(instruments_of(settings), settings) if each.venue == "binance")
        market = MarketFeeds(
            spec, VENUES["binance"], Diary(), Backlog(lambda: None, lambda: None), QUICK, VenueLimits(Limits())
        )
        watch = PatternWatch(settings, {("binance", Market.SPOT): market}, {})
        async with AsyncExitStack() as stack:
            for work in (watch.run(), market.run()):
                stack.callback(asyncio.create_task(work).cancel)
            await eventually(lambda: market.instruments)
            assert symbols(market) == {"BTC/USDT"}
