"""The program's own adapters on the simulated wire: what they ask for is answered, and what comes is read."""

import asyncio
import urllib.request

import pytest

from arbsniper_tui.model.errors import VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Listing

from .conftest import DEADLINE_S, Venues

ASKED = [
    ("binance", Market.SPOT, ("BTC/USDT", "DOGE/USDT")),
    ("binance", Market.PERP, ("BTC/USDT:USDT", "DOGE/USDT:USDT")),
    ("coinbase", Market.SPOT, ("BTC/USD", "BTC/USDT", "USDT/USD")),
    ("kraken", Market.SPOT, ("BTC/USD", "DOGE/USDT", "USDT/USD")),
    ("okx", Market.SPOT, ("BTC/USDT", "DOGE/USDT")),
    ("okx", Market.PERP, ("BTC/USDT:USDT", "DOGE/USDT:USDT", "BTC/USD:BTC")),
]
PRICES = {"BTC": 64_000.0, "DOGE": 0.19, "USDT": 1.0}


def instruments(venue: str, symbols: tuple[str, ...]) -> list[Instrument]:
    spelled = [VENUES[venue].venue_symbol(parse_symbol(symbol)) for symbol in symbols]
    return [Instrument(number, venue, symbol, spelled[number], "USDT", 0.1) for number, symbol in enumerate(symbols)]


async def listings(venues: Venues, venue: str, market: Market) -> dict[str, Listing]:
    declared = VENUES[venue].market(market)
    assert declared is not None
    url = venues.url(venue, declared.list_path, "http")

    def read() -> bytes:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as response:
            body: bytes = response.read()
            return body

    return VENUES[venue].parse_listings(await asyncio.to_thread(read))


@pytest.mark.parametrize(("venue", "market", "symbols"), ASKED)
async def test_every_frame_is_read_and_every_quote_can_be_believed(
    venues: Venues, venue: str, market: Market, symbols: tuple[str, ...]
) -> None:
    adapter = VENUES[venue]
    declared = adapter.market(market)
    assert declared is not None
    listed = await listings(venues, venue, market)
    wanted = instruments(venue, symbols)
    assert all(listed[one.venue_symbol].is_trading for one in wanted)
    parser = adapter.parser({one.venue_symbol: one for one in wanted}, listed)
    seen: dict[int, list[Quote]] = {}
    async with venues.client(venue, declared.ws_path) as client:
        await client.send(*adapter.subscribe(wanted))
        while len(seen) < len(wanted) or min(map(len, seen.values())) < 5:
            for quote in parser.feed((await client.text()).encode()):
                assert defect(quote) == ""
                seen.setdefault(quote.instrument_id, []).append(quote)
    for one in wanted:
        quote = seen[one.id][-1]
        assert quote.bid == pytest.approx(PRICES[one.base], rel=0.02)
        # Sizes are in coins, contracts or not: a few hundred to a few million USDT.
        assert 10 < quote.bid_size * quote.bid < 3_000_000


@pytest.mark.parametrize("venue", ["coinbase", "kraken", "okx"])
async def test_a_symbol_that_is_not_listed_is_rejected_by_name(venues: Venues, venue: str) -> None:
    adapter = VENUES[venue]
    declared = adapter.market(Market.SPOT)
    assert declared is not None
    (unknown,) = instruments(venue, ("NOSUCH/USD",))
    parser = adapter.parser({unknown.venue_symbol: unknown}, {})
    async with venues.client(venue, declared.ws_path) as client:
        await client.send(*adapter.subscribe([unknown]))
        with pytest.raises(VenueRejected) as rejected:
            while True:
                parser.feed((await client.text()).encode())
    assert rejected.value.venue_symbol == unknown.venue_symbol
