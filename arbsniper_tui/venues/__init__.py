"""The venues: one file of declarations and one pure parser each."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.binance import Binance
from arbsniper_tui.venues.coinbase import Coinbase
from arbsniper_tui.venues.kraken import Kraken
from arbsniper_tui.venues.kucoin import Kucoin
from arbsniper_tui.venues.okx import Okx

VENUES: Mapping[str, VenueAdapter] = MappingProxyType(
    {adapter.venue: adapter for adapter in (Binance(), Coinbase(), Kraken(), Kucoin(), Okx())}
)


def venue_of_url(url: str) -> tuple[str, tuple[Market, ...]]:
    """The venue id and the markets that a WebSocket URL belongs to; an empty id for a host that none declares."""
    host = urlsplit(url).hostname or ""
    for adapter in VENUES.values():
        if markets := tuple(declared.market for declared in adapter.markets if host in declared.hosts):
            return adapter.venue, markets
    return "", ()
