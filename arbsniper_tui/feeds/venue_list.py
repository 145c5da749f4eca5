"""A venue's list of instruments: fetched until it arrives, and then kept up to date."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NoReturn

from arbsniper_tui.feeds.outlet import OnListing
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.model.errors import FrameError, RestError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.public_url import public_url
from arbsniper_tui.net.backoff import JITTER, delays_s
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.listing import Listing

_log = logging.getLogger(__name__)

_MOST_PAGES = 100
_READ_AT_ONCE = 50
"""Entries of a list that are read between two looks at the connections, some 0.2 ms: quotes share the loop."""

OnList = Callable[[dict[str, Listing], Sequence[tuple[str, bytes]]], None]
"""The list by the venue's own symbols, and the pages it was read from, each with its URL."""
OnFailure = Callable[[str], None]
Waits = Callable[[random.Random], Iterator[float]]
"""Makes the waits between two attempts, in seconds."""


def refreshes_s(rng: random.Random, every_s: float) -> Iterator[float]:
    """`every_s`, each time shortened or lengthened by up to a fifth, so that feeds do not ask all at once."""
    while True:
        yield every_s * (1.0 + rng.uniform(-JITTER, JITTER))


class VenueList:
    """The list of one market, as all its connections share it."""

    def __init__(
        self,
        adapter: VenueAdapter,
        market: Market,
        url: str,
        timings: FeedTimings,
        on_listing: OnListing | None = None,
    ) -> None:
        """`on_listing` is told of each page of a list that is not the one before."""
        self._adapter = adapter
        self._market = market
        self._url = url
        self._timings = timings
        self._on_listing = on_listing
        self.listings: dict[str, Listing] = {}
        """By the venue's own symbols; filled and changed by `run`."""
        self.listed = asyncio.Event()
        """There is a list."""
        self.tried = asyncio.Event()
        """There is a list, or it could not be had at the first attempt."""
        self.on_list: list[Callable[[], None]] = []
        self.on_failure: list[OnFailure] = []

    async def run(self) -> None:
        """Keep the list up to date until cancelled."""
        timings = self._timings
        await keep_listed(
            self._adapter,
            self._market,
            self._url,
            self._take,
            self._fail,
            retries_s=partial(delays_s, first_s=timings.first_retry_s, longest_s=timings.longest_retry_s),
            refreshes_s=partial(refreshes_s, every_s=timings.refresh_list_s),
        )

    def _take(self, listings: dict[str, Listing], pages: Sequence[tuple[str, bytes]]) -> None:
        if self._on_listing is not None and listings != self.listings:
            for url, body in pages:
                self._on_listing(url, body)
        self.listings.clear()
        self.listings.update(listings)
        self.listed.set()
        for each in tuple(self.on_list):
            each()
        self.tried.set()

    def _fail(self, reason: str) -> None:
        for each in tuple(self.on_failure):
            each(reason)
        self.tried.set()


async def keep_listed(
    adapter: VenueAdapter,
    market: Market,
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
            pages = await _fetch_pages(adapter, market, url)
            listings = await _read_pages(adapter, pages)
        except (RestError, FrameError) as error:
            on_failure(str(error))
            wait_s = next(retries)
        else:
            level = logging.DEBUG if listings == had else logging.INFO
            _log.log(level, "%s: %d instruments listed by %s", adapter.venue, len(listings), public_url(url))
            had = listings
            on_list(listings, pages)
            wait_s, retries = next(refreshes), retries_s(rng)
        await asyncio.sleep(wait_s)


async def _fetch_pages(adapter: VenueAdapter, market: Market, url: str) -> list[tuple[str, bytes]]:
    """The pages of a list, each with its URL. Raises RestError and BadFrame."""
    pages: list[tuple[str, bytes]] = []
    declared = adapter.market(market)
    root = url.removesuffix(declared.list_path) if declared is not None else url
    while True:
        body = await fetch(url)
        pages.append((url, body))
        path = adapter.next_list_path(market, body)
        if not path:
            return pages
        if len(pages) == _MOST_PAGES:
            raise RestError(f"GET {public_url(url)}: a list of more than {_MOST_PAGES} pages")
        url = root + path


async def _read_pages(adapter: VenueAdapter, pages: Sequence[tuple[str, bytes]]) -> dict[str, Listing]:
    """All pages as one list. Raises BadFrame."""
    listings: dict[str, Listing] = {}
    for _, body in pages:
        # On the loop: a thread would hold the GIL just the same, and block the loop for longer.
        for number, (name, listing) in enumerate(adapter.read_listings(body), 1):
            listings[name] = listing
            if number % _READ_AT_ONCE == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
    return listings
