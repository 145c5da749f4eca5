"""Coinbase Exchange's wire."""

import json
from typing import Any

from arbsniper_tui.sim.coinbase import Coinbase
from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.ladder import Ladder
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Venues


def subscribe(*products: str, channels: tuple[str, ...] = ("level2_batch",)) -> dict[str, object]:
    return {"type": "subscribe", "product_ids": list(products), "channels": list(channels)}


class Book:
    """What a client makes of a snapshot and its changes."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.bids = {float(price): float(size) for price, size in snapshot["bids"]}
        self.asks = {float(price): float(size) for price, size in snapshot["asks"]}

    def apply(self, update: dict[str, Any]) -> None:
        for side, price, size in update["changes"]:
            levels = self.bids if side == "buy" else self.asks
            if float(size):
                levels[float(price)] = float(size)
            else:
                del levels[float(price)]


async def test_a_snapshot_and_its_changes_keep_a_book_uncrossed(venues: Venues) -> None:
    async with venues.client("coinbase", "/") as client:
        await client.send(subscribe("BTC-USD"))
        ack = await client.frame()
        assert ack == {
            "type": "subscriptions",
            "channels": [{"name": "level2_batch", "product_ids": ["BTC-USD"]}],
        }
        snapshot = await client.frame()
        assert snapshot["type"] == "snapshot"
        book = Book(snapshot)
        for update in await client.some(40):
            assert update.keys() == {"type", "product_id", "changes", "time"}
            book.apply(update)
            assert max(book.bids) < min(book.asks)
            assert len(book.bids) >= 10


async def test_a_later_subscriber_sees_the_same_book(venues: Venues) -> None:
    async with (
        venues.client("coinbase", "/") as early,
        venues.client("coinbase", "/") as late,
    ):
        await early.send(subscribe("BTC-USD"))
        await early.frame()
        early_book = Book(await early.frame())
        for update in await early.some(5):
            early_book.apply(update)
        await late.send(subscribe("BTC-USD"))
        await late.frame()
        late_book = Book(await late.frame())
        common = await late.frame()
        late_book.apply(common)
        while True:
            update = await early.frame()
            early_book.apply(update)
            if update["time"] == common["time"]:
                break
    assert early_book.bids == late_book.bids
    assert early_book.asks == late_book.asks


def test_a_ladder_says_every_change_of_its_levels() -> None:
    ladder = Ladder(Top(0, 1, 1000, 5, 1002, 6))
    told = {"buy": dict(ladder.bids), "sell": dict(ladder.asks)}
    for serial, (bid, ask) in enumerate([(1001, 1002), (900, 905), (1500, 1501), (1499, 1500), (1, 2)]):
        for side, ticks, lots in ladder.move(Top(0, serial, bid, 10 + serial, ask, 20 + serial)):
            if lots:
                told[side][ticks] = lots
            else:
                del told[side][ticks]
        assert told == {"buy": ladder.bids, "sell": ladder.asks}
        assert (max(ladder.bids), min(ladder.asks)) == (bid, ask)
        assert (ladder.bids[bid], ladder.asks[ask]) == (10 + serial, 20 + serial)


def test_a_ladder_does_not_grow_without_end() -> None:
    ladder = Ladder(Top(0, 1, 1000, 5, 1001, 6))
    for ticks in range(1001, 3000):
        ladder.move(Top(0, ticks, ticks, 5, ticks + 1, 6))
    assert len(ladder.bids) < 40


async def test_one_unknown_product_fails_the_whole_request(venues: Venues) -> None:
    async with venues.client("coinbase", "/") as client:
        await client.send(subscribe("BTC-USD", "XYZ-USD"))
        assert await client.frame() == {
            "type": "error",
            "message": "Failed to subscribe",
            "reason": "XYZ-USD is not a valid product",
        }
        await client.send(subscribe("ETH-USD"))
        assert (await client.frame())["channels"][0]["product_ids"] == ["ETH-USD"]


async def test_full_depth_needs_a_login(venues: Venues) -> None:
    async with venues.client("coinbase", "/") as client:
        await client.send(subscribe("BTC-USD", channels=("level2",)))
        assert (await client.frame())["type"] == "error"


async def test_heartbeats_come_for_each_product(venues: Venues) -> None:
    async with venues.client("coinbase", "/") as client:
        await client.send({"type": "subscribe", "channels": [{"name": "heartbeat", "product_ids": ["BTC-USD"]}]})
        frame = await client.first(lambda frame: frame["type"] == "heartbeat")
    assert frame.keys() == {"type", "sequence", "last_trade_id", "product_id", "time"}


async def test_unsubscribing_shrinks_the_set_and_ends_the_data(venues: Venues) -> None:
    async with venues.client("coinbase", "/") as client:
        await client.send(subscribe("BTC-USD", "ETH-USD"))
        await client.first(lambda frame: frame["type"] == "l2update")
        await client.send({**subscribe("BTC-USD"), "type": "unsubscribe"})
        left = await client.first(lambda frame: frame["type"] == "subscriptions")
        assert left["channels"] == [{"name": "level2_batch", "product_ids": ["ETH-USD"]}]
        assert {frame["product_id"] for frame in await client.some(10)} == {"ETH-USD"}


def test_a_connection_without_a_subscription_is_ended_after_5_s() -> None:
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    coinbase = Coinbase(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    subscriber = Subscriber("/", Moment(0, 0))
    assert coinbase.expired(subscriber, Moment(4 * NS_PER_S, 0)) is None
    assert coinbase.expired(subscriber, Moment(6 * NS_PER_S, 0)) is not None
    coinbase.answer(subscriber, json.dumps(subscribe("BTC-USD")), (), Moment(0, 0))
    assert coinbase.expired(subscriber, Moment(3600 * NS_PER_S, 0)) is None


async def test_rest_lists_the_products(venues: Venues) -> None:
    products = {row["id"]: row for row in await venues.get("coinbase", "/products")}
    assert {"BTC-USD", "BTC-USDT", "DOT-USD", "USDT-USD"} <= products.keys()
    assert products["BTC-USD"]["quote_increment"] == "0.01"
    assert products["BTC-USD"]["status"] == "online"
