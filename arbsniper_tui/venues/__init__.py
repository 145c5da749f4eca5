"""The venues: one file of declarations and one pure parser each."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import urlsplit

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.binance import Binance
from arbsniper_tui.venues.bitget import Bitget
from arbsniper_tui.venues.bitmex import Bitmex
from arbsniper_tui.venues.bybit import Bybit
from arbsniper_tui.venues.coinbase import Coinbase
from arbsniper_tui.venues.coindcx import Coindcx
from arbsniper_tui.venues.deribit import Deribit
from arbsniper_tui.venues.external import SCHEME, external, is_external_name
from arbsniper_tui.venues.gate import Gate
from arbsniper_tui.venues.kraken import Kraken
from arbsniper_tui.venues.kucoin import Kucoin
from arbsniper_tui.venues.mexc import Mexc
from arbsniper_tui.venues.okx import Okx
from arbsniper_tui.venues.phemex import Phemex

VENUES: Mapping[str, VenueAdapter] = MappingProxyType(
    {
        adapter.venue: adapter
        for adapter in (
            Binance(),
            Bitget(),
            Bitmex(),
            Bybit(),
            Coinbase(),
            Coindcx(),
            Deribit(),
            Gate(),
            Kraken(),
            Kucoin(),
            Mexc(),
            Okx(),
            Phemex(),
        )
    }
)
OPEN_VENUES = tuple(venue for venue, adapter in VENUES.items() if not adapter.closed)
"""The ids of those that run: the others are read from tapes alone."""

DEFAULT_VENUES = tuple(venue for venue in OPEN_VENUES if not any(each.relays for each in VENUES[venue].markets))
"""The venues that are on where no settings name any: those with books of their own."""


def is_external(venue: str) -> bool:
    """Whether this is the id of an exchange whose ticks another program sends: any that no venue here has."""
    return venue not in VENUES


def adapter_of(venue: str) -> VenueAdapter:
    """The adapter of a venue, or of an exchange from outside that is called so."""
    return VENUES.get(venue) or _external(venue)


_external = lru_cache(maxsize=64)(external)


def venue_of_url(url: str) -> tuple[str, tuple[Market, ...]]:
    """The venue id and the markets that a WebSocket URL belongs to; an empty id for a host that none declares. Of
    markets on one host its path tells, where it is the path of one."""
    parts = urlsplit(url)
    if parts.scheme == SCHEME and is_external_name(parts.netloc) and is_external(parts.netloc):
        return parts.netloc, tuple(Market)
    for adapter in VENUES.values():
        if at_host := [each for each in adapter.markets if (parts.hostname or "") in each.hosts]:
            on_path = [each for each in at_host if each.ws_path == parts.path]
            return adapter.venue, tuple(each.market for each in on_path or at_host)
    return "", ()
