"""The first states of instruments whose stream says nothing until they change."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from feeding import instruments

from arbsniper_tui.feeds.seeds import fetch_seeds
from arbsniper_tui.model.errors import BadFrame, RestError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.server import open_venues
from arbsniper_tui.sim.venue import VenueSim
from arbsniper_tui.venues import VENUES

BINANCE = VENUES["binance"]


@pytest.fixture
async def binance() -> AsyncIterator[tuple[VenueSim, str]]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with open_venues(SimPlan(seed=5, venues=("binance",)), {"binance": listener}) as sims:
        yield sims["binance"], url


def seed_url(url: str, market: Market) -> str:
    declared = BINANCE.market(market)
    assert declared is not None
    return url + declared.seed_path


@pytest.mark.parametrize(
    ("market", "symbols"),
    [
        (Market.SPOT, ("BTC/USDT", "DOGE/USDT", "NIX/USDT")),
        (Market.PERP, ("BTC/USDT:USDT", "DOGE/USDT:USDT", "NIX/USDT:USDT")),
    ],
)
async def test_one_get_brings_a_quote_for_every_listed_instrument(
    binance: tuple[VenueSim, str], market: Market, symbols: tuple[str, ...]
) -> None:
    _, url = binance
    wanted = {each.venue_symbol: each for each in instruments("binance", symbols)}
    seeds = await fetch_seeds(BINANCE, seed_url(url, market), wanted.get)
    assert sorted(seed.instrument_id for seed in seeds) == [0, 1]
    assert not any(map(defect, seeds))
    for seed in seeds:
        assert seed.bid == pytest.approx((64_000.0, 0.19)[seed.instrument_id], rel=0.05)
        assert (seed.ts_venue_ms is None) == (market is Market.SPOT)


async def test_a_venue_that_refuses_is_an_error_in_words(binance: tuple[VenueSim, str]) -> None:
    sim, url = binance
    sim.fault = Fault(FaultKind.REFUSE)
    with pytest.raises(RestError, match="/api/v3/ticker/bookTicker: HTTP 503"):
        await fetch_seeds(BINANCE, seed_url(url, Market.SPOT), {}.get)


async def test_what_is_no_list_of_prices_is_refused(serve_raw: Callable) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n<html>maintenance</html>")
        await writer.drain()

    async with serve_raw(script) as port:
        with pytest.raises(BadFrame, match="maintenance"):
            await fetch_seeds(BINANCE, seed_url(f"http://127.0.0.1:{port}", Market.SPOT), {}.get)


async def test_a_venue_in_maintenance_seeds_nothing_that_can_be_believed(binance: tuple[VenueSim, str]) -> None:
    sim, url = binance
    sim.fault = Fault(FaultKind.MAINTENANCE)
    wanted = {each.venue_symbol: each for each in instruments("binance", ("BTC/USDT",))}
    (seed,) = await fetch_seeds(BINANCE, seed_url(url, Market.SPOT), wanted.get)
    assert reason_words(defect(seed)) == "no bid"
