"""Deribit's wire, JSON-RPC 2.0."""

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from arbsniper_tui.sim.deribit import Deribit
from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Frame, Venues

STREAM = "/ws/api/v2"
LIST = "/api/v2/public/get_instruments?currency=any&kind=future&expired=false"


def call(method: str, request_id: int = 7, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request_id, "method": f"public/{method}", "params": params}


def subscribe(*channels: str) -> dict[str, object]:
    return call("subscribe", channels=list(channels))


def on(channel: str) -> Callable[[Frame], bool]:
    return lambda frame: frame.get("params", {}).get("channel") == channel


async def test_amounts_are_usd_on_inverse_and_coins_on_linear_perpetuals(venues: Venues) -> None:
    amounts: dict[str, list[float]] = {}
    async with venues.client("deribit", STREAM) as client:
        for name in ("BTC-PERPETUAL", "BTC_USDC-PERPETUAL"):
            await client.send(subscribe(f"quote.{name}"))
            tops = [(await client.first(on(f"quote.{name}")))["params"]["data"] for _ in range(12)]
            assert all(0 < top["best_bid_price"] < top["best_ask_price"] for top in tops)
            amounts[name] = [top["best_bid_amount"] for top in tops]
    assert all(amount % 10 == 0 and amount >= 10 for amount in amounts["BTC-PERPETUAL"])
    assert max(amounts["BTC-PERPETUAL"]) > 1000
    assert max(amounts["BTC_USDC-PERPETUAL"]) < 100


async def test_unknown_channels_are_left_out_of_the_answer_in_silence(venues: Venues) -> None:
    async with venues.client("deribit", STREAM) as client:
        await client.send(subscribe("quote.NO-PERPETUAL", "quote.BTC-PERPETUAL", "ticker.BTC-PERPETUAL.5s"))
        answer = await client.first(lambda frame: frame.get("id") == 7)
        assert answer["result"] == ["quote.BTC-PERPETUAL"]
        await client.send(subscribe("quote.NO-PERPETUAL"))
        assert (await client.first(lambda frame: frame.get("id") == 7))["result"] == []


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ("{", 11050),
        ('{"jsonrpc":"2.0","method":"public/test","params":{}}', 11050),
        ('{"jsonrpc":"2.0","id":7,"method":"public/nothing","params":{}}', -32601),
        (
            '{"jsonrpc":"2.0","id":7,"method":"public/subscribe","params":{"channels":["book.BTC-PERPETUAL.raw"]}}',
            13778,
        ),
    ],
)
async def test_errors_have_the_codes_of_the_venue(venues: Venues, request_text: str, code: int) -> None:
    async with venues.client("deribit", STREAM) as client:
        await client.send(request_text)
        assert (await client.frame())["error"]["code"] == code


async def test_more_than_500_channels_in_one_call_are_refused(venues: Venues) -> None:
    async with venues.client("deribit", STREAM) as client:
        await client.send(subscribe(*["quote.BTC-PERPETUAL"] * 501))
        assert "error" in await client.frame()


async def test_too_many_calls_end_the_connection(venues: Venues) -> None:
    async with venues.client("deribit", STREAM) as client:
        with suppress(ConnectionClosed):
            await client.send(*[call("test") for _ in range(40)])
        await client.closed()


async def test_the_33rd_connection_is_refused(venues: Venues) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(32):
            await stack.enter_async_context(venues.client("deribit", STREAM))
        with pytest.raises(InvalidStatus, match="429"):
            await stack.enter_async_context(venues.client("deribit", STREAM))


async def test_the_ticker_tells_funding_and_open_interest(venues: Venues) -> None:
    worths = []
    async with venues.client("deribit", STREAM) as client:
        for name in ("BTC-PERPETUAL", "BTC_USDC-PERPETUAL"):
            await client.send(subscribe(f"ticker.{name}.agg2"))
            data = (await client.first(on(f"ticker.{name}.agg2")))["params"]["data"]
            assert data["state"] == "open"
            assert abs(data["current_funding"]) < 0.001
            worths.append(data["open_interest"] * (data["mark_price"] if "_" in name else 1.0))
    assert worths == [pytest.approx(40e6, rel=0.01)] * 2


async def test_the_list_tells_inverse_from_linear(venues: Venues) -> None:
    rows = {row["instrument_name"]: row for row in (await venues.get("deribit", LIST))["result"]}
    inverse, linear = rows["BTC-PERPETUAL"], rows["BTC_USDC-PERPETUAL"]
    assert (inverse["instrument_type"], inverse["contract_size"]) == ("reversed", 10.0)
    assert (linear["instrument_type"], linear["contract_size"]) == ("linear", 0.0001)
    assert not any("PEPE" in name for name in rows)


def a_connection_with_heartbeats() -> tuple[Deribit, Subscriber]:
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    deribit = Deribit(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    subscriber = Subscriber(STREAM, at_s(0))
    request = '{"jsonrpc":"2.0","id":1,"method":"public/set_heartbeat","params":{"interval":10}}'
    assert '"result":"ok"' in str(deribit.answer(subscriber, request, (), at_s(0)))
    return deribit, subscriber


def at_s(second: int) -> Moment:
    return Moment(second * NS_PER_S, second * NS_PER_S)


def test_a_test_request_that_is_not_answered_within_10_s_ends_the_connection() -> None:
    deribit, subscriber = a_connection_with_heartbeats()
    assert deribit.upkeep(subscriber, at_s(9)) == []
    assert "test_request" in str(deribit.upkeep(subscriber, at_s(10)))
    assert deribit.expired(subscriber, at_s(19)) is None
    assert deribit.expired(subscriber, at_s(20)) == (4000, "heartbeat close")
    subscriber.heard_ns = 11 * NS_PER_S
    assert deribit.expired(subscriber, at_s(20)) is None


def test_an_idle_connection_without_heartbeats_is_closed_after_60_s() -> None:
    deribit, _ = a_connection_with_heartbeats()
    idle = Subscriber(STREAM, at_s(0))
    assert deribit.expired(idle, at_s(60)) is None
    assert deribit.expired(idle, at_s(61)) is not None
