"""Gate's wire, version 4."""

import time
from collections.abc import Callable

import pytest

from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.gate import Gate
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Frame, Venues

SPOT, PERP = "/ws/v4/", "/v4/ws/usdt"
DECIMALS = (("X-Gate-Size-Decimal", "1"),)


def request(channel: str, *pairs: str, event: str = "subscribe", late_s: int = 0) -> dict[str, object]:
    return {"time": int(time.time()) - late_s, "channel": channel, "event": event, "payload": list(pairs)}


def update(channel: str) -> Callable[[Frame], bool]:
    return lambda frame: frame["channel"] == channel and frame["event"] == "update"


async def test_an_ack_repeats_the_request_and_then_come_complete_states(venues: Venues) -> None:
    async with venues.client("gate", SPOT) as client:
        await client.send(request("spot.book_ticker", "BTC_USDT", "ETH_USDT"))
        ack = await client.frame()
        assert (ack["event"], ack["payload"]) == ("subscribe", ["BTC_USDT", "ETH_USDT"])
        assert (ack["error"], ack["result"]) == (None, {"status": "success"})
        tops = [await client.first(update("spot.book_ticker")) for _ in range(10)]
    for top in tops:
        assert top["time"] == top["time_ms"] // 1000
        assert all(isinstance(top["result"][side], str) for side in "bBaA")
        assert 0 < float(top["result"]["b"]) < float(top["result"]["a"])
        assert 0 <= top["time_ms"] - top["result"]["t"] < 1000


async def test_one_unknown_pair_fails_the_whole_request(venues: Venues) -> None:
    async with venues.client("gate", SPOT) as client:
        await client.send(request("spot.book_ticker", "ETH_USDT", "NO_USDT"), request("spot.book_ticker", "BTC_USDT"))
        refusal = await client.frame()
        assert refusal["error"] == {"code": 2, "message": "unknown currency pair: NO_USDT"}
        assert refusal["result"] == {"status": "fail"}
        seen = {(await client.first(update("spot.book_ticker")))["result"]["s"] for _ in range(15)}
    assert seen == {"BTC_USDT"}


@pytest.mark.parametrize("late_s", [61, -62, None])
async def test_a_request_carries_the_time(venues: Venues, late_s: int | None) -> None:
    wanted = request("spot.book_ticker", "BTC_USDT", late_s=late_s or 0)
    if late_s is None:
        del wanted["time"]
    async with venues.client("gate", SPOT) as client:
        await client.send(wanted)
        assert (await client.frame())["error"]["code"] == 2


async def test_sizes_are_whole_numbers_without_the_header_and_texts_with_it(venues: Venues) -> None:
    sizes: dict[bool, list[object]] = {}
    for headers in ((), DECIMALS):
        async with venues.client("gate", PERP, headers) as client:
            await client.send(request("futures.book_ticker", "ETH_USDT"))
            tops = [(await client.first(update("futures.book_ticker")))["result"] for _ in range(10)]
            sizes[bool(headers)] = [top[side] for top in tops for side in "BA"]
    assert {type(size) for size in sizes[False]} == {int}
    assert {type(size) for size in sizes[True]} == {str}
    assert any(float(str(size)) % 1 for size in sizes[True])


async def test_the_list_of_contracts_has_the_sizes_and_a_stock(venues: Venues) -> None:
    rows = {row["name"]: row for row in await venues.get("gate", "/api/v4/futures/usdt/contracts")}
    assert rows["BTC_USDT"]["quanto_multiplier"] == "0.0001"
    assert (rows["BTC_USDT"]["enable_decimal"], rows["ETH_USDT"]["enable_decimal"]) == (False, True)
    assert rows["NVDAX_USDT"]["contract_type"] == "stocks"
    assert rows["BTC_USDT"]["funding_next_apply"] < 1e11


async def test_tickers_tell_funding_in_seconds(venues: Venues) -> None:
    async with venues.client("gate", PERP, DECIMALS) as client:
        await client.send(request("futures.tickers", "BTC_USDT"))
        (row,) = (await client.first(update("futures.tickers")))["result"]
    assert row["contract"] == "BTC_USDT"
    assert row["funding_interval"] in (4 * 3600, 8 * 3600)
    assert 0 < row["funding_next_apply"] - time.time() <= 8 * 3600
    assert float(row["total_size"]) * 0.0001 * float(row["mark_price"]) == pytest.approx(40e6, rel=0.01)


async def test_the_ping_of_each_family_has_its_pong(venues: Venues) -> None:
    for target, family in ((SPOT, "spot"), (PERP, "futures")):
        async with venues.client("gate", target) as client:
            await client.send({"time": int(time.time()), "channel": f"{family}.ping"})
            pong = await client.frame()
            assert (pong["channel"], pong["event"], pong["result"]) == (f"{family}.pong", "", None)


async def test_what_it_cannot_read_is_a_bad_body(venues: Venues) -> None:
    async with venues.client("gate", SPOT) as client:
        await client.send("{")
        assert (await client.frame())["error"]["code"] == 1


def test_an_idle_connection_without_a_subscription_is_closed() -> None:
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    gate = Gate(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    start = Moment(0, 1_785_121_200 * NS_PER_S)
    idle, busy = Subscriber(PERP, start), Subscriber(PERP, start)
    subscribe = '{"time":1785121200,"channel":"futures.tickers","event":"subscribe","payload":["BTC_USDT"]}'
    gate.answer(busy, subscribe, (), start)
    late = Moment(31 * NS_PER_S, start.wall_ns)
    assert gate.expired(idle, Moment(30 * NS_PER_S, start.wall_ns)) is None
    assert gate.expired(idle, late) is not None
    assert gate.expired(busy, late) is None
    idle.heard_ns = 15 * NS_PER_S
    assert gate.expired(idle, late) is None
