"""The program's own adapters on the simulated wire: what they ask for is answered, and what comes is read."""

import asyncio
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from arbsniper_tui.model.errors import BadFrame, BookLost, FrameError, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.venues import OPEN_VENUES, VENUES
from arbsniper_tui.venues.base import Parser, Ready, Reply
from arbsniper_tui.venues.listing import Listing, why_unlisted

from .conftest import DEADLINE_S, Client, Venues

LISTS_NAMES_ALONE = {("coindcx", Market.PERP)}
SILENT_ON_UNKNOWN = {"binance", "coindcx", "deribit", "kucoin"}
"""Those that take a symbol which they do not list, and send nothing for it."""
PRICES = {"BTC": 64_000.0, "DOGE": 0.19, "USDT": 1.0}


def asked() -> Iterator[tuple[str, Market, tuple[str, ...]]]:
    """Of each market a large coin, a small one, and what else there is of them."""
    listed = list_instruments(SimPlan())
    for venue in OPEN_VENUES:
        for market in (declared.market for declared in VENUES[venue].markets):
            found = [each for each in listed if (each.venue, each.market) == (venue, market) and each.base in PRICES]
            yield venue, market, tuple(each.symbol for each in found)


ASKED = tuple(asked())


def instruments(venue: str, symbols: tuple[str, ...]) -> list[Instrument]:
    spelled = [VENUES[venue].venue_symbol(parse_symbol(symbol)) for symbol in symbols]
    return [Instrument(number, venue, symbol, spelled[number], "USDT", 0.1) for number, symbol in enumerate(symbols)]


async def subscribed(client: Client, venue: str, parser: Parser, wanted: list[Instrument]) -> None:
    """Go through the venue's greeting where it has one, and subscribe."""
    declared = VENUES[venue].market(wanted[0].market)
    assert declared is not None
    is_ready = not declared.greets
    while not is_ready:
        parser.feed(await client.data())
        await client.send(*(each.text for each in parser.asides if isinstance(each, Reply)))
        is_ready = any(isinstance(each, Ready) for each in parser.asides)
        parser.asides.clear()
    await client.send(*VENUES[venue].subscribe(wanted, wall_ms()))


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
    parser = adapter.parser(market, {one.venue_symbol: one for one in wanted}.get, listed)
    seen: dict[int, list[Quote]] = {}
    async with venues.client(venue, declared.ws_path, declared.headers) as client:
        await subscribed(client, venue, parser, wanted)
        while len(seen) < len(wanted) or min(map(len, seen.values())) < 5:
            for quote in parser.feed(await client.data()):
                assert defect(quote) is None
                seen.setdefault(quote.instrument_id, []).append(quote)
    for one in wanted:
        quote = seen[one.id][-1]
        assert quote.bid == pytest.approx(PRICES[one.base], rel=0.02)
        # Sizes are in coins, contracts or not: a few hundred to a few million USDT.
        assert 10 < quote.bid_size * quote.bid < 3_000_000


@pytest.mark.parametrize(("venue", "market", "symbols"), [each for each in ASKED if each[:2] not in LISTS_NAMES_ALONE])
async def test_the_list_tells_the_tick_and_the_smallest_order(
    venues: Venues, venue: str, market: Market, symbols: tuple[str, ...]
) -> None:
    listed = await listings(venues, venue, market)
    for one in instruments(venue, symbols):
        listing = listed[one.venue_symbol]
        assert listing.tick is not None
        assert listing.min_size is not None or listing.min_worth is not None


@pytest.mark.parametrize("venue", [venue for venue in OPEN_VENUES if venue not in SILENT_ON_UNKNOWN])
async def test_a_symbol_that_is_not_listed_is_rejected_by_name(venues: Venues, venue: str) -> None:
    adapter = VENUES[venue]
    declared = adapter.markets[0]
    (unknown,) = instruments(venue, ("NOSUCH/USD" if declared.market is Market.SPOT else "NOSUCH/USDT:USDT",))
    # A list that is older than the refusal.
    listed = {unknown.venue_symbol: Listing()}
    parser = adapter.parser(declared.market, {unknown.venue_symbol: unknown}.get, listed)
    async with venues.client(venue, declared.ws_path, declared.headers) as client:
        await subscribed(client, venue, parser, [unknown])
        with pytest.raises(VenueRejected) as rejected:
            while True:
                parser.feed(await client.data())
    assert rejected.value.venue_symbol == unknown.venue_symbol


@pytest.mark.parametrize(("venue", "market", "symbols"), ASKED)
async def test_unsubscribing_ends_the_data_of_one_symbol_and_subscribing_again_brings_it_back(
    venues: Venues, venue: str, market: Market, symbols: tuple[str, ...]
) -> None:
    adapter = VENUES[venue]
    declared = adapter.market(market)
    assert declared is not None
    if not declared.subscription.unsubscribe:
        pytest.skip(f"{venue} cannot take back one subscription alone")
    left, kept, *_ = instruments(venue, symbols)
    parser = adapter.parser(
        market, {one.venue_symbol: one for one in (left, kept)}.get, await listings(venues, venue, market)
    )
    async with asyncio.timeout(DEADLINE_S), venues.client(venue, declared.ws_path, declared.headers) as client:

        async def read(symbol: Instrument, count: int) -> set[int]:
            """The instruments of the quotes that come until `symbol` has had so many."""
            seen: list[int] = []
            while seen.count(symbol.id) < count:
                seen += [quote.instrument_id for quote in parser.feed(await client.data())]
            return set(seen)

        await subscribed(client, venue, parser, [left, kept])
        await read(left, 2)
        await client.send(*adapter.unsubscribe([left], wall_ms()))
        while left.id in await read(kept, 3):  # what was under way
            pass
        await client.send(*adapter.subscribe([left], wall_ms()))
        await read(left, 2)


@pytest.mark.parametrize(("venue", "market", "symbols"), ASKED)
async def test_a_halt_and_a_maintenance_are_in_the_list(
    venues: Venues, venue: str, market: Market, symbols: tuple[str, ...]
) -> None:
    halted, trading, *_ = instruments(venue, symbols)
    venues.sims[venue].fault = Fault(FaultKind.HALT, (halted.venue_symbol,))
    listed = await listings(venues, venue, market)
    reasons = [why_unlisted(listed.get(each.venue_symbol)) for each in (halted, trading)]
    assert (reasons[0] is None, reasons[1]) == (False, None)
    venues.sims[venue].fault = Fault(FaultKind.MAINTENANCE)
    with suppress(BadFrame):
        assert not any(each.is_trading for each in (await listings(venues, venue, market)).values())


@pytest.mark.parametrize(("venue", "market", "symbols"), ASKED)
async def test_garbage_raises_nothing_but_frame_errors(
    venues: Venues, venue: str, market: Market, symbols: tuple[str, ...]
) -> None:
    adapter = VENUES[venue]
    declared = adapter.market(market)
    assert declared is not None
    wanted = instruments(venue, symbols)
    parser = adapter.parser(
        market, {one.venue_symbol: one for one in wanted}.get, await listings(venues, venue, market)
    )
    venues.sims[venue].fault = Fault(FaultKind.GARBAGE)
    errors = 0
    async with venues.client(venue, declared.ws_path, declared.headers) as client:
        await subscribed(client, venue, parser, wanted)
        while errors < 5:
            try:
                parser.feed(await client.data())
            except FrameError:
                errors += 1


async def test_a_lost_book_of_coinbase_is_mended_by_subscribing_again(venues: Venues) -> None:
    adapter = VENUES["coinbase"]
    bitcoin, ether = instruments("coinbase", ("BTC/USD", "ETH/USD"))
    parser = adapter.parser(Market.SPOT, {one.venue_symbol: one for one in (bitcoin, ether)}.get, {})
    unreadable = b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1","x"]],"time":"2026-01-01T00:00:00Z"}'
    async with asyncio.timeout(DEADLINE_S), venues.client("coinbase", "/") as client:
        seen: list[int] = []

        async def read(until: Callable[[], bool]) -> None:
            while not until():
                frame = await client.data()
                quotes = parser.feed(frame)
                assert not quotes or defect(quotes[0]) is None
                seen.extend(quote.instrument_id for quote in quotes)

        await client.send(*adapter.subscribe([bitcoin, ether], wall_ms()))
        await read(lambda: len(set(seen)) == 2)
        with pytest.raises(BookLost):
            parser.feed(unreadable)
        seen.clear()
        await read(lambda: len(seen) >= 5)
        assert set(seen) == {ether.id}
        await client.send(*adapter.unsubscribe([bitcoin], wall_ms()), *adapter.subscribe([bitcoin], wall_ms()))
        await read(lambda: seen.count(bitcoin.id) >= 3)
