"""A URL as it may be shown, logged and written to tapes."""

import re
from functools import lru_cache


@lru_cache(maxsize=256)
def public_url(url: str) -> str:
    """Without user, password, query and fragment; also of a text that is no URL."""
    start, scheme_end, rest = url.partition("://")
    if not scheme_end:
        start, rest = "", url
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{start}{scheme_end}{place.rpartition('@')[2]}"
