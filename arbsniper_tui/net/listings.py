"""A venue's list of instruments, fetched until it is had."""

import asyncio
import logging
import random
from collections.abc import Callable

from arbsniper_tui.model.errors import FrameError, RestError
from arbsniper_tui.net.backoff import delays_s
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import Listing, VenueAdapter

_log = logging.getLogger(__name__)

OnList = Callable[[dict[str, Listing], bytes], None]
"""The list by the venue's own symbols, and the body it was read from."""
OnFailure = Callable[[str], None]


async def keep_fetching(adapter: VenueAdapter, url: str, on_list: OnList, on_failure: OnFailure) -> None:
    """GET the list, waiting longer after each failure; returns when it is had."""
    for delay_s in delays_s(random.Random()):
        try:
            body = await fetch(url)
            listings = adapter.parse_listings(body)
        except (RestError, FrameError) as error:
            on_failure(str(error))
        else:
            _log.info("%s: %d instruments listed by %s", adapter.venue, len(listings), url)
            on_list(listings, body)
            return
        await asyncio.sleep(delay_s)
