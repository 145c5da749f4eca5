"""The slow facts of simulated perpetuals: what an adapter subscribes or asks for is told, and can be read."""

import asyncio
import urllib.request

import pytest

from arbsniper_tui.model.fact import Fact, Funding, FundingInterval, Mark, OpenInterest, is_sound
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Ready, Reply, VenueAdapter, VenueMarket
from arbsniper_tui.venues.listing import Listing

from .conftest import DEADLINE_S, Venues

TOLD = [(venue, declared) for venue, adapter in VENUES.items() for declared in adapter.markets if declared.facts]


class Asking:
    """One market's facts of BTC and ETH, as a feed asks for them."""

    def __init__(self, venues: Venues, venue: str, declared: VenueMarket) -> None:
        self.venues, self.venue, self.declared = venues, venue, declared
        self.adapter: VenueAdapter = VENUES[venue]
        listed = [each for each in list_instruments(SimPlan()) if (each.venue, each.market) == (venue, declared.market)]
        self.wanted = [
            Instrument(number, venue, each.symbol, each.venue_symbol, "USDT", 0.1)
            for number, each in enumerate(each for each in listed if each.base in ("BTC", "ETH"))
        ]
        self.by_name = {each.venue_symbol: each for each in self.wanted}
        self.told: dict[tuple[int, type[Fact]], Fact] = {}

    def take(self, facts: object) -> None:
        for fact in facts:  # type: ignore[attr-defined]  # a list of asides or of facts
            if isinstance(fact, Funding | FundingInterval | Mark | OpenInterest):
                assert is_sound(fact)
                self.told[fact.instrument_id, type(fact)] = fact

    async def get(self, path: str) -> bytes:
        def read() -> bytes:
            with urllib.request.urlopen(self.venues.url(self.venue, path, "http"), timeout=DEADLINE_S) as response:
                body: bytes = response.read()
                return body

        return await asyncio.to_thread(read)

    async def ask(self) -> None:
        listings = self.adapter.parse_listings(await self.get(self.declared.list_path))
        source = self.declared.facts
        assert source is not None
        paths = [source.path] if source.path else []
        paths += [source.path_each.replace("$symbol", each.venue_symbol) for each in self.wanted if source.path_each]
        for path in paths:
            self.take(self.adapter.parse_facts(await self.get(path), self.by_name.get, listings))
        if source.subscription is not None:
            await self.listen(source.ws_path or self.declared.ws_path, listings)

    async def listen(self, target: str, listings: dict[str, Listing]) -> None:
        parser = self.adapter.parser(self.declared.market, self.by_name.get, listings)
        connecting = self.venues.client(self.venue, target, self.declared.headers)
        async with asyncio.timeout(DEADLINE_S), connecting as client:
            await client.send(*self.declared.opening)
            if not self.declared.greets:
                await client.send(*self.adapter.subscribe_facts(self.wanted))
            while not all((each.id, kind) in self.told for each in self.wanted for kind in (Funding, Mark)):
                assert list(parser.feed(await client.data())) == []
                self.take(parser.asides)
                for aside in parser.asides:
                    if isinstance(aside, Reply):
                        await client.send(aside.text)
                    elif isinstance(aside, Ready):
                        await client.send(*self.adapter.subscribe_facts(self.wanted))
                parser.asides.clear()


@pytest.mark.parametrize(("venue", "declared"), TOLD, ids=[venue for venue, _ in TOLD])
async def test_funding_and_mark_of_each_perpetual_are_told(venues: Venues, venue: str, declared: VenueMarket) -> None:
    asking = Asking(venues, venue, declared)
    await asking.ask()
    for each in asking.wanted:
        price = {"BTC": 64_000.0, "ETH": 3_200.0}[parse_symbol(each.symbol).base]
        funding, mark = asking.told[each.id, Funding], asking.told[each.id, Mark]
        assert isinstance(funding, Funding)
        assert isinstance(mark, Mark)
        assert mark.mark == pytest.approx(price, rel=0.02)
        assert mark.index is None or mark.index == pytest.approx(price, rel=0.02)
        assert abs(funding.rate_pct) < 0.05
        interval = asking.told.get((each.id, FundingInterval))
        hours = funding.interval_h or (interval.hours if isinstance(interval, FundingInterval) else None)
        assert hours in (4.0, 8.0, None)
        interest = asking.told.get((each.id, OpenInterest))
        if isinstance(interest, OpenInterest):
            assert interest.coins * price == pytest.approx(40e6, rel=0.05)


async def test_binance_tells_marks_on_the_path_of_slow_streams_alone(venues: Venues) -> None:
    async with venues.client("binance", "/public/ws") as client:
        await client.send({"method": "SUBSCRIBE", "params": ["btcusdt@markPrice", "ethusdt@bookTicker"], "id": 1})
        assert {(await client.first(lambda frame: "s" in frame))["s"] for _ in range(20)} == {"ETHUSDT"}
    async with venues.client("binance", "/market/ws") as client:
        await client.send({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "ethusdt@markPrice"], "id": 1})
        assert (await client.first(lambda frame: "s" in frame))["e"] == "markPriceUpdate"
    assert await venues.refusal("binance", "/fapi/v1/openInterest?symbol=NOSUCH") == 404


def test_each_venue_with_perpetuals_says_where_their_facts_come_from() -> None:
    silent = {venue for venue, adapter in VENUES.items() if (perp := adapter.market(Market.PERP)) and not perp.facts}
    assert silent <= {"bitmex"}, "bitmex is closed"
