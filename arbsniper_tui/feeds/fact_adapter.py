"""A venue's adapter as those connections see it that carry slow facts alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from msgspec.structs import replace

from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import Endpoint


class FactAdapter(VenueAdapter):
    """Subscribes facts in place of quotes; frames are read by the same parser."""

    markets: ClassVar[tuple[VenueMarket, ...]] = ()

    def __init__(self, adapter: VenueAdapter) -> None:
        self._adapter = adapter

    def market(self, market: Market) -> VenueMarket | None:
        declared = self._adapter.market(market)
        if declared is None or declared.facts is None or declared.facts.subscription is None:
            return None
        return replace(declared, subscription=declared.facts.subscription, seed_path="", sends_first_state=True)

    def subscribe(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        return self._adapter.subscribe_facts(instruments, wall_ms)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return self._adapter.parser(market, find, listings)

    def parse_endpoint(self, body: bytes) -> Endpoint:
        return self._adapter.parse_endpoint(body)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        raise AssertionError("the list is for the market to read")
