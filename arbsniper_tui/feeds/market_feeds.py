"""One market of a venue: its list, and its instruments spread over as many connections as they need and may have."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import structs

from arbsniper_tui.feeds.fact_feed import FactFeed
from arbsniper_tui.feeds.fact_outlet import FACTS_AT_ONCE
from arbsniper_tui.feeds.feed import Feed
from arbsniper_tui.feeds.outlet import Outlet, Recording
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.feeds.venue_list import VenueList
from arbsniper_tui.model.fact import CoinName, OrderLimits
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument, InstrumentChange
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.universe.names import listed_as
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.sizes import order_limits

_NAMES_AT_ONCE = 100


class MarketFeeds:
    """Instruments come and go while it runs. What the venue's connections have no room for is left out, and said."""

    def __init__(
        self,
        spec: FeedSpec,
        adapter: VenueAdapter,
        outlet: Outlet,
        backlog: Backlog,
        timings: FeedTimings,
        limits: VenueLimits,
        recording: Recording | None = None,
    ) -> None:
        self.spec = spec
        on_listing = recording.listings_of(spec) if recording is not None else None
        self.list = VenueList(adapter, spec.market, spec.list_url, timings, on_listing)
        self._adapter = adapter
        self._outlet = outlet
        self._backlog = backlog
        self._timings = timings
        self._limits = limits
        self._recording = recording
        self._on_change = recording.changes_of(spec) if recording is not None else None
        self._numbers = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.feeds: list[Feed] = []
        self._ended = FeedHealth(spec.name, spec.venue, FeedState.DOWN)
        """What the connections that were closed for good have counted; of connects those after the first of each."""
        self._left_out: dict[int, Instrument] = {}
        self.gone: set[int] = set()
        """The instruments that were served, and are not any more."""
        self._limits_told: dict[int, OrderLimits] = {}
        self._names: dict[int, CoinName] = {}
        """What the venue calls the coins, as last told."""
        self.list.on_list += [self._take_names, self._tell_order_limits]
        self._place(spec.instruments)
        self._facts: FactFeed | None = None
        if spec.facts_ws_url or spec.facts_url:
            self._facts = FactFeed(spec, adapter, outlet, backlog, timings, self.list, limits, recording)

    @property
    def instruments(self) -> dict[int, Instrument]:
        """By id, those that are served and those there is no room for."""
        return {each.id: each for feed in self.feeds for each in feed.spec.instruments} | self._left_out

    @property
    def superseded(self) -> int:
        """Quotes that a newer one of the same read replaced."""
        return self._ended.conflated + sum(feed.counts.superseded for feed in self.feeds)

    def health(self) -> tuple[FeedHealth, ...]:
        """Of each connection; the first one also counts for those that were closed for good, and says why slow facts do
        not come, the last one names what there is no room for."""
        healths = [feed.health() for feed in self.feeds] or [self._idle()]
        healths[0] = _counting_for(healths[0], self._ended)
        if self._facts is not None:
            healths[0] = structs.replace(healths[0], facts=self._facts.trouble)
        if self._left_out:
            more = dict.fromkeys((each.symbol for each in self._left_out.values()), self._no_room())
            healths[-1] = structs.replace(healths[-1], rejected=healths[-1].rejected | more)
        return tuple(healths)

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(self.list.run())
            if self._facts is not None:
                self._group.create_task(self._facts.run(), name=f"{self.spec.name} facts")
            for feed in self.feeds:
                self._begin(feed)

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Serve these as well."""
        self.gone.difference_update(each.id for each in instruments)
        self._tell(InstrumentChange(added=tuple(instruments)))
        self._tell_names(instruments)
        self._place(instruments)
        self._tell_order_limits()
        if self._facts is not None:
            self._facts.add(instruments)

    def close(self, reason: Reason) -> None:
        """Withdraw what it serves and end its connections: it is not run any more."""
        if served := tuple(self.instruments):
            self._outlet.withdraw(Withdrawal(served, reason), now_ns())
        for feed in tuple(self.feeds):
            self._end(feed)
        if self._facts is not None:
            self._facts.close()

    def remove(self, instrument_ids: Collection[int]) -> None:
        """Serve these no more. A connection that carries nothing any more is closed."""
        self.gone.update(instrument_ids)
        for i in instrument_ids:
            self._left_out.pop(i, None)
            self._limits_told.pop(i, None)
            self._names.pop(i, None)
        if self._facts is not None:
            self._facts.remove(instrument_ids)
        for feed in tuple(self.feeds):
            feed.remove(instrument_ids)
            if not feed.spec.instruments:
                self._end(feed)
        self._tell(InstrumentChange(removed=tuple(instrument_ids)))
        waiting, self._left_out = tuple(self._left_out.values()), {}
        self._place(waiting)

    def _tell(self, change: InstrumentChange) -> None:
        self._outlet.change_instruments(change.added, change.removed)
        if self._on_change is not None:
            self._on_change(change)

    def _place(self, instruments: Sequence[Instrument]) -> None:
        """Put instruments on connections that have room, then on new ones, as long as the venue takes more."""
        left = list(instruments)
        most = self.spec.per_connection
        for feed in self.feeds:
            if room := most - len(feed.spec.instruments):
                if fit := left[:room]:
                    feed.add(fit)
                left = left[room:]
        while left and self._limits.claim():
            self._open(left[:most])
            left = left[most:]
        if left:
            self._left_out |= {each.id: each for each in left}
            self._outlet.withdraw(Withdrawal(tuple(each.id for each in left), self._no_room()), now_ns())

    def _open(self, instruments: Sequence[Instrument]) -> None:
        self._numbers += 1
        name = self.spec.name if self._numbers == 1 else f"{self.spec.name} {self._numbers}"
        feed = Feed(
            structs.replace(self.spec, name=name, instruments=tuple(instruments)),
            self._adapter,
            self._outlet,
            self._backlog,
            self._timings,
            self.list,
            self._limits,
            self._recording,
        )
        self.feeds.append(feed)
        if self._group is not None:
            self._begin(feed)

    def _begin(self, feed: Feed) -> None:
        assert self._group is not None, "only what runs begins feeds"
        self._tasks[feed.spec.name] = self._group.create_task(feed.run(), name=feed.spec.name)

    def _end(self, feed: Feed) -> None:
        self.feeds.remove(feed)
        ended = feed.health()
        again = max(0, ended.connects - 1)
        self._ended = _counting_for(self._ended, structs.replace(ended, connects=again))
        feed.leave()
        if (task := self._tasks.pop(feed.spec.name, None)) is not None:
            task.cancel()
        self._limits.release()

    def _idle(self) -> FeedHealth:
        """Of a market that serves nothing yet."""
        words = "waiting for the venue's list of instruments"
        if self._left_out:
            words = reason_words(self._no_room())
        elif self.list.listed.is_set():
            words = f"listed {len(self.list.listings)}, none of them is asked for and on enough venues"
        # Connections made again are those after the first: there was one, where it has heard something.
        connects = int(self._ended.frames > 0)
        return FeedHealth(self.spec.name, self.spec.venue, FeedState.LISTING, words, (), connects=connects)

    def _no_room(self) -> Reason:
        return Reason(ReasonCode.NO_ROOM, measured=self._limits.most, bound=self.spec.per_connection)

    def _tell_order_limits(self) -> None:
        """Tell what orders the venue takes by its list, where that has changed."""
        found = [
            limits
            for each in self.instruments.values()
            if (listing := self.list.listings.get(each.venue_symbol)) is not None
            and (limits := order_limits(listing, each)) is not None
            and limits != self._limits_told.get(each.id)
        ]
        self._limits_told |= {each.instrument_id: each for each in found}
        for start in range(0, len(found), FACTS_AT_ONCE):
            self._outlet.facts(found[start : start + FACTS_AT_ONCE], now_ns())

    def _take_names(self) -> None:
        """Take each instrument under the name that the venue lists it by, such as PEPE as 1000PEPE."""
        changed: dict[int, Instrument] = {}
        for instrument in self.instruments.values():
            listed = listed_as(self._adapter, instrument, self.list.listings)
            if listed != instrument:
                changed[instrument.id] = listed
        if changed:
            self.remove(changed.keys())
            self.add(tuple(changed.values()))
        self._tell_names(tuple(self.instruments.values()))

    def _tell_names(self, instruments: Sequence[Instrument]) -> None:
        """What the list calls their coins, where that is news."""
        listed = ((each.id, self.list.listings.get(each.venue_symbol)) for each in instruments)
        names = [
            CoinName(i, of.coin_name, of.contract)
            for i, of in listed
            if of is not None and (of.coin_name or of.contract)
        ]
        news = [each for each in names if self._names.get(each.instrument_id) != each]
        self._names |= {each.instrument_id: each for each in news}
        for start in range(0, len(news), _NAMES_AT_ONCE):
            self._outlet.facts(news[start : start + _NAMES_AT_ONCE], now_ns())


def _counting_for(one: FeedHealth, other: FeedHealth) -> FeedHealth:
    """The first with what the other has counted as well: the counts of a market never go back."""
    return structs.replace(
        one,
        connects=one.connects + other.connects,
        frames=one.frames + other.frames,
        quotes=one.quotes + other.quotes,
        bytes=one.bytes + other.bytes,
        dropped=dict(Counter(one.dropped) + Counter(other.dropped)),
        conflated=one.conflated + other.conflated,
    )
