"""Bybit's wire, version 5."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from arbsniper_tui.sim.bybit import Bybit
from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Venues

SPOT, LINEAR = "/v5/public/spot", "/v5/public/linear"


def subscribe(*topics: str, op: str = "subscribe") -> dict[str, object]:
    return {"op": op, "args": list(topics)}


@pytest.fixture
def still() -> Iterator[Bybit]:
    """The wire on a market in which nothing moves by itself."""
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    for instrument in walk.instruments:
        walk.watch(instrument.id, 0)
    yield Bybit(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))


def moment(s: float) -> Moment:
    return Moment(round(s * NS_PER_S), round((1_785_121_200 + s) * NS_PER_S))


@pytest.mark.parametrize(("path", "words"), [(SPOT, "subscribe"), (LINEAR, "")])
async def test_one_ack_a_frame_and_complete_states(venues: Venues, path: str, words: str) -> None:
    async with venues.client("bybit", path) as client:
        await client.send(subscribe("orderbook.1.BTCUSDT", "orderbook.1.ETHUSDT"))
        ack = await client.frame()
        assert (ack["success"], ack["op"], ack["ret_msg"]) == (True, "subscribe", words)
        states = [await client.first(lambda frame: frame["topic"] == "orderbook.1.BTCUSDT") for _ in range(10)]
    numbers = [state["data"]["u"] for state in states]
    assert numbers == sorted(numbers)
    (bid,), (ask,) = states[-1]["data"]["b"], states[-1]["data"]["a"]
    assert all(isinstance(text, str) for text in (*bid, *ask))
    assert 0 < float(bid[0]) < float(ask[0])
    assert list(states[-1]) == ["topic", "ts", "type", "data", "cts"]


async def test_one_name_is_two_instruments_on_two_sockets(venues: Venues) -> None:
    prices = []
    for path, name in ((SPOT, "PEPEUSDT"), (LINEAR, "1000PEPEUSDT"), (LINEAR, "BTCPERP")):
        async with venues.client("bybit", path) as client:
            await client.send(subscribe(f"orderbook.1.{name}"))
            state = await client.first(lambda frame: "topic" in frame)
            prices.append(float(state["data"]["b"][0][0]))
    pepe, thousand_pepe, bitcoin = prices
    assert thousand_pepe == pytest.approx(1000 * pepe, rel=0.05)
    assert bitcoin == pytest.approx(64_000, rel=0.05)


@pytest.mark.parametrize(
    ("path", "words"),
    [(SPOT, "Invalid symbol :[orderbook.1.NOUSDT]"), (LINEAR, "error:handler not found,topic:orderbook.1.NOUSDT")],
)
async def test_one_bad_topic_costs_the_whole_frame(venues: Venues, path: str, words: str) -> None:
    async with venues.client("bybit", path) as client:
        await client.send(subscribe("orderbook.1.BTCUSDT", "orderbook.1.NOUSDT"), subscribe("orderbook.1.ETHUSDT"))
        refusal, ack = await client.some(2)
        assert (refusal["success"], refusal["ret_msg"], ack["success"]) == (False, words, True)
        assert {frame["topic"] for frame in await client.some(10)} == {"orderbook.1.ETHUSDT"}


async def test_a_topic_that_is_subscribed_already_costs_the_whole_frame(venues: Venues) -> None:
    async with venues.client("bybit", LINEAR) as client:
        await client.send(subscribe("orderbook.1.BTCUSDT"))
        await client.send(subscribe("orderbook.1.BTCUSDT", "orderbook.1.ETHUSDT"))
        refusal = await client.first(lambda frame: frame.get("success") is False)
        assert refusal["ret_msg"] == "error:already subscribed,topic:orderbook.1.BTCUSDT"


def test_spot_takes_ten_topics_in_a_frame_and_a_connection_21000_characters(still: Bybit) -> None:
    names = [f"orderbook.1.{each.venue_symbol}" for each in still.instruments if not each.symbol.endswith(":USDC")]
    spot = Subscriber(SPOT, moment(0))
    assert "args size >10" in still.answer(spot, frame_text(*names[:11]), (), moment(0))[0]
    assert '"success":true' in still.answer(spot, frame_text(*names[:10]), (), moment(0))[0]
    refused = still.answer(
        Subscriber(LINEAR, moment(0)), frame_text("orderbook.1.BTCUSDT" + " " * 21_000), (), moment(0)
    )
    assert '"success":false' in refused[0]


def frame_text(*topics: str) -> str:
    args = ",".join(f'"{topic}"' for topic in topics)
    return f'{{"op":"subscribe","args":[{args}]}}'


def test_a_state_that_stands_is_sent_again_every_3_s_with_its_number_and_time(still: Bybit) -> None:
    subscriber = Subscriber(SPOT, moment(0))
    _, first = still.answer(subscriber, frame_text("orderbook.1.BTCUSDT"), (), moment(0))
    sent = [(s / 4, frame) for s in range(1, 40) for frame in still.upkeep(subscriber, moment(s / 4))]
    assert [s for s, _ in sent] == [3.0, 6.0, 9.0]
    states: list[dict[str, Any]] = [json.loads(frame) for frame in (first, *(frame for _, frame in sent))]
    assert len({state["data"]["u"] for state in states}) == len({state["cts"] for state in states}) == 1
    assert [state["ts"] - states[0]["ts"] for state in states] == [0, 3000, 6000, 9000]


@pytest.mark.parametrize(("fault", "comes"), [(FaultKind.QUIET, True), (FaultKind.FREEZE, False)])
async def test_what_is_frozen_is_not_sent_again_either(venues: Venues, fault: FaultKind, comes: bool) -> None:
    sim = venues.sims["bybit"]
    async with venues.client("bybit", SPOT) as client:

        async def frames_until_the_pong() -> list[Any]:
            await client.send({"op": "ping"})
            seen = [await client.frame()]
            while seen[-1].get("ret_msg") != "pong":
                seen.append(await client.frame())
            return seen

        await client.send(subscribe("orderbook.1.BTCUSDT"))
        await client.first(lambda frame: "topic" in frame)
        sim.fault = Fault(fault)
        await frames_until_the_pong()
        now = Moment.now()
        sim.tick(Moment(now.mono_ns + 4 * NS_PER_S, now.wall_ns + 4 * NS_PER_S))
        assert any("topic" in frame for frame in await frames_until_the_pong()) is comes


async def test_tickers_are_whole_at_first_and_then_what_has_changed(venues: Venues) -> None:
    async with venues.client("bybit", LINEAR) as client:
        await client.send(subscribe("tickers.BTCUSDT"))
        await client.frame()
        whole, change = await client.some(2)
    assert (whole["type"], change["type"]) == ("snapshot", "delta")
    assert whole["data"]["fundingIntervalHour"] in ("4", "8")
    assert "fundingIntervalHour" not in change["data"]
    ticker = whole["data"] | change["data"]
    assert float(ticker["markPrice"]) == pytest.approx(64_000, rel=0.05)
    assert float(ticker["openInterest"]) == pytest.approx(2 * float(ticker["singleOpenInterest"]))


async def test_pings_and_what_it_cannot_read_are_answered(venues: Venues) -> None:
    async with venues.client("bybit", SPOT) as client:
        await client.send({"op": "ping"}, {"op": "nope"}, "hello")
        pong, invalid, unread = await client.some(3)
    assert (pong["success"], pong["ret_msg"], pong["op"]) == (True, "pong", "ping")
    assert (invalid["success"], invalid["ret_msg"]) == (False, "error:invalid op")
    assert unread["success"] is False


async def test_perpetuals_are_listed_in_pages(venues: Venues) -> None:
    path = "/v5/market/instruments-info"
    whole = (await venues.get("bybit", f"{path}?category=linear&limit=1000"))["result"]
    assert whole["nextPageCursor"] == ""
    seen: list[str] = []
    query = {"category": "linear", "limit": "5"}
    while True:
        page = (await venues.get("bybit", f"{path}?{urlencode(query)}"))["result"]
        seen += [row["symbol"] for row in page["list"]]
        if not page["nextPageCursor"]:
            break
        query["cursor"] = page["nextPageCursor"]
    assert seen == [row["symbol"] for row in whole["list"]]
    assert {"BTCUSDT", "BTCPERP", "1000PEPEUSDT"} <= set(seen)
    spot = (await venues.get("bybit", f"{path}?category=spot"))["result"]["list"]
    assert {row["quoteCoin"] for row in spot} == {"USDT"}
    assert (await venues.get("bybit", path))["retCode"] == 10001


def test_a_connection_on_which_nothing_is_said_for_10_minutes_is_closed(still: Bybit) -> None:
    subscriber = Subscriber(SPOT, moment(0))
    assert still.expired(subscriber, moment(600)) is None
    assert still.expired(subscriber, moment(601)) is not None
    subscriber.heard_ns = 20 * NS_PER_S
    assert still.expired(subscriber, moment(601)) is None
