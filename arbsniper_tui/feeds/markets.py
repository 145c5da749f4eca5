"""All markets of a feed worker: they begin, change and end with its plan; what stays keeps its connections."""

import asyncio
from collections.abc import Collection
from urllib.parse import urlsplit

from msgspec.structs import replace

from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.feeds.outlet import Outlet
from arbsniper_tui.feeds.pattern_watch import PatternWatch
from arbsniper_tui.feeds.plan import FeedPlan
from arbsniper_tui.feeds.recorder import Recorder
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.universe.selection import ListKey
from arbsniper_tui.venues import VENUES

_MOVED = Reason(ReasonCode.DISCONNECTED, words="its settings have changed")


class Markets:
    """Rates come before what they convert, and go after it: the deciding process takes them in no other order."""

    def __init__(self, plan: FeedPlan, outlet: Outlet, backlog: Backlog, recorder: Recorder | None) -> None:
        self._plan = plan
        self._outlet = outlet
        self._backlog = backlog
        self._recorder = recorder
        self._timings = FeedTimings(max_quote_age_s=plan.max_quote_age_ms / 1000)
        self._limits: dict[str, VenueLimits] = {}
        self.by_key: dict[ListKey, MarketFeeds] = {_key(spec): self._made(spec) for spec in plan.feeds}
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[ListKey, asyncio.Task[None]] = {}
        self._watch: PatternWatch | None = None
        self._watching: asyncio.Task[None] | None = None
        self.has_ended_some = False
        """Whether markets have ended whose memory can be had back. Whoever sees to that clears it."""
        if plan.changed is not None:
            outlet.change_instruments(plan.changed.added, plan.changed.removed)

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for key in self.by_key:
                self._begin(key)
            self._begin_watch()
            await asyncio.Event().wait()

    def change(self, plan: FeedPlan) -> None:
        """Work by this plan from now on. A market that differs in more than its instruments is connected to anew."""
        self._end_watch()
        self._plan = plan
        self._timings.max_quote_age_s = plan.max_quote_age_ms / 1000
        if self._recorder is not None:
            self._recorder.settings = plan.recorded_settings
        specs = {_key(spec): spec for spec in plan.feeds}
        self._remove(specs)
        for key in self.by_key.keys() - specs.keys():
            self._end(key)
        for key, spec in specs.items():
            market = self.by_key.get(key)
            if market is None:
                self.by_key[key] = self._made(replace(spec, instruments=()))
                self._begin(key)
            elif _without_instruments(spec) != _without_instruments(market.spec):
                self._end(key)
                self._limits_of(spec).most = spec.connections
                self.by_key[key] = self._made(replace(spec, instruments=tuple(market.instruments.values())))
                self._begin(key)
        self._add(specs)
        self._begin_watch()
        self._outlet.health_changed()

    def _remove(self, specs: dict[ListKey, FeedSpec]) -> None:
        """What is not wanted any more. Patterns may want what is not named: the next watch sees to that."""
        served = {i: each for market in self.by_key.values() for i, each in market.instruments.items()}
        rates = {rate.id for each in served.values() for rate in each.rates}
        for is_rate in (False, True):
            for key, market in self.by_key.items():
                if key in specs and self._plan.patterns is not None:
                    continue
                wanted = _names(specs[key].instruments) if key in specs else set()
                gone = [i for i, each in market.instruments.items() if each.symbol.casefold() not in wanted]
                if gone := [i for i in gone if (i in rates) is is_rate]:
                    market.remove(gone)

    def _add(self, specs: dict[ListKey, FeedSpec]) -> None:
        rates = {rate.id for spec in specs.values() for each in spec.instruments for rate in each.rates}
        for is_rate in (True, False):
            for key, spec in specs.items():
                market = self.by_key[key]
                served = _names(market.instruments.values())
                come = [each for each in spec.instruments if each.symbol.casefold() not in served]
                if come := [each for each in come if (each.id in rates) is is_rate]:
                    market.add(come)

    def _made(self, spec: FeedSpec) -> MarketFeeds:
        adapter = VENUES[spec.venue]
        of_host, timings = self._limits_of(spec), self._timings
        return MarketFeeds(spec, adapter, self._outlet, self._backlog, timings, of_host, self._recorder)

    def _limits_of(self, spec: FeedSpec) -> VenueLimits:
        declared = VENUES[spec.venue].market(spec.market)
        assert declared is not None, f"{spec.venue} has no {spec.market} market"
        host = urlsplit(spec.ws_url).netloc
        return self._limits.setdefault(host, VenueLimits(declared.limits, spec.connections))

    def _begin(self, key: ListKey) -> None:
        if self._group is not None:
            self._tasks[key] = self._group.create_task(self.by_key[key].run(), name=self.by_key[key].spec.name)

    def _end(self, key: ListKey) -> None:
        self.by_key.pop(key).close(_MOVED)
        self.has_ended_some = True
        if (task := self._tasks.pop(key, None)) is not None:
            task.cancel()

    def _begin_watch(self) -> None:
        if self._plan.patterns is not None and self._group is not None:
            self._watch = PatternWatch(self._plan.patterns, dict(self.by_key), self._plan.multipliers)
            self._watching = self._group.create_task(self._watch.run(), name="patterns")

    def _end_watch(self) -> None:
        if self._watch is not None and self._watching is not None:
            self._watch.leave()
            self._watching.cancel()
            self._watch = self._watching = None


def _key(spec: FeedSpec) -> ListKey:
    return spec.venue, spec.market


def _without_instruments(spec: FeedSpec) -> FeedSpec:
    return replace(spec, instruments=())


def _names(instruments: Collection[Instrument]) -> set[str]:
    """A venue may list a symbol in other letters than it was asked for, and the instrument goes by those then."""
    return {each.symbol.casefold() for each in instruments}
