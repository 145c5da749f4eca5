"""What patterns stand for, as the venues' lists arrive and change: instruments join and leave the feeds."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.universe.selection import Candidate, ListKey, Selection, candidates, select

_log = logging.getLogger(__name__)

_ENTRIES_AT_ONCE = 50
"""Less than a millisecond of work; quotes are read in between."""
_NAMES_LOGGED = 20


class PatternWatch:
    """The first venues whose lists have something in common begin while the others still load theirs."""

    def __init__(self, settings: Settings, markets: Mapping[ListKey, MarketFeeds]) -> None:
        self._settings = settings
        self._markets = markets
        self._named = tuple(each for market in markets.values() for each in market.spec.instruments)
        self._found: dict[ListKey, list[Candidate]] = {}
        self._changed: set[ListKey] = set()
        self._is_due = asyncio.Event()
        self._chosen: set[int] = set()
        self._rates: set[int | None] = set()
        self._left_out: dict[str, tuple[str, ...]] = {}
        for key, market in markets.items():
            market.list.on_list.append(partial(self._note, key))

    def _note(self, key: ListKey) -> None:
        self._changed.add(key)
        self._is_due.set()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            changed, self._changed = self._changed, set()
            for key in changed:
                self._found[key] = await self._look_through(key)
            selection = select(self._settings, self._found, self._chosen, self._named)
            await self._apply(selection)

    async def _look_through(self, key: ListKey) -> list[Candidate]:
        found = []
        listings = dict(self._markets[key].list.listings)
        for number, candidate in enumerate(candidates(self._settings, key, listings)):
            if candidate is not None:
                found.append(candidate)
            if number % _ENTRIES_AT_ONCE == 0:
                await asyncio.sleep(0)
        return found

    async def _apply(self, selection: Selection) -> None:
        """Bring the feeds in line with it. The markets of rates come first and go last, since others rest on them."""
        wanted = {each.id: each for each in selection.instruments}
        named = {each.id for each in self._named}
        rates = {each.rate_id for each in selection.instruments}
        for is_rate in (True, False):
            for key, market in self._markets.items():
                there = market.instruments.keys() | named
                come = [
                    each
                    for each in selection.instruments
                    if (each.venue, each.market) == key and each.id not in there and (each.id in rates) is is_rate
                ]
                if come:
                    market.add(come)
                    await asyncio.sleep(0)
        for is_rate in (False, True):
            for market in self._markets.values():
                there = market.instruments.keys() & self._chosen
                if gone := [i for i in there if i not in wanted and (i in self._rates) is is_rate]:
                    market.remove(gone)
        self._rates = rates
        self._chosen = wanted.keys() - named
        if selection.left_out != self._left_out:
            self._left_out = selection.left_out
            _log.info("patterns: %s", selection.in_words)
            for why, names in selection.left_out.items():
                more = f" and {len(names) - _NAMES_LOGGED} more" if len(names) > _NAMES_LOGGED else ""
                _log.info("patterns: left out, %s: %s%s", why, ", ".join(names[:_NAMES_LOGGED]), more)
