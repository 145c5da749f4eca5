"""Phemex's wire."""

import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.phemex import Phemex
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Venues

OK = {"status": "success"}


def request(method: str, *params: object, number: int = 7) -> dict[str, object]:
    return {"id": number, "method": method, "params": list(params)}


class Book:
    """What a client makes of a snapshot and its changes, in the venue's own numbers."""

    def __init__(self, snapshot: dict[str, Any], key: str) -> None:
        assert snapshot["type"] == "snapshot"
        self.key = key
        self.sides = {side: {float(p): float(q) for p, q in snapshot[key][side]} for side in ("bids", "asks")}

    def apply(self, frame: dict[str, Any]) -> None:
        for side, levels in self.sides.items():
            for price, size in frame[self.key][side]:
                if float(size):
                    levels[float(price)] = float(size)
                else:
                    del levels[float(price)]


@pytest.mark.parametrize(
    ("method", "symbol", "key", "kind"),
    [("orderbook", "sBTCUSDT", "book", int), ("orderbook_p", "BTCUSDT", "orderbook_p", str)],
)
async def test_a_snapshot_and_its_changes_keep_a_book_uncrossed(
    venues: Venues, method: str, symbol: str, key: str, kind: type
) -> None:
    async with venues.client("phemex", "/") as client:
        await client.send(request(f"{method}.subscribe", symbol))
        assert await client.frame() == {"error": None, "id": 7, "result": OK}
        snapshot = await client.frame()
        assert all(type(number) is kind for level in snapshot[key]["asks"] for number in level)
        book, last = Book(snapshot, key), snapshot["sequence"]
        for change in await client.some(20):
            assert (change["type"], change["symbol"]) == ("incremental", symbol)
            assert change["sequence"] > last
            last = change["sequence"]
            book.apply(change)
            assert max(book.sides["bids"]) < min(book.sides["asks"])


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("orderbook.subscribe", ["BTCUSDT"]),
        ("orderbook_p.subscribe", ["sBTCUSDT"]),
        ("orderbook_p.subscribe", ["NOUSDT"]),
        ("orderbook_p.subscribe", ["BTCUSDT", "ETHUSDT"]),
        ("orderbook_p.subscribe", []),
        ("nothing", []),
    ],
)
async def test_what_is_no_book_of_this_family_is_refused_by_number(
    venues: Venues, method: str, params: list[str]
) -> None:
    async with venues.client("phemex", "/") as client:
        await client.send(request(method, *params, number=106))
        error = {"code": 6001, "message": "invalid argument"}
        assert await client.frame() == {"error": error, "id": 106, "result": None}


async def test_unsubscribing_ends_all_books_of_the_connection(venues: Venues) -> None:
    async with venues.client("phemex", "/") as client:
        await client.send(request("orderbook_p.subscribe", "BTCUSDT"), request("orderbook_p.subscribe", "ETHUSDT"))
        await client.first(lambda frame: frame.get("symbol") == "ETHUSDT")
        await client.send(request("orderbook_p.unsubscribe", number=8))
        await client.first(lambda frame: frame.get("id") == 8)
        await client.send(request("server.ping", number=9))
        assert await client.frame() == {"error": None, "id": 9, "result": "pong"}


async def test_the_pack_names_its_fields_once(venues: Venues) -> None:
    async with venues.client("phemex", "/") as client:
        await client.send(request("perp_market24h_pack_p.subscribe"))
        assert (await client.frame())["result"] == OK
        snapshot, later = await client.some(2)
    assert (snapshot["type"], later["type"]) == ("snapshot", "incremental")
    assert {row[0] for row in snapshot["data"]} >= {"BTCUSDT", "u1000PEPEUSDT"}
    assert all(len(row) == len(snapshot["fields"]) for row in (*snapshot["data"], *later["data"]))
    assert "fields" not in later


async def test_more_than_five_connections_are_refused(venues: Venues) -> None:
    target = venues.url("phemex", "/")
    held = [await connect(target) for _ in range(5)]
    with pytest.raises(InvalidStatus, match="429"):
        await connect(target)
    for each in held:
        await each.close()


async def test_the_list_holds_all_families(venues: Venues) -> None:
    data = (await venues.get("phemex", "/public/products"))["data"]
    assert {row["symbol"]: row["type"] for row in data["products"]}.items() >= {
        ("BTCUSD", "Perpetual"),
        ("sBTCUSDT", "Spot"),
    }
    assert {row["symbol"] for row in data["perpProductsV2"]} >= {"BTCUSDT", "u1000PEPEUSDT"}
    scales = {row["currency"]: row["valueScale"] for row in data["currencies"]}
    assert scales["BTC"] != scales["PEPE"]


def phemex() -> tuple[Phemex, Subscriber]:
    bases = tuple(f"COIN{number}" for number in range(25))
    walk = MarketWalk(list_instruments(SimPlan(bases=bases)), 1, 400.0)
    dialect = Phemex(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    return dialect, Subscriber("/", Moment(0, 0))


def test_more_than_twenty_subscriptions_are_refused() -> None:
    dialect, subscriber = phemex()
    said = [
        dialect.answer(subscriber, json.dumps(request("orderbook_p.subscribe", f"COIN{n}USDT")), (), Moment(1, 1))[0]
        for n in range(21)
    ]
    assert ["6015" in str(frame) for frame in said] == [False] * 20 + [True]


def test_each_book_has_a_snapshot_once_a_minute() -> None:
    dialect, subscriber = phemex()
    for coin in ("COIN1", "COIN2"):
        wanted = json.dumps(request("orderbook_p.subscribe", f"{coin}USDT"))
        assert dialect.is_state(dialect.answer(subscriber, wanted, (), Moment(NS_PER_S, 0))[1])
    assert dialect.upkeep(subscriber, Moment(60 * NS_PER_S, 0)) == []
    assert [dialect.is_state(frame) for frame in dialect.upkeep(subscriber, Moment(61 * NS_PER_S, 0))] == [True, True]
    assert dialect.upkeep(subscriber, Moment(62 * NS_PER_S, 0)) == []


def test_a_connection_without_a_word_for_thirty_seconds_is_closed() -> None:
    dialect, subscriber = phemex()
    subscriber.told_ns = 29 * NS_PER_S
    assert dialect.expired(subscriber, Moment(30 * NS_PER_S, 0)) is None
    assert dialect.expired(subscriber, Moment(31 * NS_PER_S, 0)) is not None
