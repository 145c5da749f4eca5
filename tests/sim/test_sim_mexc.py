"""MEXC's wire: protobuf beside text on spot, whole books three times a second on the contract market."""

import asyncio
import json
from collections.abc import Callable

import msgspec
import pytest

from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.mexc import Mexc
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.venues import VENUES

from .conftest import DEADLINE_S, Client, Venues

SPOT, CONTRACT = "/ws", "/edge"
TOPIC = "spot@public.aggre.bookTicker.v3.api.pb@10ms@"
START = Moment(NS_PER_S, 1_785_121_200 * NS_PER_S)


def spot(method: str, *symbols: str) -> str:
    return json.dumps({"method": method, "params": [TOPIC + symbol for symbol in symbols]})


def contract(method: str, symbol: str = "BTC_USDT") -> str:
    return json.dumps({"method": method, "param": {"symbol": symbol, "limit": 5}})


def later(seconds: float) -> Moment:
    return Moment(START.mono_ns + round(seconds * NS_PER_S), START.wall_ns + round(seconds * NS_PER_S))


@pytest.fixture
def mexc() -> Mexc:
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    return Mexc(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))


def subscriber(target: str) -> Subscriber:
    return Subscriber(target, START, heard_ns=START.mono_ns, told_ns=START.mono_ns)


async def until(client: Client, wanted: Callable[[str | bytes], bool]) -> str | bytes:
    async with asyncio.timeout(DEADLINE_S):
        while not wanted(message := await client.connection.recv()):
            pass
    return message


async def test_data_are_binary_and_acks_are_text(venues: Venues) -> None:
    async with venues.client("mexc", SPOT) as client:
        await client.send(spot("SUBSCRIPTION", "BTCUSDT"), '{"method":"PING"}')
        assert await client.frame() == {"id": 0, "code": 0, "msg": f"{TOPIC}BTCUSDT"}
        pong = await until(client, lambda message: isinstance(message, str))
        assert json.loads(pong) == {"id": 0, "code": 0, "msg": "PONG"}
        frame = await until(client, lambda message: isinstance(message, bytes))
    assert isinstance(frame, bytes)
    assert frame.startswith(b"\x0a\x33" + TOPIC.encode() + b"BTCUSDT\x1a\x07BTCUSDT\x30")
    assert b"\xda\x13" in frame


async def test_nothing_comes_before_the_first_change_and_rest_gives_the_first_state(venues: Venues) -> None:
    venues.sims["mexc"].fault = Fault(FaultKind.QUIET)
    async with venues.client("mexc", SPOT) as client:
        await client.send(spot("SUBSCRIPTION", "BTCUSDT"), '{"method":"PING"}')
        assert [(await client.frame())["msg"] for _ in range(2)] == [f"{TOPIC}BTCUSDT", "PONG"]
    rows = {row["symbol"]: row for row in await venues.get("mexc", "/api/v3/ticker/bookTicker")}
    assert 0 < float(rows["BTCUSDT"]["bidPrice"]) < float(rows["BTCUSDT"]["askPrice"])


def test_the_thirty_first_subscription_of_a_connection_is_refused() -> None:
    bases = tuple(f"C{number}" for number in range(31))
    walk = MarketWalk(list_instruments(SimPlan(bases=bases, venues=("mexc",))), 1, 400.0)
    mexc = Mexc(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    client = subscriber(SPOT)
    answers = [mexc.answer(client, spot("SUBSCRIPTION", f"{base}USDT"), (), START)[0] for base in bases]
    assert [isinstance(each, str) and "Not Subscribed" in each for each in answers] == [False] * 30 + [True]


def test_spot_ends_connections_without_a_subscription_without_data_and_after_a_day(mexc: Mexc) -> None:
    client = subscriber(SPOT)
    mexc.answer(client, '{"method":"PING"}', (), later(29))
    client.heard_ns = later(29).mono_ns
    assert mexc.expired(client, later(30)) is None
    assert mexc.expired(client, later(31)) is not None
    mexc.answer(client, spot("SUBSCRIPTION", "BTCUSDT"), (), later(30))
    assert mexc.expired(client, later(89)) is None
    assert mexc.expired(client, later(90)) is not None
    mexc.answer(client, spot("UNSUBSCRIPTION", "BTCUSDT"), (), later(89))
    client.heard_ns = later(89).mono_ns
    assert mexc.expired(client, later(119)) is None
    assert mexc.expired(client, later(120)) is not None
    rules = mexc.rules(SPOT)
    assert (rules.lifetime_s, rules.requests) == (24 * 3600.0, (100, 1.0))


def test_contracts_end_a_connection_that_does_not_ping_though_data_flow(mexc: Mexc) -> None:
    client = subscriber(CONTRACT)
    client.heard_ns = client.told_ns = later(59).mono_ns
    assert mexc.expired(client, later(60)) is None
    assert mexc.expired(client, later(61)) is not None
    mexc.answer(client, '{"method":"ping"}', (), later(59))
    assert mexc.expired(client, later(119)) is None
    assert mexc.expired(client, later(120)) is not None


async def test_a_contract_has_whole_books_of_five_levels(venues: Venues) -> None:
    async with venues.client("mexc", CONTRACT) as client:
        await client.send(contract("sub.depth.full"))
        assert (await client.frame())["channel"] == "rs.sub.depth.full"
        books = [frame["data"] for frame in await client.some(4)]
    for book in books:
        asks, bids = [price for price, _, _ in book["asks"]], [price for price, _, _ in book["bids"]]
        assert len(asks) == len(bids) == 5
        assert sorted(asks) == asks
        assert sorted(bids, reverse=True) == bids
        assert 0 < bids[0] < asks[0]
    # Books go out every 300 ms; the first is the answer to the subscription.
    times = [book["cts"] for book in books]
    assert times[2] - times[1] >= 250
    assert times[3] - times[2] >= 250


async def test_contracts_refuse_by_name_and_take_unknown_methods_in_silence(venues: Venues) -> None:
    async with venues.client("mexc", CONTRACT) as client:
        await client.send(contract("sub.nothing"), contract("sub.depth.full", "NOPE_USDT"), '{"method":"ping"}')
        error, pong = await client.some(2)
    assert (error["channel"], error["data"]) == ("rs.error", "Contract [NOPE_USDT] not exists")
    assert pong["channel"] == "pong"


async def test_funding_mark_and_open_interest_are_what_the_parser_reads(venues: Venues) -> None:
    mexc, symbols = VENUES["mexc"], ("BTC/USDT:USDT", "BTC/USD:BTC")
    wanted = [
        Instrument(number, "mexc", symbol, name, "USDT", 0.1)
        for number, (symbol, name) in enumerate(zip(symbols, ("BTC_USDT", "BTC_USD"), strict=True))
    ]
    listings = mexc.parse_listings(json.dumps(await venues.get("mexc", "/api/v1/contract/detail")).encode())
    parser = mexc.parser(Market.PERP, {each.venue_symbol: each for each in wanted}.get, listings)
    async with venues.client("mexc", CONTRACT) as client:
        await client.send(*mexc.subscribe_facts(wanted))
        while len({(type(each), msgspec.structs.astuple(each)[0]) for each in parser.asides}) < 6:
            assert list(parser.feed(await client.data())) == []
    for fact in parser.asides:
        if isinstance(fact, Funding):
            assert abs(fact.rate_pct) < 0.1
            assert fact.at_ms is not None
            assert fact.next_ms is not None
            assert 0 < fact.next_ms - fact.at_ms <= 8 * 3_600_000
        elif isinstance(fact, Mark):
            assert fact.mark == pytest.approx(64_000, rel=0.02)
            assert fact.index == pytest.approx(fact.mark, rel=0.001)
        elif isinstance(fact, OpenInterest):
            assert fact.coins * 64_000 == pytest.approx(40e6, rel=0.03)
