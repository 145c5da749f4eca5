"""A venue's list of instruments: fetched until it arrives, and then kept up to date."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from typing import NoReturn

from arbsniper_tui.model.errors import FrameError, RestError
from arbsniper_tui.model.public_url import public_url
from arbsniper_tui.net.backoff import JITTER
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.listing import Listing

_log = logging.getLogger(__name__)


OnList = Callable[[dict[str, Listing], bytes], None]
"""The list by the venue's own symbols, and the body it was read from."""
OnFailure = Callable[[str], None]
Waits = Callable[[random.Random], Iterator[float]]
"""Makes the waits between two attempts, in seconds."""


def refreshes_s(rng: random.Random, every_s: float) -> Iterator[float]:
    """`every_s`, each time shortened or lengthened by up to a fifth, so that feeds do not ask all at once."""
    while True:
        yield every_s * (1.0 + rng.uniform(-JITTER, JITTER))


async def keep_listed(
    adapter: VenueAdapter,
    url: str,
    on_list: OnList,
    on_failure: OnFailure,
    *,
    retries_s: Waits,
    refreshes_s: Waits,
) -> NoReturn:
    """GET the list for ever: after a failure it waits as `retries_s` says, after a list as `refreshes_s` says.

    A list that holds no instrument, or that the venue itself calls an error, is a failure.
    """
    rng = random.Random()
    refreshes, retries = refreshes_s(rng), retries_s(rng)
    had: dict[str, Listing] = {}
    while True:
        try:
            body = await fetch(url)
            # On the loop: a thread would hold the GIL just the same, and block the loop for longer.
            listings = adapter.parse_listings(body)
        except (RestError, FrameError) as error:
            on_failure(str(error))
            wait_s = next(retries)
        else:
            level = logging.DEBUG if listings == had else logging.INFO
            _log.log(level, "%s: %d instruments listed by %s", adapter.venue, len(listings), public_url(url))
            had = listings
            on_list(listings, body)
            wait_s, retries = next(refreshes), retries_s(rng)
        await asyncio.sleep(wait_s)
