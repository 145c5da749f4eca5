"""A feed on a simulated venue, with a diary of all that it says."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from arbsniper_tui.feeds.feed import Feed
from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.feeds.outlet import OnChange, OnDisconnect, OnFrame, OnListing
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.model.fact import Fact, OrderLimits
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import SIMULATED, list_instruments
from arbsniper_tui.sim.server import open_venues
from arbsniper_tui.sim.venue import VenueSim
from arbsniper_tui.venues import OPEN_VENUES, VENUES
from arbsniper_tui.venues.base import VenueAdapter


def _symbols_of(venue: str, market: Market) -> tuple[str, ...]:
    """Two of what the simulated market lists, BTC first."""
    listed = [each for each in list_instruments(SimPlan()) if (each.venue, each.market) == (venue, market)]
    first = next(each for each in listed if each.base == "BTC")
    second = next(each for each in listed if each.base == "ETH" and each.quote == first.quote)
    return first.symbol, second.symbol


SYMBOLS = {
    (venue, declared.market): _symbols_of(venue, declared.market)
    for venue in OPEN_VENUES
    for declared in VENUES[venue].markets
} | {("okx", Market.PERP): ("BTC/USDT:USDT", "BTC/USD:BTC")}
MARKETS = tuple(SYMBOLS)
ONE_EACH = tuple((venue, VENUES[venue].markets[0].market) for venue in SIMULATED)
QUICK = FeedTimings(
    check_every_s=0.02, seed_after_s=0.1, lost_book_after_s=0.05, first_retry_s=0.05, longest_retry_s=0.2
)
"""Waits as short as a slow machine allows: every expectation is about what happens in the end."""


def instruments(venue: str, symbols: Sequence[str], *, implied: bool = False) -> tuple[Instrument, ...]:
    spelled = [VENUES[venue].venue_symbol(parse_symbol(symbol)) for symbol in symbols]
    return tuple(
        Instrument(number, venue, symbol, venue_symbol, "USDT", 0.1, implied=implied)
        for number, (symbol, venue_symbol) in enumerate(zip(symbols, spelled, strict=True))
    )


class Noted(NamedTuple):
    """A state that a feed was in, since when by its own word, and when it said so."""

    state: FeedState
    since_ms: float
    noted_ms: float


class Diary:
    """The outlet of one feed, and every state it was in."""

    def __init__(self) -> None:
        self.market: MarketFeeds
        self.read: list[Quote] = []
        self.receipts_ns: list[int] = []
        self.instruments: list[tuple[list[int], list[int]]] = []
        """Ids of instruments that the feed said it added and removed."""
        self.withdrawn: list[Withdrawal] = []
        self.told: list[Fact] = []
        """But order limits."""
        self.limits: list[OrderLimits] = []
        self.states: list[tuple[FeedState, str]] = []
        self.retries_s: list[float] = []
        self.healths: list[Noted] = []
        self.frames: list[tuple[str, bytes]] = []
        self.lists: list[tuple[str, bytes]] = []
        self.ends: list[tuple[str, str]] = []

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        self.read += quotes
        self.receipts_ns += recv_ns or [ts_read_ns] * len(quotes)

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        self.withdrawn.append(withdrawal)

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        self.limits += [fact for fact in facts if isinstance(fact, OrderLimits)]
        self.told += [fact for fact in facts if not isinstance(fact, OrderLimits)]

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        self.instruments.append(([each.id for each in added], list(removed)))

    def health_changed(self) -> None:
        if not self.market.feeds:
            return  # that of another market, while this one has none yet
        health = self.feed.health()
        self.healths.append(Noted(health.state, health.since_ms, time.time() * 1000))
        self.states.append((health.state, health.detail))
        if health.retry_in_s is not None:
            self.retries_s.append(health.retry_in_s)

    @property
    def feed(self) -> Feed:
        return self.market.feeds[0]

    def frames_of(self, spec: FeedSpec) -> OnFrame:
        return lambda url, frame: self.frames.append((url, frame))

    def listings_of(self, spec: FeedSpec) -> OnListing:
        return lambda url, body: self.lists.append((url, body))

    def changes_of(self, spec: FeedSpec) -> OnChange:
        return lambda change: None

    def disconnects_of(self, spec: FeedSpec) -> OnDisconnect:
        return lambda url, reason: self.ends.append((url, reason))

    @property
    def state(self) -> FeedState:
        return self.feed.health().state

    @property
    def is_live(self) -> bool:
        return self.state is FeedState.LIVE

    def was(self, state: FeedState, words: str = "") -> bool:
        """Whether it was ever in this state with these words in its detail."""
        return any(seen is state and words in detail for seen, detail in self.states)

    @property
    def counts(self) -> Counter[int]:
        return Counter(quote.instrument_id for quote in self.read)

    def has_all(self, ids: int) -> bool:
        return len(self.counts) == ids

    def shown(self) -> object:
        return self.feed.health(), self.states[-8:], self.withdrawn[-4:]


@asynccontextmanager
async def running(
    venue: str,
    market: Market,
    ws_url: str,
    list_url: str,
    symbols: Sequence[str],
    *,
    seed_url: str = "",
    timings: FeedTimings = QUICK,
    implied: bool = False,
) -> AsyncIterator[Diary]:
    """A feed that runs while the block does, and that must not end by itself."""
    wanted = instruments(venue, symbols, implied=implied)
    spec = FeedSpec(f"{venue} {market}", venue, market, ws_url, list_url, wanted, seed_url)
    async with fed(spec, VENUES[venue], timings) as diary:
        yield diary


@asynccontextmanager
async def fed(spec: FeedSpec, adapter: VenueAdapter, timings: FeedTimings = QUICK) -> AsyncIterator[Diary]:
    """A feed of any venue that runs while the block does, and that must not end by itself."""
    diary = Diary()
    backlog = Backlog(lambda: None, lambda: None)
    declared = adapter.market(spec.market)
    assert declared is not None
    limits = VenueLimits(declared.limits, spec.connections)
    diary.market = MarketFeeds(
        spec,
        adapter,
        diary,
        backlog,
        timings,
        limits,
        diary,
    )
    beating = asyncio.create_task(backlog.run())
    task = asyncio.create_task(diary.market.run())
    try:
        yield diary
        if task.done():
            task.result()
            raise AssertionError("the feed ended by itself")
    finally:
        for each in (task, beating):
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each


class World:
    """The simulated venues, and feeds on them."""

    def __init__(self, sims: dict[str, VenueSim], ports: dict[str, int]) -> None:
        self.sims = sims
        self.ports = ports

    @asynccontextmanager
    async def feed(
        self,
        venue: str,
        market: Market,
        symbols: Sequence[str] = (),
        list_url: str = "",
        timings: FeedTimings = QUICK,
    ) -> AsyncIterator[Diary]:
        declared = VENUES[venue].market(market)
        assert declared is not None
        here = f"127.0.0.1:{self.ports[venue]}"
        ws_url, lists = f"ws://{here}{declared.ws_path}", list_url or f"http://{here}{declared.list_path}"
        seeds = f"http://{here}{declared.seed_path}" if declared.seed_path else ""
        wanted = symbols or SYMBOLS[venue, market]
        async with running(venue, market, ws_url, lists, wanted, seed_url=seeds, timings=timings) as diary:
            yield diary


@asynccontextmanager
async def simulated_world() -> AsyncIterator[World]:
    plan = SimPlan(seed=11, frames_per_s=3000.0)
    sockets = {venue: socket.create_server(("127.0.0.1", 0)) for venue in SIMULATED}
    ports = {venue: listener.getsockname()[1] for venue, listener in sockets.items()}
    async with open_venues(plan, sockets) as sims:
        yield World(sims, ports)
