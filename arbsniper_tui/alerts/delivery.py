"""What every way of delivery shares: its shape, and words that hold nothing secret."""

import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from arbsniper_tui.alerts.alert import Message

Deliver = Callable[[Message, str], Coroutine[Any, Any, None]]
"""Sends a message under its id, the same at each attempt. Raises NotDelivered."""

_SHORTEST_SECRET = 4


def scrubbed(words: str, *secrets: str) -> str:
    """Words of a server or a library, with every part of these secrets and addresses masked; what may be known is the
    scheme, and the host of a web page."""
    parts = {part for each in secrets for part in re.split(r"[/:@?&=#,]+", _secret_part(each))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            words = words.replace(part, "***")
    return words


def _secret_part(secret: str) -> str:
    scheme, _, rest = secret.partition("://")
    if scheme not in ("http", "https"):
        return rest or secret
    url = urlsplit(secret)
    return f"{url.netloc.rpartition('@')[0]}/{url.path}?{url.query}#{url.fragment}"
