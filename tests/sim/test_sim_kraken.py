"""Kraken's wire, version 2."""

from .conftest import Venues


def subscribe(*symbols: str, trigger: str = "bbo", snapshot: bool = True) -> dict[str, object]:
    params = {"channel": "ticker", "symbol": list(symbols), "event_trigger": trigger, "snapshot": snapshot}
    return {"method": "subscribe", "params": params, "req_id": 1}


async def test_status_then_one_ack_a_symbol_then_tickers(venues: Venues) -> None:
    async with venues.client("kraken", "/v2") as client:
        status = await client.frame()
        assert (status["channel"], status["data"][0]["system"]) == ("status", "online")
        await client.send(subscribe("BTC/USD", "ETH/USDT"))
        acks = [await client.first(lambda frame: frame.get("method") == "subscribe") for _ in range(2)]
        assert [ack["result"]["symbol"] for ack in acks] == ["BTC/USD", "ETH/USDT"]
        assert all(ack["success"] and ack["req_id"] == 1 for ack in acks)
        update = await client.first(lambda frame: frame.get("type") == "update")
    (row,) = update["data"]
    assert isinstance(row["bid"], float)
    assert 0 < row["bid"] < row["ask"]
    assert {"symbol", "bid", "bid_qty", "ask", "ask_qty", "last", "timestamp"} <= row.keys()
    assert row["timestamp"].endswith("Z")


async def test_a_snapshot_comes_first_unless_it_is_not_wanted(venues: Venues) -> None:
    async with venues.client("kraken", "/v2") as client:
        await client.send(subscribe("BTC/USD"))
        first = await client.first(lambda frame: frame.get("channel") == "ticker")
        assert first["type"] == "snapshot"
    async with venues.client("kraken", "/v2") as client:
        await client.send(subscribe("BTC/USD", snapshot=False))
        assert (await client.first(lambda frame: frame.get("channel") == "ticker"))["type"] == "update"


async def test_an_unknown_symbol_is_refused_and_the_rest_runs(venues: Venues) -> None:
    async with venues.client("kraken", "/v2") as client:
        await client.send(subscribe("XBT/USD", "BTC/USD", snapshot=False))
        refusal = await client.first(lambda frame: frame.get("success") is False)
        assert refusal["symbol"] == "XBT/USD"
        assert refusal["error"] == "Currency pair not supported XBT/USD"
        ticker = await client.first(lambda frame: frame.get("type") == "update" and frame["channel"] == "ticker")
    assert ticker["data"][0]["symbol"] == "BTC/USD"


async def test_without_the_bbo_trigger_there_are_heartbeats_and_no_quotes(venues: Venues) -> None:
    async with venues.client("kraken", "/v2") as client:
        await client.send(subscribe("BTC/USD", trigger="trades", snapshot=False))
        await client.first(lambda frame: frame.get("method") == "subscribe")
        assert await client.some(2) == [{"channel": "heartbeat"}] * 2


async def test_a_ping_brings_a_pong(venues: Venues) -> None:
    async with venues.client("kraken", "/v2") as client:
        await client.send({"method": "ping", "req_id": 42})
        pong = await client.first(lambda frame: frame.get("method") == "pong")
    assert pong["req_id"] == 42


async def test_what_it_does_not_know_is_refused(venues: Venues) -> None:
    async with venues.client("kraken", "/v2") as client:
        await client.frame()
        await client.send("{", {"method": "dance"}, {"method": "subscribe", "params": {"channel": "book"}})
        assert [frame["success"] for frame in await client.some(3)] == [False] * 3


async def test_rest_lists_pairs_under_the_old_names(venues: Venues) -> None:
    answer = await venues.get("kraken", "/0/public/AssetPairs")
    assert answer["error"] == []
    pairs = answer["result"]
    assert pairs["XXBTZUSD"]["wsname"] == "XBT/USD"
    assert pairs["XBTUSDT"]["wsname"] == "XBT/USDT"
    assert pairs["XDGUSD"]["wsname"] == "XDG/USD"
    assert pairs["USDTZUSD"]["wsname"] == "USDT/USD"
    assert pairs["SOLUSD"]["status"] == "online"
    assert pairs["SOLUSD"]["fees"][0] == [0, 0.4]
