"""OKX's wire, version 5."""

from collections.abc import Callable

import pytest

from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.okx import Okx
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import SIMULATED, list_instruments

from .conftest import Venues

STREAM = "/ws/v5/public"


def subscribe(*instruments: str, channel: str = "bbo-tbt") -> dict[str, object]:
    return {"op": "subscribe", "args": [{"channel": channel, "instId": each} for each in instruments]}


def about(instrument: str) -> Callable[[dict[str, object]], bool]:
    return lambda frame: "data" in frame and frame["arg"] == {"channel": "bbo-tbt", "instId": instrument}


async def test_one_ack_an_argument_and_complete_states(venues: Venues) -> None:
    async with venues.client("okx", STREAM) as client:
        await client.send({"id": "b1", **subscribe("BTC-USDT", "BTC-USDT-SWAP")})
        acks = [await client.first(lambda frame: "event" in frame) for _ in range(2)]
        assert [ack["arg"]["instId"] for ack in acks] == ["BTC-USDT", "BTC-USDT-SWAP"]
        assert all(ack["event"] == "subscribe" and ack["id"] == "b1" for ack in acks)
        states = [await client.first(about("BTC-USDT")) for _ in range(10)]
    serials = [state["data"][0]["seqId"] for state in states]
    assert serials == sorted(set(serials))
    (book,) = states[-1]["data"]
    (ask,), (bid,) = book["asks"], book["bids"]
    assert all(isinstance(field, str) for field in (*ask, *bid, book["ts"]))
    assert 0 < float(bid[0]) < float(ask[0])


async def test_sizes_of_swaps_are_contracts(venues: Venues) -> None:
    rows = (await venues.get("okx", "/api/v5/public/instruments?instType=SWAP"))["data"]
    swaps = {row["instId"]: row for row in rows}
    linear, inverse = swaps["BTC-USDT-SWAP"], swaps["BTC-USD-SWAP"]
    assert (linear["ctVal"], linear["ctMult"], linear["ctValCcy"], linear["ctType"]) == (
        "0.01",
        "1",
        "BTC",
        "linear",
    )
    assert (inverse["ctVal"], inverse["ctValCcy"], inverse["ctType"]) == ("100", "USD", "inverse")
    assert (linear["baseCcy"], linear["uly"], linear["state"]) == ("", "BTC-USDT", "live")
    async with venues.client("okx", STREAM) as client:
        await client.send(subscribe("BTC-USD-SWAP"))
        sizes = [float((await client.first(about("BTC-USD-SWAP")))["data"][0]["bids"][0][1]) for _ in range(20)]
    assert max(sizes) > 20
    assert all(size == int(size) for size in sizes)


async def test_rest_lists_spot(venues: Venues) -> None:
    rows = (await venues.get("okx", "/api/v5/public/instruments?instType=SPOT"))["data"]
    bitcoin = next(row for row in rows if row["instId"] == "BTC-USDT")
    assert (bitcoin["baseCcy"], bitcoin["quoteCcy"], bitcoin["ctVal"]) == ("BTC", "USDT", "")
    assert (await venues.get("okx", "/api/v5/public/instruments"))["code"] == "51000"


async def test_an_unknown_instrument_is_an_error_and_the_rest_runs(venues: Venues) -> None:
    async with venues.client("okx", STREAM) as client:
        await client.send(subscribe("NO-USDT", "BTC-USDT"))
        error = await client.first(lambda frame: frame.get("event") == "error")
        assert error["code"] == "60018"
        assert "NO-USDT" in error["msg"]
        await client.first(about("BTC-USDT"))


async def test_text_ping_brings_text_pong(venues: Venues) -> None:
    async with venues.client("okx", STREAM) as client:
        await client.send("ping")
        assert await client.text() == "pong"


async def test_what_it_cannot_read_is_illegal(venues: Venues) -> None:
    async with venues.client("okx", STREAM) as client:
        await client.send('{"op":"subscribe","args":["spot/ticker:BTC-USDT"]}')
        assert (await client.frame())["code"] == "60012"


async def test_unsubscribing_ends_the_data(venues: Venues) -> None:
    async with venues.client("okx", STREAM) as client:
        await client.send(subscribe("BTC-USDT", "ETH-USDT"), {**subscribe("BTC-USDT"), "op": "unsubscribe"})
        await client.first(lambda frame: frame.get("event") == "unsubscribe")
        assert {frame["arg"]["instId"] for frame in await client.some(15)} == {"ETH-USDT"}


def test_a_connection_on_which_nothing_is_said_for_30_s_is_closed() -> None:
    walk = MarketWalk(list_instruments(SimPlan()), 1, 400.0)
    okx = Okx(walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    subscriber = Subscriber(STREAM, Moment(0, 0))
    assert okx.expired(subscriber, Moment(30 * NS_PER_S, 0)) is None
    assert okx.expired(subscriber, Moment(31 * NS_PER_S, 0)) is not None
    subscriber.heard_ns = 20 * NS_PER_S
    assert okx.expired(subscriber, Moment(31 * NS_PER_S, 0)) is None


@pytest.mark.parametrize("venue", SIMULATED)
async def test_an_unknown_path_is_not_found(venues: Venues, venue: str) -> None:
    assert await venues.refusal(venue, "/no/such/path") == 404
