"""Each fault, as a client meets it, and that it passes."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from arbsniper_tui.model.errors import BadFrame, UsageError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.sim.fault import Fault, FaultKind, read_fault
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

from .conftest import DEADLINE_S, Client, Venues

TARGETS = {"binance": "/ws", "coinbase": "/", "kraken": "/v2", "okx": "/ws/v5/public"}
REQUESTS: dict[str, dict[str, Any]] = {
    "binance": {"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "ethusdt@bookTicker"], "id": 1},
    "coinbase": {
        "type": "subscribe",
        "product_ids": ["BTC-USD", "ETH-USD"],
        "channels": ["level2_batch", "heartbeat"],
    },
    "kraken": {
        "method": "subscribe",
        "params": {"channel": "ticker", "symbol": ["BTC/USD", "ETH/USD"], "event_trigger": "bbo"},
    },
    "okx": {
        "op": "subscribe",
        "args": [{"channel": "bbo-tbt", "instId": each} for each in ("BTC-USDT", "ETH-USDT")],
    },
}
SYMBOLS = {
    "binance": ("BTCUSDT", "ETHUSDT"),
    "coinbase": ("BTC-USD", "ETH-USD"),
    "kraken": ("BTC/USD", "ETH/USD"),
    "okx": ("BTC-USDT", "ETH-USDT"),
}
every_venue = pytest.mark.parametrize("venue", TARGETS)


def quoted(frame: Any) -> str:
    """The venue's symbol of a frame that carries a change of a quote; empty for all else."""
    if frame.get("type") == "l2update":
        return str(frame["product_id"])
    if frame.get("channel") == "ticker" and frame["type"] == "update":
        return str(frame["data"][0]["symbol"])
    if "data" in frame and "arg" in frame:
        return str(frame["arg"]["instId"])
    return str(frame.get("s", ""))


async def drained(client: Client) -> None:
    """Read what was sent until now: it has arrived when a WebSocket ping sent after it is answered."""
    await asyncio.wait_for(await client.connection.ping(), DEADLINE_S)
    while not await hears_nothing(client, seconds=0.0):
        pass


async def hears_nothing(client: Client, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await client.connection.recv()
    except TimeoutError:
        return True
    return False


@every_venue
async def test_refuse_answers_503_and_ends_what_is_open(venues: Venues, venue: str) -> None:
    rest = {"coinbase": "/products", "kraken": "/0/public/AssetPairs"}.get(venue, "/api/v3/exchangeInfo")
    async with venues.client(venue, TARGETS[venue]) as client:
        venues.sims[venue].fault = Fault(FaultKind.REFUSE)
        await client.closed()
    with pytest.raises(InvalidStatus) as refused:
        await connect(venues.url(venue, TARGETS[venue]))
    assert refused.value.response.status_code == 503
    assert await venues.refusal(venue, rest) == 503
    venues.sims[venue].fault = None
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(quoted)


@every_venue
async def test_drop_breaks_connections_off_once(venues: Venues, venue: str) -> None:
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(quoted)
        venues.sims[venue].fault = Fault(FaultKind.DROP)
        with pytest.raises(ConnectionClosed):
            while True:
                await client.text()
    assert venues.sims[venue].fault is None
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(quoted)


@every_venue
async def test_stall_sends_nothing_but_answers_pings(venues: Venues, venue: str) -> None:
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(quoted)
        venues.sims[venue].fault = Fault(FaultKind.STALL)
        await drained(client)
        assert await hears_nothing(client, seconds=1.5)
        await asyncio.wait_for(await client.connection.ping(), DEADLINE_S)
        venues.sims[venue].fault = None
        await client.first(quoted)


async def test_stall_answers_the_venues_own_pings_and_no_other_request(venues: Venues) -> None:
    venues.sims["okx"].fault = Fault(FaultKind.STALL)
    async with venues.client("okx", TARGETS["okx"]) as client:
        await client.send(REQUESTS["okx"], "ping")
        assert await client.text() == "pong"
    venues.sims["kraken"].fault = Fault(FaultKind.STALL)
    async with venues.client("kraken", TARGETS["kraken"]) as client:
        await client.frame()
        await client.send(REQUESTS["kraken"], {"method": "ping"})
        assert (await client.frame())["method"] == "pong"


@every_venue
async def test_freeze_stops_one_instrument_and_no_other(venues: Venues, venue: str) -> None:
    frozen, moving = SYMBOLS[venue]
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(lambda frame: quoted(frame) == frozen)
        venues.sims[venue].fault = Fault(FaultKind.FREEZE, (frozen,))
        await drained(client)
        seen = [quoted(await client.first(quoted)) for _ in range(15)]
        assert set(seen) == {moving}
        venues.sims[venue].fault = None
        await client.first(lambda frame: quoted(frame) == frozen)


@every_venue
async def test_freeze_acknowledges_a_subscription_and_holds_its_first_state_back(venues: Venues, venue: str) -> None:
    frozen, moving = SYMBOLS[venue]
    venues.sims[venue].fault = Fault(FaultKind.FREEZE, (frozen,))
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        frames = [await client.frame() for _ in range(10)]
        states = [frame for frame in frames if "data" in frame or frame.get("type") == "snapshot" or "b" in frame]
        assert any(moving in json.dumps(state) for state in states)
        assert not any(f'"{frozen}"' in json.dumps(state) for state in states)


@every_venue
async def test_a_quiet_instrument_has_a_first_state_and_no_other(venues: Venues, venue: str) -> None:
    quiet, moving = SYMBOLS[venue]
    venues.sims[venue].fault = Fault(FaultKind.QUIET, (quiet,))
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        frames = [await client.frame() for _ in range(20)]
    states = [frame for frame in frames if "data" in frame or frame.get("type") == "snapshot"]
    assert sum(f'"{quiet}"' in json.dumps(state) for state in states) == (0 if venue == "binance" else 1)
    assert Counter(map(quoted, frames))[moving] > 2


async def test_freeze_of_all_leaves_the_heartbeats(venues: Venues) -> None:
    for venue, kind in (("coinbase", "type"), ("kraken", "channel")):
        async with venues.client(venue, TARGETS[venue]) as client:
            await client.send(REQUESTS[venue])
            await client.first(quoted)
            venues.sims[venue].fault = Fault(FaultKind.FREEZE)
            await drained(client)
            assert {frame[kind] for frame in await client.some(3)} == {"heartbeat"}


@every_venue
async def test_garbage_comes_between_good_frames(venues: Venues, venue: str) -> None:
    venues.sims[venue].fault = Fault(FaultKind.GARBAGE)
    kinds = ("cut", "nan", "negative", "shape")
    found: Counter[str] = Counter()
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        while not all(found[kind] for kind in kinds) or found["good"] < 20:
            text = await client.text()
            found["all"] += 1
            try:
                frame = json.loads(text)
            except ValueError:
                found["cut"] += 1
                continue
            found["nan"] += "NaN" in text
            found["negative"] += '"-' in text or ":-" in text
            found["good"] += isinstance(frame, dict) and bool(frame.get("event") or quoted_safely(frame))
            found["shape"] += not isinstance(frame, dict)
            assert found["all"] < 2000, f"not all kinds of garbage among 2000 frames: {found}"
    assert found["good"] > found["all"] / 2


def quoted_safely(frame: dict[str, Any]) -> str:
    try:
        return quoted(frame)
    except (KeyError, IndexError, TypeError):
        return ""


async def test_a_crossed_level_on_coinbase_is_taken_back_at_once(venues: Venues) -> None:
    venues.sims["coinbase"].fault = Fault(FaultKind.GARBAGE)
    async with venues.client("coinbase", "/") as client:
        await client.send(REQUESTS["coinbase"])
        taken_back = 0
        last: dict[str, Any] = {}
        while not taken_back:
            try:
                frame = await client.frame()
            except ValueError:
                continue
            if not isinstance(frame, dict) or frame.get("type") != "l2update" or "product_id" not in frame:
                continue
            added, removed = last.get("changes"), frame["changes"]
            if added and len(added) == len(removed) == 1 and removed[0][:2] == added[0][:2]:
                taken_back += float(removed[0][2]) == 0.0 and last["product_id"] == frame["product_id"]
            last = frame


@every_venue
async def test_slow_accepts_and_does_not_answer_until_it_is_over(venues: Venues, venue: str) -> None:
    venues.sims[venue].fault = Fault(FaultKind.SLOW)
    with pytest.raises(TimeoutError):
        await connect(venues.url(venue, TARGETS[venue]), open_timeout=0.5)
    waiting = asyncio.ensure_future(connect(venues.url(venue, TARGETS[venue]), open_timeout=DEADLINE_S).__aenter__())
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    venues.sims[venue].fault = None
    connection = await waiting
    await connection.close()


async def test_reject_refuses_a_listed_symbol_in_the_venues_own_way(venues: Venues) -> None:
    for venue, (refused, _) in SYMBOLS.items():
        venues.sims[venue].fault = Fault(FaultKind.REJECT, (refused,))
    async with venues.client("kraken", "/v2") as client:
        await client.send(REQUESTS["kraken"])
        assert (await client.first(lambda frame: frame.get("success") is False))["symbol"] == "BTC/USD"
    async with venues.client("okx", TARGETS["okx"]) as client:
        await client.send(REQUESTS["okx"])
        assert (await client.first(lambda frame: frame.get("event") == "error"))["code"] == "60018"
    async with venues.client("coinbase", "/") as client:
        await client.send(REQUESTS["coinbase"])
        assert (await client.frame())["reason"] == "BTC-USD is not a valid product"
    async with venues.client("binance", "/ws") as client:
        await client.send(REQUESTS["binance"])
        await client.frame()
        assert {frame["s"] for frame in await client.some(15)} == {"ETHUSDT"}


def listed(venue: str, body: Any) -> dict[str, Listing]:
    return VENUES[venue].parse_listings(json.dumps(body).encode())


async def list_of(venues: Venues, venue: str) -> Any:
    """The venue's spot list as its REST answers it."""
    declared = VENUES[venue].market(Market.SPOT)
    assert declared is not None
    return await venues.get(venue, declared.list_path)


@every_venue
async def test_in_maintenance_nothing_is_listed_as_trading_and_the_stream_is_silent(venues: Venues, venue: str) -> None:
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(quoted)
        venues.sims[venue].fault = Fault(FaultKind.MAINTENANCE)
        body = await list_of(venues, venue)
        if venue == "binance":
            assert not any(listing.is_trading for listing in listed(venue, body).values())
        else:
            words = {"coinbase": "at least one", "kraken": "EService:Unavailable", "okx": "temporarily unavailable"}
            with pytest.raises(BadFrame, match=words[venue]):
                listed(venue, body)
        await drained(client)
        assert await hears_nothing(client, seconds=1.5)
        await asyncio.wait_for(await client.connection.ping(), DEADLINE_S)
        venues.sims[venue].fault = None
        await client.first(quoted)
        assert listed(venue, await list_of(venues, venue))[SYMBOLS[venue][0]].is_trading


@every_venue
async def test_a_halted_symbol_is_listed_as_not_trading_and_its_quotes_go_on(venues: Venues, venue: str) -> None:
    halted, trading = SYMBOLS[venue]
    venues.sims[venue].fault = Fault(FaultKind.HALT, (halted,))
    listings = listed(venue, await list_of(venues, venue))
    assert (fault := listings[halted].fault) is not None
    assert fault.code is ReasonCode.NOT_TRADING
    assert listings[trading].fault is None
    async with venues.client(venue, TARGETS[venue]) as client:
        await client.send(REQUESTS[venue])
        await client.first(lambda frame: quoted(frame) == halted)
        venues.sims[venue].fault = None
        assert listed(venue, await list_of(venues, venue))[halted].is_trading


async def test_faults_can_be_set_from_outside_the_process(venues: Venues) -> None:
    sim = venues.sims["okx"]
    assert await venues.get("okx", "/sim/fault") == {"fault": None}
    answer = await venues.get("okx", "/sim/fault?kind=freeze&symbol=BTC-USDT&symbol=ETH-USDT")
    assert answer == {"fault": {"kind": "freeze", "symbols": ["BTC-USDT", "ETH-USDT"]}}
    assert sim.fault == Fault(FaultKind.FREEZE, ("BTC-USDT", "ETH-USDT"))
    assert await venues.refusal("okx", "/sim/fault?kind=nonsense") == 400
    await venues.get("okx", "/sim/fault?kind=slow")
    await venues.get("okx", "/sim/fault?kind=none")
    assert sim.fault is None


def test_a_fault_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="'explode'.*stall"):
        read_fault("kind=explode")
