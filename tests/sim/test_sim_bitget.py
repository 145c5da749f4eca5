"""Bitget's wire, version 3."""

from collections.abc import Callable
from typing import Any

from arbsniper_tui.sim.bitget import Bitget
from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Venues

STREAM = "/v3/ws/public"


def arg(symbol: str, kind: str = "spot", topic: str = "books1") -> dict[str, str]:
    return {"instType": kind, "topic": topic, "symbol": symbol}


def subscribe(*args: dict[str, str]) -> dict[str, object]:
    return {"op": "subscribe", "args": list(args)}


def data_of(wanted: dict[str, str]) -> Callable[[dict[str, Any]], bool]:
    return lambda frame: "data" in frame and frame["arg"] == wanted


async def test_spot_and_perpetuals_of_one_name_stand_side_by_side(venues: Venues) -> None:
    spot, perp = arg("BTCUSDT"), arg("BTCUSDT", "usdt-futures")
    async with venues.client("bitget", STREAM) as client:
        await client.send(subscribe(spot, perp))
        acks = [await client.first(lambda frame: "event" in frame) for _ in range(2)]
        assert [(ack["event"], ack["arg"]) for ack in acks] == [("subscribe", spot), ("subscribe", perp)]
        states = [await client.first(data_of(spot)) for _ in range(5)]
        await client.first(data_of(perp))
    (book,) = states[-1]["data"]
    (ask,), (bid,) = book["a"], book["b"]
    assert all(isinstance(field, str) for field in (*ask, *bid, book["ts"]))
    assert 0 < float(bid[0]) < float(ask[0])
    assert book["pseq"] == 0


async def test_a_symbol_under_the_wrong_kind_is_acknowledged_and_silent(venues: Venues) -> None:
    bonk = arg("PEPEUSDT", "usdt-futures")
    async with venues.client("bitget", STREAM) as client:
        await client.send(subscribe(bonk, arg("BTCUSDT")))
        ack = await client.frame()
        assert (ack["event"], ack["arg"]) == ("subscribe", bonk)
        assert {frame["arg"]["symbol"] for frame in await client.some(10)} == {"BTCUSDT"}


async def test_unknown_symbols_and_channels_are_errors_and_the_rest_runs(venues: Venues) -> None:
    async with venues.client("bitget", STREAM) as client:
        await client.send(subscribe(arg("NOUSDT"), arg("BTCUSDT", topic="books50"), arg("BTCUSDT")))
        unknown, no_channel = [await client.frame() for _ in range(2)]
        assert (unknown["event"], unknown["code"]) == ("error", 30001)
        assert '"symbol":"NOUSDT"' in unknown["msg"]
        assert no_channel["code"] == 30016
        await client.first(data_of(arg("BTCUSDT")))


async def test_a_request_with_too_many_arguments_ends_the_connection(venues: Venues) -> None:
    async with venues.client("bitget", STREAM) as client:
        await client.send(subscribe(*[arg("BTCUSDT")] * 25))
        await client.closed()


async def test_more_than_ten_messages_a_second_end_the_connection(venues: Venues) -> None:
    async with venues.client("bitget", STREAM) as client:
        await client.send(*["ping"] * 11)
        await client.closed()


async def test_the_ticker_of_a_perpetual_tells_its_slow_facts(venues: Venues) -> None:
    wanted = arg("BTCUSDT", "usdt-futures", "ticker")
    async with venues.client("bitget", STREAM) as client:
        await client.send(subscribe(wanted))
        for _ in range(2):
            (ticker,) = (await client.first(data_of(wanted)))["data"]
            assert {"markPrice", "indexPrice", "fundingRate", "nextFundingTime", "openInterest"} <= ticker.keys()


async def test_the_lists_are_of_one_market_each(venues: Venues) -> None:
    spot = await venues.get("bitget", "/api/v2/spot/public/symbols")
    assert {row["symbol"] for row in spot["data"]} >= {"BTCUSDT", "PEPEUSDT"}
    perp = await venues.get("bitget", "/api/v2/mix/market/contracts?productType=USDT-FUTURES")
    assert {row["symbol"] for row in perp["data"]} >= {"BTCUSDT", "1000PEPEUSDT"}
    assert (await venues.get("bitget", "/api/v2/mix/market/contracts"))["code"] == "400172"


def test_a_connection_without_a_ping_for_two_minutes_is_closed_whatever_else_it_sends() -> None:
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    bitget = Bitget(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    subscriber = Subscriber(STREAM, Moment(0, 0), heard_ns=110 * NS_PER_S, told_ns=119 * NS_PER_S)
    assert bitget.expired(subscriber, Moment(120 * NS_PER_S, 0)) is None
    assert bitget.expired(subscriber, Moment(121 * NS_PER_S, 0)) is not None
    assert bitget.answer(subscriber, "ping", (), Moment(100 * NS_PER_S, 0)) == ["pong"]
    assert bitget.expired(subscriber, Moment(121 * NS_PER_S, 0)) is None
