"""CoinDCX's wire."""

import json
from typing import Any

import pytest

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.coindcx import Coindcx
from arbsniper_tui.sim.dialect import Flaw, Frame, Moment, Subscriber
from arbsniper_tui.sim.instruments import SimInstrument
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

from .conftest import Client, Venues

TARGET = "/socket.io/?EIO=4&transport=websocket"
START = Moment(NS_PER_S, 1_785_121_200 * NS_PER_S)


def join(channel: str) -> str:
    return "42" + json.dumps(["join", {"channelName": channel}])


def data_of(frame: Frame) -> Any:
    """The data of an event, which is JSON in a text."""
    assert isinstance(frame, str)
    name, body = json.loads(frame.removeprefix("42"))
    assert body.keys() == {"event", "data"}
    assert body["event"] == name
    return json.loads(body["data"])


async def admitted(client: Client) -> None:
    opened = await client.text()
    assert opened.startswith("0")
    assert json.loads(opened[1:]).items() >= {"pingInterval": 25000, "pingTimeout": 20000, "upgrades": []}.items()
    await client.send("40")
    assert (await client.text()).startswith('40{"sid":')


async def test_a_book_is_a_snapshot_and_then_changes_without_a_gap(venues: Venues) -> None:
    async with venues.client("coindcx", TARGET) as client:
        await admitted(client)
        await client.send(join("B-BTC_USDT@orderbook@10-futures"))
        whole = data_of(await client.text())
        assert (whole["type"], whole["pr"], whole["s"]) == ("depth-snapshot", "futures", "BTCUSDT")
        assert "E" not in whole
        assert (len(whole["bids"]), len(whole["asks"])) == (10, 10)
        bids, asks = ({float(price): float(size) for price, size in whole[side].items()} for side in ("bids", "asks"))
        for number in range(1, 5):
            change = data_of(await client.text())
            assert (change["type"], change["vs"]) == ("depth-update", whole["vs"] + number)
            assert change["E"] < change["ts"]
            bids, asks = changed(bids, change["bids"], is_bid=True), changed(asks, change["asks"], is_bid=False)
            assert max(bids) < min(asks)
            assert (len(bids), len(asks)) == (10, 10)


def changed(levels: dict[float, float], change: dict[str, str], *, is_bid: bool) -> dict[float, float]:
    """What a client makes of a change, who forgets levels behind the tenth: they may be gone unsaid."""
    known = levels | {float(price): float(size) for price, size in change.items()}
    best = sorted((price for price in known if known[price]), reverse=is_bid)[:10]
    return {price: known[price] for price in best}


async def test_whole_prices_come_before_others_whatever_their_order(venues: Venues) -> None:
    async with venues.client("coindcx", TARGET) as client:
        await admitted(client)
        await client.send(join("B-ETH_USDT@orderbook@10"))
        asks = list(data_of(await client.text())["asks"])
        whole = [price for price in asks if price.isdigit()]
        assert asks[: len(whole)] == sorted(whole, key=int)


@pytest.mark.parametrize(
    "request_text",
    [
        join("B-NOSUCH_USDT@orderbook@10"),
        join("B-BTC_USDT@orderbook@11"),
        join("BTCUSDT@orderbook@10"),
        '42["sing",{"channelName":"B-BTC_USDT@orderbook@10"}]',
        '42["join",{}]',
    ],
)
async def test_what_it_cannot_serve_it_passes_over_in_silence(venues: Venues, request_text: str) -> None:
    async with venues.client("coindcx", TARGET) as client:
        await admitted(client)
        await client.send(request_text, join("B-ETH_USDT@orderbook@10"))
        assert data_of(await client.text())["s"] == "ETHUSDT"


@pytest.mark.parametrize("request_text", ["42nope", "2", "", '["join",{"channelName":"B-BTC_USDT@orderbook@10"}]'])
async def test_a_packet_that_is_none_ends_the_connection(venues: Venues, request_text: str) -> None:
    async with venues.client("coindcx", TARGET) as client:
        await admitted(client)
        await client.send(request_text)
        await client.closed()


async def test_a_join_before_the_handshake_and_an_old_protocol_end_the_connection(venues: Venues) -> None:
    async with venues.client("coindcx", TARGET) as client:
        await client.send(join("B-BTC_USDT@orderbook@10"))
        await client.closed()
    async with venues.client("coindcx", TARGET.replace("EIO=4", "EIO=3")) as client:
        await client.send("40")
        await client.closed()


def dialect() -> Coindcx:
    walk = MarketWalk(list_instruments(SimPlan()), 7, 400.0)
    return Coindcx(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))


def test_a_ping_that_is_not_answered_within_20_s_ends_the_connection() -> None:
    wire = dialect()

    def after(seconds: int) -> Moment:
        return Moment(START.mono_ns + seconds * NS_PER_S, START.wall_ns)

    subscriber = Subscriber(TARGET, START)
    wire.greet(subscriber, (), START)
    assert wire.upkeep(subscriber, after(24)) == []
    assert wire.upkeep(subscriber, after(25)) == ["2"]
    assert wire.upkeep(subscriber, after(26)) == []
    assert wire.expired(subscriber, after(44)) is None
    assert wire.expired(subscriber, after(45)) is not None
    wire.answer(subscriber, "3", (), after(40))
    assert wire.expired(subscriber, after(45)) is None
    assert wire.upkeep(subscriber, after(50)) == ["2"]


def perpetual(wire: Coindcx, base: str) -> SimInstrument:
    return next(each for each in wire.instruments if (each.base, each.market) == (base, Market.PERP))


def test_spoiled_changes_take_a_number_too_and_leave_the_book_as_it_was() -> None:
    wire = dialect()
    bitcoin = perpetual(wire, "BTC")
    subscriber = Subscriber(TARGET, START, is_admitted=True)
    (whole,) = wire.answer(subscriber, join("B-BTC_USDT@orderbook@10-futures"), (), START)
    before = data_of(whole)
    top = Top(bitcoin.id, 1, 640_000, 5, 640_001, 6)
    crossed = [data_of(frame) for frame in wire.spoil(bitcoin, top, "", Flaw.CROSSED, START)]
    assert [each["vs"] for each in crossed] == [before["vs"] + 1, before["vs"] + 2]
    assert crossed[1]["bids"].items() >= before["bids"].items()
    (negative,) = wire.spoil(bitcoin, top, "", Flaw.NEGATIVE, START)
    assert [float(size) < 0 for size in data_of(negative)["bids"].values()] == [True]
    (not_a_number,) = wire.spoil(bitcoin, top, "", Flaw.NAN, START)
    assert list(data_of(not_a_number)["bids"].values()) == ["NaN"]


def test_current_prices_come_whole_with_the_join_and_then_by_pair() -> None:
    wire = dialect()
    subscriber = Subscriber(TARGET, START, is_admitted=True)
    (whole,) = wire.answer(subscriber, join("currentPrices@futures@rt"), (), START)
    perpetuals = [each for each in wire.instruments if each.market is Market.PERP]
    assert set(data_of(whole)["prices"]) == {each.venue_symbol for each in perpetuals}
    assert len(subscriber.topics) == len(perpetuals)
    pepe = perpetual(wire, "PEPE")
    changed = data_of(wire.render_facts(pepe, wire.facts(pepe, START), "currentPrices@futures", START))["prices"]
    assert changed["B-1000PEPE_USDT"]["mp"] == pytest.approx(0.0115, rel=0.1)
    assert changed["B-1000PEPE_USDT"].keys() >= {"mp", "ls", "fr", "efr", "bmST", "cmRT"}


async def test_the_lists_have_rows_for_spot_and_names_for_futures(venues: Venues) -> None:
    rows = await venues.get("coindcx", "/exchange/v1/markets_details")
    (bitcoin,) = (row for row in rows if row["pair"] == "B-BTC_USDT")
    assert (bitcoin["target_currency_short_name"], bitcoin["base_currency_short_name"]) == ("BTC", "USDT")
    assert (bitcoin["ecode"], bitcoin["status"]) == ("B", "active")
    names = await venues.get("coindcx", "/exchange/v1/derivatives/futures/data/active_instruments")
    assert "B-1000PEPE_USDT" in names
