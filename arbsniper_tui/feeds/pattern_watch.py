"""What patterns stand for, as the venues' lists arrive and change: instruments join and leave the feeds."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.universe.instruments import instruments_of
from arbsniper_tui.universe.names import told_multiple
from arbsniper_tui.universe.selection import Candidate, ListKey, Selection, candidates, select

_log = logging.getLogger(__name__)

_ENTRIES_AT_ONCE = 50
"""Less than a millisecond of work; quotes are read in between."""
_NAMES_LOGGED = 20


class PatternWatch:
    """The first venues whose lists have something in common begin while the others still load theirs."""

    def __init__(
        self, settings: Settings, markets: Mapping[ListKey, MarketFeeds], multipliers: Mapping[str, int]
    ) -> None:
        """`multipliers` is the user's, as FeedPlan has them. What the markets serve beside what is named was chosen by
        a watch before this one, and stays where these settings choose it too."""
        self._settings = settings
        self._multipliers = multipliers
        self._markets = markets
        # Those of exchanges from outside are among them, and in no market.
        self._named = instruments_of(settings)
        self._found: dict[ListKey, list[Candidate]] = {}
        self._changed: set[ListKey] = set()
        self._is_due = asyncio.Event()
        served = {i: each for market in markets.values() for i, each in market.instruments.items()}
        self._chosen = served.keys() - {each.id for each in self._named}
        self._rates = {rate.id for each in served.values() for rate in each.rates}
        self._left_out: dict[str, tuple[str, ...]] = {}
        self._notes: dict[ListKey, Callable[[], None]] = {}
        for key, market in markets.items():
            note = self._notes[key] = partial(self._note, key)
            market.list.on_list.append(note)
            if market.list.listed.is_set():
                note()

    def leave(self) -> None:
        """Hear no more of the lists."""
        for key, note in self._notes.items():
            self._markets[key].list.on_list.remove(note)

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
        rates = {rate.id for each in selection.instruments for rate in each.rates}
        for is_rate in (True, False):
            for key, market in self._markets.items():
                there = market.instruments.keys() | named
                come = [
                    told_multiple(each, self._multipliers)
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
