"""Slow facts come on connections of their own and by REST, again after each end, and never as quotes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
from feeding import QUICK, Diary, World, instruments, simulated_world
from made_tapes import OKX_URL, Playing, line, write_tape
from made_up_venues import HeartbeatParser, MadeUpAdapter, made_up_market
from msgspec import json as msgspec_json
from msgspec.structs import replace
from raw_venues import RawVenue

from arbsniper_tui.feeds.fact_feed import FactFeed
from arbsniper_tui.feeds.fact_outlet import FactOutlet
from arbsniper_tui.feeds.recorder import Recorder
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.feeds.venue_list import VenueList
from arbsniper_tui.model.errors import UNREADABLE, BadFrame
from arbsniper_tui.model.fact import Fact, Funding, FundingInterval, Mark, OpenInterest
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Find, VenueAdapter, VenueMarket
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, Limits, Subscription

Eventually = Callable[..., Awaitable[None]]

BTC = Instrument(0, "told", "BTC/USDT", "BTC-USDT", "USDT", 0.1)
ETH = Instrument(1, "told", "ETH/USDT", "ETH-USDT", "USDT", 0.1)
PEPE = Instrument(2, "told", "PEPE/USDT", "1000PEPE-USDT", "USDT", 0.1, multiplier=1000)
LISTED = {each.venue_symbol: Listing() for each in (BTC, ETH, PEPE)}
TIMINGS = replace(QUICK, facts_every_s=0.02)


class FactVenue(MadeUpAdapter):
    """Tells funding and marks on a stream, and open interest by REST: {"BTC-USDT": 12.5}."""

    venue: ClassVar[str] = "told"
    parser_type = HeartbeatParser
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        made_up_market(
            Subscription('"quote.$symbol"', '{"subscribe":[$topics]}', '{"unsubscribe":[$topics]}'),
            facts=FactSource(Subscription('"ticker.$symbol"', '{"subscribe":[$topics]}'), every_s=0.05),
        ),
    )

    def parse_facts(self, body: bytes, find: Find, listings: Mapping[str, Listing]) -> Sequence[Fact]:
        try:
            held = msgspec_json.decode(body, type=dict[str, float])
        except UNREADABLE as error:
            raise BadFrame(f"expected open interest, found {body!r}") from error
        return [OpenInterest(each.id, coins) for name, coins in held.items() if (each := find(name))]


def ticker(name: str, mark: float, funding: float = 0.0001) -> str:
    params = {"channel": "ticker", "data": {"name": name, "mark": mark, "funding": funding}}
    return json.dumps({"method": "subscription", "params": params})


@pytest.fixture
def raw() -> Iterator[RawVenue]:
    with RawVenue() as venue:
        venue.rest["/list"] = json.dumps(list(LISTED)).encode()
        yield venue


def spec_of(raw: RawVenue, *wanted: Instrument, stream: bool = True, path: str = "", each: str = "") -> FeedSpec:
    here = f"127.0.0.1:{raw.port}"
    return FeedSpec(
        "told spot",
        "told",
        Market.SPOT,
        f"ws://{here}/quotes",
        f"http://{here}/list",
        wanted,
        per_connection=2,
        facts_ws_url=f"ws://{here}/slow" if stream else "",
        facts_url=f"http://{here}{path}" if path else "",
        facts_each_url=f"http://{here}{each}" if each else "",
    )


class Told(Diary):
    """What a fact feed says, with the feed."""

    def __init__(self) -> None:
        super().__init__()
        self.facts_feed: FactFeed
        self.health_changes = 0

    def health_changed(self) -> None:
        self.health_changes += 1

    @property
    def trouble(self) -> str:
        return self.facts_feed.trouble

    def shown(self) -> object:
        return self.told[-8:], self.trouble


@asynccontextmanager
async def told_by(
    spec: FeedSpec,
    adapter: VenueAdapter | None = None,
    recorder: Recorder | None = None,
    most: int | None = None,
) -> AsyncIterator[Told]:
    told = Told()
    backlog = Backlog(lambda: None, lambda: None)
    adapter = adapter or FactVenue()
    listed = VenueList(adapter, spec.market, spec.list_url, TIMINGS)
    limits = VenueLimits(Limits(), most)
    told.facts_feed = FactFeed(spec, adapter, told, backlog, TIMINGS, listed, limits, recorder)
    tasks = [asyncio.create_task(each) for each in (listed.run(), told.facts_feed.run(), backlog.run())]
    try:
        yield told
        assert not tasks[1].done(), "the feed ended by itself"
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_it_connects_again_and_says_meanwhile_why_there_are_no_facts(
    raw: RawVenue, eventually: Eventually
) -> None:
    async with told_by(spec_of(raw, BTC, ETH)) as told:
        await eventually(lambda: "subscribed" in told.trouble, told.shown)
        assert raw.targets == ["/slow"]
        await eventually(lambda: '{"subscribe":["ticker.BTC-USDT","ticker.ETH-USDT"]}' in raw.heard, lambda: raw.heard)
        raw.send(ticker("BTC-USDT", 100.5), ticker("XRP-USDT", 7.0))
        await eventually(lambda: len(told.told) == 2 and not told.trouble, told.shown)
        assert told.told == [Mark(0, 100.5), Funding(0, 0.01, None, 8.0)]
        raw.drop()
        await eventually(lambda: len(raw.connections) == 2 and "subscribed" in told.trouble, told.shown)
        raw.send(ticker("ETH-USDT", 3.5))
        await eventually(lambda: len(told.told) == 4 and not told.trouble, told.shown)
    assert told.health_changes
    assert (told.read, told.withdrawn, told.instruments) == ([], [], [])


async def test_a_quote_on_its_connection_is_none(raw: RawVenue, eventually: Eventually) -> None:
    quote = {"name": "BTC-USDT", "bid": 1, "bid_size": 2, "ask": 3, "ask_size": 4}
    async with told_by(spec_of(raw, BTC)) as told:
        await eventually(lambda: raw.heard, told.shown)
        raw.send(json.dumps({"method": "subscription", "params": {"channel": "quote", "data": quote}}))
        raw.send(ticker("BTC-USDT", 2.0))
        await eventually(lambda: told.told, told.shown)
    assert told.read == []


async def test_numbers_that_cannot_be_true_are_not_passed_on(raw: RawVenue, eventually: Eventually) -> None:
    async with told_by(spec_of(raw, BTC)) as told:
        await eventually(lambda: raw.heard, told.shown)
        raw.send(ticker("BTC-USDT", -1.0, 2.0), ticker("BTC-USDT", 5.0, 0.001))
        await eventually(lambda: told.told, told.shown)
    assert told.told == [Mark(0, 5.0), Funding(0, 0.1, None, 8.0)]


async def test_instruments_come_and_go_and_connections_are_added_where_one_is_full(
    raw: RawVenue, eventually: Eventually
) -> None:
    async with told_by(spec_of(raw, BTC)) as told:
        await eventually(lambda: len(raw.heard) == 1, told.shown)
        told.facts_feed.add((ETH, PEPE))
        await eventually(lambda: len(raw.connections) == 2 and len(raw.heard) == 3, lambda: raw.heard)
        assert sorted(raw.heard[1:]) == ['{"subscribe":["ticker.1000PEPE-USDT"]}', '{"subscribe":["ticker.ETH-USDT"]}']
        raw.send(ticker("1000PEPE-USDT", 0.0115))
        await eventually(lambda: Mark(2, 0.0000115) in told.told, told.shown)
        told.facts_feed.remove([2])
        told.told.clear()
        raw.send(ticker("1000PEPE-USDT", 0.0116))
        raw.connections.reverse()
        raw.send(ticker("BTC-USDT", 9.0))
        await eventually(lambda: told.told, told.shown)
        assert {fact.instrument_id for fact in told.told} == {0}
        assert not any("unsubscribe" in text for text in raw.heard)


async def test_what_the_venues_connections_have_no_room_for_is_told(raw: RawVenue, eventually: Eventually) -> None:
    async with told_by(spec_of(raw, BTC, ETH, PEPE), most=1) as told:
        await eventually(lambda: raw.heard, told.shown)
        raw.send(ticker("BTC-USDT", 9.0))
        await eventually(lambda: "no room for 1 instruments" in told.trouble, told.shown)
        assert len(raw.connections) == 1


async def test_rest_is_asked_for_all_at_once_and_a_failure_is_told_until_it_is_over(
    raw: RawVenue, eventually: Eventually
) -> None:
    async with told_by(spec_of(raw, BTC, PEPE, stream=False, path="/held")) as told:
        await eventually(lambda: "404" in told.trouble, told.shown)
        raw.rest["/held"] = b"[]"
        await eventually(lambda: "expected open interest" in told.trouble, told.shown)
        raw.rest["/held"] = b'{"BTC-USDT": 12.5, "1000PEPE-USDT": 3, "ETH-USDT": 1}'
        await eventually(lambda: len(told.told) >= 4, told.shown)
        assert told.trouble == ""
        assert told.told[:2] == [OpenInterest(0, 12.5), OpenInterest(2, 3000.0)]
    assert raw.connections == []


async def test_rest_is_asked_for_one_listed_instrument_after_the_other(raw: RawVenue, eventually: Eventually) -> None:
    raw.rest["/one"] = b'{"BTC-USDT": 12.5}'
    gone = Instrument(7, "told", "GONE/USDT", "GONE-USDT", "USDT", 0.1)
    adapter = FactVenue()
    source = replace(adapter.markets[0].facts, each_every_s=0.02)  # type: ignore[type-var]  # this venue has facts
    adapter.markets = (replace(adapter.markets[0], facts=source),)  # type: ignore[misc]  # of this object alone
    async with told_by(spec_of(raw, BTC, gone, ETH, stream=False, each="/one?symbol=$symbol"), adapter) as told:
        await eventually(lambda: len(raw.answered) >= 5, told.shown)
        await eventually(lambda: told.told, told.shown)
    asked = [target.partition("=")[2] for target in raw.answered if target != "/list"]
    assert asked[:4] == ["BTC-USDT", "ETH-USDT"] * 2


async def test_of_what_came_since_the_last_message_the_newest_goes_out_in_small_parts() -> None:
    diary = Diary()
    outlet = FactOutlet(diary)
    parts: list[int] = []
    outlet.facts([Mark(number, 1.0) for number in range(50)], 5)
    outlet.facts([Mark(3, 2.0), Funding(3, 0.01)], 9)
    outlet.forget([4])
    diary.facts = lambda facts, at_ns: parts.append(len(facts)) or diary.told.extend(facts)  # type: ignore[method-assign, assignment, func-returns-value]  # counts the messages
    await outlet.flush()
    assert parts == [20, 20, 10]
    assert Mark(3, 2.0) in diary.told
    assert Mark(3, 1.0) not in diary.told
    assert 4 not in {fact.instrument_id for fact in diary.told}
    await outlet.flush()
    assert parts == [20, 20, 10]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with simulated_world() as world:
        yield world


def simulated_spec(world: World, venue: str, *symbols: str) -> FeedSpec:
    declared = VENUES[venue].market(Market.PERP)
    assert declared is not None
    source = declared.facts
    assert source is not None
    here = f"127.0.0.1:{world.ports[venue]}"
    return FeedSpec(
        f"{venue} perp",
        venue,
        Market.PERP,
        f"ws://{here}{declared.ws_path}",
        f"http://{here}{declared.list_path}",
        instruments(venue, symbols),
        facts_ws_url=f"ws://{here}{source.ws_path or declared.ws_path}",
        facts_url=f"http://{here}{source.path}" if source.path else "",
        facts_each_url=f"http://{here}{source.path_each}" if source.path_each else "",
    )


def test_what_a_stream_tells_of_others_is_not_missed_in_a_replay(tmp_path: Path) -> None:
    mark = {"arg": {"channel": "mark-price", "instId": "ETH-USDT-SWAP"}, "data": [{"markPx": "3", "ts": "1"}]}
    frames = [line(t, OKX_URL, json.dumps(mark), kind=kind) for t, kind in ((1, "fact_stream"), (2, ""))]
    for frame, complaints in zip(frames, (0, 1), strict=True):
        tape = write_tape(tmp_path / "tape", {**frame, "venue": "okx", "market": "perp"})
        assert len(Playing([tape], instruments("okx", ("BTC/USDT:USDT",))).complaints) == complaints


def played_again(folder: Path, spec: FeedSpec, listings: Mapping[str, Listing]) -> Playing:
    (tape,) = folder.iterdir()
    assert tape.name.startswith(f"{spec.venue}-perp-facts.")
    return Playing([str(tape)], spec.instruments, {spec.venue: listings})


@pytest.mark.parametrize("venue", ["binance", "okx"])
async def test_facts_of_a_venue_come_and_play_again_from_their_tapes(
    world: World, venue: str, tmp_path: Path, eventually: Eventually
) -> None:
    recorder = Recorder(tmp_path, write_every_s=0.02)
    wanted = {Funding, Mark, OpenInterest} | ({FundingInterval} if venue == "binance" else set())
    spec = simulated_spec(world, venue, "BTC/USDT:USDT", "ETH/USDT:USDT")
    listings = {each.venue_symbol: Listing() for each in spec.instruments}
    async with told_by(spec, VENUES[venue], recorder) as told:
        await eventually(
            lambda: (
                {(type(fact), fact.instrument_id) for fact in told.told}
                >= {(kind, number) for kind in wanted for number in (0, 1)}
            ),
            told.shown,
        )
        await eventually(lambda: not told.trouble, told.shown)
    recorder.close(10.0)
    playing = played_again(tmp_path, spec, listings)
    assert playing.complaints == []
    played = [came for _, came in playing.played if not isinstance(came, list)]
    assert {each for each in told.told if isinstance(each, Funding)} <= set(played)  # type: ignore[arg-type]  # facts
    assert {type(each) for each in played} >= wanted
