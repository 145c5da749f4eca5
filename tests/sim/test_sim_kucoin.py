"""KuCoin's wire for unified accounts."""

import json
from collections.abc import Callable

import pytest

from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.sim.dialect import Closing, Moment, Subscriber, Topic
from arbsniper_tui.sim.kucoin import Kucoin
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.venues import VENUES

from .conftest import Client, Frame, Venues

START = Moment(NS_PER_S, 1_785_121_200 * NS_PER_S)
PING = '{"id":"1","type":"ping"}'


def request(symbol: str, **changes: object) -> dict[str, object]:
    trade_type = "SPOT" if "-" in symbol else "FUTURES"
    wanted: dict[str, object] = {"id": "r1", "action": "SUBSCRIBE", "channel": "obu", "tradeType": trade_type}
    return wanted | {"symbol": symbol, "depth": "1"} | changes


def dialect() -> Kucoin:
    walk = MarketWalk(list_instruments(SimPlan(venues=("kucoin",))), 7, 400.0)
    return Kucoin(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))


def after(seconds: float) -> Moment:
    passed_ns = round(seconds * NS_PER_S)
    return Moment(START.mono_ns + passed_ns, START.wall_ns + passed_ns)


def subscriber() -> Subscriber:
    return Subscriber("/", START, heard_ns=START.mono_ns, told_ns=START.mono_ns)


def about(symbol: str) -> Callable[[Frame], bool]:
    return lambda frame: "T" in frame and frame["d"]["s"] == symbol


async def answers(client: Client, *requests: object) -> list[Frame]:
    await client.send(*requests)
    return [await client.first(lambda frame: "result" in frame) for _ in requests]


async def test_a_welcome_an_ack_and_whole_tops_in_binary_frames(venues: Venues) -> None:
    async with venues.client("kucoin", "/") as client:
        first = await client.connection.recv()
        assert isinstance(first, bytes)
        welcome = json.loads(first)
        assert (welcome["message"], welcome["pingInterval"]) == ("welcome", 18000)
        assert await answers(client, request("BTC-USDT")) == [{"id": "r1", "result": True}]
        tops = [await client.first(about("BTC-USDT")) for _ in range(5)]
        await client.send(request("XBTUSDTM"))
        future = await client.first(about("XBTUSDTM"))
    assert all((top["T"], top["dp"], top["t"]) == ("obu.SPOT", "1", "snapshot") for top in tops)
    serials = [top["d"]["C"] for top in tops]
    assert serials == sorted(set(serials))
    assert isinstance(tops[0]["P"], str) and isinstance(tops[0]["d"]["M"], str)
    assert future["P"] > 2**53 and future["d"]["M"] > 2**53
    assert all(size == str(int(size)) for side in "ab" for _, size in future["d"][side])


async def test_what_is_not_listed_here_is_acknowledged_and_nothing_comes(venues: Venues) -> None:
    async with venues.client("kucoin", "/") as client:
        silent = (
            request("NOSUCH-USDT"),
            request("XBTUSDTM", tradeType="SPOT"),
            request("BTC-USDT", channel="funding-fee"),
        )
        assert all(answer["result"] is True for answer in await answers(client, *silent))
        await client.send(request("ETH-USDT"))
        seen = [await client.first(lambda frame: "T" in frame) for _ in range(5)]
    assert {frame["d"]["s"] for frame in seen} == {"ETH-USDT"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"depth": "20"}, "invalid request data"),
        ({"channel": "nope"}, "invalid request data"),
        ({"action": "JOIN"}, "invalid request data"),
        ({"symbols": ["BTC-USDT", "ETH-USDT"]}, "symbols are not supported for topic obu"),
    ],
)
async def test_wrong_requests_are_refused_under_their_id(
    venues: Venues, changes: dict[str, object], words: str
) -> None:
    async with venues.client("kucoin", "/") as client:
        (answer,) = await answers(client, request("BTC-USDT", **changes))
    assert (answer["id"], answer["result"], answer.get("message", answer.get("reason"))) == ("r1", False, words)


async def test_text_that_is_no_json_is_passed_over_and_pings_are_answered(venues: Venues) -> None:
    async with venues.client("kucoin", "/") as client:
        await client.send("not json", PING)
        pong = await client.first(lambda frame: frame.get("type") == "pong")
    assert pong["id"] == "1" and pong["ts"] > 10**18


async def test_more_messages_than_the_limit_end_the_connection(venues: Venues) -> None:
    async with venues.client("kucoin", "/") as client:
        await client.send(*[request("BTC-USDT")] * 301)
        await client.closed()
    assert client.connection.close_code == 1008


def test_more_topics_than_one_connection_may_have_are_refused() -> None:
    venue, one = dialect(), subscriber()
    one.topics.update(dict.fromkeys(Topic(number, "held") for number in range(-600, 0)))
    (answer,) = venue.answer(one, json.dumps(request("BTC-USDT")), (), START)
    words = "exceed max subscription count limitation of 600 per session"
    assert json.loads(answer) == {"id": "r1", "result": False, "reason": words}


def test_a_client_that_says_nothing_or_pings_too_often_is_cut_off() -> None:
    venue = dialect()
    quiet, eager, steady = subscriber(), subscriber(), subscriber()
    assert venue.expired(quiet, after(60)) is None
    assert venue.expired(quiet, after(61)) == Closing(1000, "Bye")
    for second in (18.0, 18.5):
        venue.answer(eager, PING, (), after(second))
        venue.answer(steady, PING, (), after(second * 2))
    assert venue.expired(eager, after(19)) == Closing(1008, "ping frequency exceeded")
    assert venue.expired(steady, after(37)) is None


async def test_facts_come_on_their_channels_and_agree_with_the_quotes(venues: Venues) -> None:
    adapter, symbol = VENUES["kucoin"], "XBTUSDTM"
    one = Instrument(0, "kucoin", "BTC/USDT:USDT", symbol, "USDT", 0.1)
    rows = await venues.get("kucoin", "/api/v1/contracts/active")
    listings = adapter.parse_listings(json.dumps(rows).encode())
    parser = adapter.parser(Market.PERP, {symbol: one}.get, listings)
    async with venues.client("kucoin", "/") as client:
        await client.send(*adapter.subscribe([one]), *adapter.subscribe_facts([one]))
        quotes: list[Quote] = []
        while len({type(aside) for aside in parser.asides} & {Mark, OpenInterest, Funding}) < 3 or not quotes:
            quotes += parser.feed(await client.data())
    mark = next(each for each in parser.asides if isinstance(each, Mark))
    interest = next(each for each in parser.asides if isinstance(each, OpenInterest))
    funding = next(each for each in parser.asides if isinstance(each, Funding))
    assert mark.mark == pytest.approx(quotes[-1].ask, rel=0.02)
    assert interest.coins * mark.mark == pytest.approx(40e6, rel=0.02)
    assert funding.next_ms is not None and funding.at_ms is not None and funding.next_ms > funding.at_ms
    assert funding.interval_h == listings[symbol].funding_interval_h
    assert 0 < abs(funding.rate_pct) < 0.1


async def test_rest_lists_both_markets_and_bitcoin_as_xbt(venues: Venues) -> None:
    spot = {row["symbol"]: row for row in (await venues.get("kucoin", "/api/v2/symbols"))["data"]}
    futures = {row["symbol"]: row for row in (await venues.get("kucoin", "/api/v1/contracts/active"))["data"]}
    assert spot["BTC-USDT"]["enableTrading"] is True
    linear, inverse = futures["XBTUSDTM"], futures["XBTUSDM"]
    assert (linear["baseCurrency"], linear["settleCurrency"], linear["isInverse"]) == ("XBT", "USDT", False)
    assert (inverse["multiplier"], inverse["settleCurrency"], inverse["isInverse"]) == (-1, "XBT", True)
    assert await venues.refusal("kucoin", "/api/v1/nothing") == 404
