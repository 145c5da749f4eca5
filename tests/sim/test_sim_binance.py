"""Binance's wire, spot and USD-M."""

from arbsniper_tui.sim.plan import BASES

from .conftest import Venues

SPOT_KEYS = {"u", "s", "b", "B", "a", "A"}
PERP_KEYS = {"e", "E", "T", "u", "s", "ps", "b", "B", "a", "A", "st"}


def subscribe(*symbols: str, request_id: int = 1) -> dict[str, object]:
    params = [f"{symbol}@bookTicker" for symbol in symbols]
    return {"method": "SUBSCRIBE", "params": params, "id": request_id}


async def test_spot_acks_and_sends_complete_states_without_a_time(venues: Venues) -> None:
    async with venues.client("binance", "/ws") as client:
        await client.send(subscribe("btcusdt", "ethusdt"))
        assert await client.frame() == {"result": None, "id": 1}
        frames = await client.some(20)
    for frame in frames:
        assert frame.keys() == SPOT_KEYS
        assert frame["s"] in ("BTCUSDT", "ETHUSDT")
        assert 0 < float(frame["b"]) < float(frame["a"])
        assert len(frame["b"].partition(".")[2]) == 8
    updates = [frame["u"] for frame in frames if frame["s"] == "BTCUSDT"]
    assert updates == sorted(set(updates))


async def test_usdm_has_its_own_keys_and_times(venues: Venues) -> None:
    async with venues.client("binance", "/public/ws") as client:
        await client.send(subscribe("btcusdt"))
        assert await client.frame() == {"result": None, "id": 1}
        frame = await client.frame()
    assert frame.keys() == PERP_KEYS
    assert (frame["e"], frame["s"], frame["ps"], frame["st"]) == ("bookTicker", "BTCUSDT", "BTCUSDT", 1)
    assert 0 <= frame["E"] - frame["T"] < 1000


async def test_streams_named_in_the_path_need_no_request(venues: Venues) -> None:
    async with venues.client("binance", "/ws/btcusdt@bookTicker") as client:
        assert (await client.frame())["s"] == "BTCUSDT"
    async with venues.client("binance", "/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker") as client:
        frame = await client.first(lambda frame: frame["stream"] == "ethusdt@bookTicker")
        assert frame["data"].keys() == SPOT_KEYS
    async with venues.client("binance", "/public/stream?streams=solusdt@bookTicker") as client:
        frame = await client.frame()
        assert frame["stream"] == "solusdt@bookTicker"
        assert frame["data"].keys() == PERP_KEYS


async def test_an_unknown_symbol_is_acked_and_stays_silent(venues: Venues) -> None:
    async with venues.client("binance", "/public/ws") as client:
        await client.send(subscribe("nosuchusdt", "btcusdt"))
        assert await client.frame() == {"result": None, "id": 1}
        assert {frame["s"] for frame in await client.some(30)} == {"BTCUSDT"}


async def test_unsubscribing_ends_the_data_and_the_list_says_so(venues: Venues) -> None:
    async with venues.client("binance", "/ws") as client:
        await client.send(subscribe("btcusdt", "ethusdt"))
        await client.send({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 2})
        await client.first(lambda frame: frame.get("id") == 2)
        assert {frame["s"] for frame in await client.some(20)} == {"ETHUSDT"}
        await client.send({"method": "LIST_SUBSCRIPTIONS", "id": 3})
        listed = await client.first(lambda frame: frame.get("id") == 3)
    assert listed["result"] == ["ethusdt@bookTicker"]


async def test_requests_that_cannot_be_read_are_answered_with_a_code(venues: Venues) -> None:
    async with venues.client("binance", "/ws") as client:
        await client.send("{nonsense")
        assert (await client.frame())["code"] == 3
        await client.send({"method": "SUBSCRIBE", "params": 7, "id": 4})
        assert (await client.frame())["code"] == 2
        await client.send({"method": "JUMP", "id": 5})
        frame = await client.frame()
    assert (frame["code"], frame["id"]) == (2, 5)


async def test_more_requests_than_allowed_end_the_connection(venues: Venues) -> None:
    async with venues.client("binance", "/ws") as client:
        await client.send(*(subscribe("btcusdt", request_id=number) for number in range(40)))
        await client.closed()


async def test_rest_lists_both_markets(venues: Venues) -> None:
    spot = (await venues.get("binance", "/api/v3/exchangeInfo"))["symbols"]
    bitcoin = next(row for row in spot if row["symbol"] == "BTCUSDT")
    assert (bitcoin["status"], bitcoin["baseAsset"], bitcoin["quoteAsset"]) == ("TRADING", "BTC", "USDT")
    assert bitcoin["isSpotTradingAllowed"] is True
    assert {"filterType", "minPrice", "maxPrice", "tickSize"} == bitcoin["filters"][0].keys()
    perp = (await venues.get("binance", "/fapi/v1/exchangeInfo"))["symbols"]
    bitcoin = next(row for row in perp if row["symbol"] == "BTCUSDT")
    assert (bitcoin["contractType"], bitcoin["marginAsset"]) == ("PERPETUAL", "USDT")


async def test_rest_shows_the_best_bids_and_asks_of_one_market(venues: Venues) -> None:
    spot = {row["symbol"]: row for row in await venues.get("binance", "/api/v3/ticker/bookTicker")}
    assert spot["BTCUSDT"].keys() == {"symbol", "bidPrice", "bidQty", "askPrice", "askQty"}
    assert 0 < float(spot["BTCUSDT"]["bidPrice"]) < float(spot["BTCUSDT"]["askPrice"])
    perp = {row["symbol"]: row for row in await venues.get("binance", "/fapi/v1/ticker/bookTicker")}
    assert perp["BTCUSDT"].keys() == spot["BTCUSDT"].keys() | {"lastUpdateId", "time"}
    assert len(spot) == len(perp) == len(BASES)
    assert "1000PEPEUSDT" in perp and "PEPEUSDT" in spot


async def test_rest_shows_what_the_stream_has_shown(venues: Venues) -> None:
    async with venues.client("binance", "/ws/btcusdt@bookTicker") as client:
        frame = await client.frame()
        rows = await venues.get("binance", "/api/v3/ticker/bookTicker")
        (row,) = (row for row in rows if row["symbol"] == "BTCUSDT")
        shown = [row[key] for key in ("bidPrice", "bidQty", "askPrice", "askQty")]
        last = frame["u"] + 1000
        while [frame[key] for key in "bBaA"] != shown:
            frame = await client.frame()
            assert frame["u"] < last
