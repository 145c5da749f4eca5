"""A URL as it may stand on a tape, which people hand to each other."""

from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=256)
def public_url(url: str) -> str:
    """Without user, password, query and fragment: the host tells the venue, and the rest may be a secret."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url.partition("?")[0].partition("#")[0]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
