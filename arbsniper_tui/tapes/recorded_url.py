"""A URL as it stands on a tape, which people hand to each other."""

from functools import lru_cache
from urllib.parse import urlsplit

from arbsniper_tui.model.public_url import public_url
from arbsniper_tui.venues import VENUES


@lru_cache(maxsize=256)
def recorded_url(url: str, venue: str) -> str:
    """Scheme, host, port, and the path that the venue's adapter declares. What the settings put before that path, such
    as the key of a gateway, is left out."""
    public = public_url(url)
    scheme, scheme_end, place = public.partition("://")
    host, slash, rest = place.partition("/")
    path = next((declared for declared in _paths(venue) if f"{slash}{rest}".endswith(declared)), "")
    return f"{scheme}{scheme_end}{host}{path}"


def _paths(venue: str) -> list[str]:
    """The longest first."""
    adapter = VENUES.get(venue)
    markets = adapter.markets if adapter is not None else ()
    paths = {urlsplit(path).path for market in markets for path in (market.ws_path, market.list_path)}
    return sorted(paths, key=len, reverse=True)
