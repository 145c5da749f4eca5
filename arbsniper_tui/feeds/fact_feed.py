"""The slow facts of a market's perpetuals, on connections of their own and by REST, so that no quote waits for them."""

import asyncio
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from string import Template
from typing import NoReturn

from msgspec.structs import replace

from arbsniper_tui.feeds.fact_adapter import FactAdapter
from arbsniper_tui.feeds.fact_outlet import FactOutlet
from arbsniper_tui.feeds.feed import Feed
from arbsniper_tui.feeds.outlet import Outlet, Recording
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.feeds.venue_list import VenueList
from arbsniper_tui.feeds.venue_reader import told_of_one_coin
from arbsniper_tui.model.errors import FrameError, RestError
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.backoff import JITTER, delays_s
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.venues.base import VenueAdapter

_READ_AT_ONCE = 50
"""Facts of an answer that are read between two looks at the connections, some 0.2 ms: quotes share the loop."""


class FactFeed:
    """Never ends by itself. Whether facts come changes nothing in the feed of the quotes but the words of `trouble`."""

    def __init__(
        self,
        spec: FeedSpec,
        adapter: VenueAdapter,
        outlet: Outlet,
        backlog: Backlog,
        timings: FeedTimings,
        venue_list: VenueList,
        limits: VenueLimits,
        recording: Recording | None = None,
    ) -> None:
        """`spec` is the market's, with all its instruments; others keep `venue_list` up to date."""
        declared = adapter.market(spec.market)
        assert declared is not None, f"{spec.venue} has no {spec.market} market"
        # Other hosts serve quotes; whether they serve the path of facts is not known.
        others = spec.other_ws_urls if spec.facts_ws_url == spec.ws_url else ()
        name, ws_url = f"{spec.name} facts", spec.facts_ws_url
        self.spec = replace(spec, name=name, ws_url=ws_url, other_ws_urls=others, facts_only=True)
        self._adapter = adapter
        self._declared = declared
        self._list = venue_list
        self._limits = limits
        self._outlet = FactOutlet(outlet)
        self._backlog = backlog
        patience_s = timings.facts_within_s
        self._timings = replace(
            timings,
            first_data_within_s=patience_s,
            silent_after_s=patience_s,
            resubscribe_after_s=max(patience_s, timings.resubscribe_after_s),
        )
        self._recording = recording
        self._instruments: dict[int, Instrument] = {}
        self._streams: list[Feed] = []
        self._group: asyncio.TaskGroup | None = None
        self._rest_troubles: dict[str, str] = {}
        self._left_out: set[int] = set()
        self._place(spec.instruments)

    @property
    def trouble(self) -> str:
        """Why there are no facts, or not all of them, in words; empty while they come."""
        for stream in self._streams:
            health = stream.health()
            if health.state is not FeedState.LIVE and health.instrument_ids:
                return health.detail or str(health.state)
        if self._left_out:
            return f"no room for {len(self._left_out)} instruments on the connections that the venue takes"
        return next((words for words in self._rest_troubles.values() if words), "")

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Ask for the facts of these as well."""
        self._place(instruments)

    def remove(self, instrument_ids: Collection[int]) -> None:
        """Ask for the facts of these no more."""
        for i in instrument_ids:
            self._instruments.pop(i, None)
        self._left_out.difference_update(instrument_ids)
        for stream in self._streams:
            stream.remove([each.id for each in stream.spec.instruments if each.id in instrument_ids])
        self._outlet.forget(instrument_ids)

    def close(self) -> None:
        """Give back its connections: it is not run any more."""
        for stream in self._streams:
            stream.leave()
            self._limits.release()

    async def run(self) -> None:
        """Run until cancelled."""
        spec, source = self.spec, self._declared.facts
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(self._flush())
            for stream in self._streams:
                self._group.create_task(stream.run())
            if source is not None and spec.facts_url:
                self._group.create_task(self._poll(self._whole_url, source.every_s))
            if source is not None and spec.facts_each_url:
                urls = self._urls_of_each()
                self._group.create_task(self._poll(lambda: next(urls), source.each_every_s))

    def _place(self, instruments: Sequence[Instrument]) -> None:
        """Put instruments on streams that have room, then on new ones, as long as the venue takes more."""
        self._instruments |= {each.id: each for each in instruments}
        left = list(instruments) if self.spec.facts_ws_url else []
        most = self.spec.per_connection
        for stream in self._streams:
            room = most - len(stream.spec.instruments)
            if fit := left[:room]:
                stream.add(fit)
            left = left[room:]
        while left and self._limits.claim():
            stream = self._open(left[:most])
            self._streams.append(stream)
            if self._group is not None:
                self._group.create_task(stream.run())
            left = left[most:]
        self._left_out.update(each.id for each in left)

    def _open(self, instruments: Sequence[Instrument]) -> Feed:
        name = f"{self.spec.name} {len(self._streams) + 1}" if self._streams else self.spec.name
        spec = replace(self.spec, name=name, instruments=tuple(instruments))
        return Feed(
            spec,
            FactAdapter(self._adapter),
            self._outlet,
            self._backlog,
            self._timings,
            self._list,
            self._limits,
            self._recording,
        )

    async def _flush(self) -> NoReturn:
        while True:
            await asyncio.sleep(self._timings.facts_every_s)
            await self._outlet.flush()

    def _whole_url(self) -> str:
        return self.spec.facts_url if self._instruments else ""

    def _urls_of_each(self) -> Iterator[str]:
        """Of one instrument after the other, as far as the venue lists them; empty where it lists none."""
        url = Template(self.spec.facts_each_url)
        while True:
            listed = [name for each in self._instruments.values() if (name := each.venue_symbol) in self._list.listings]
            yield from [url.substitute(symbol=name) for name in listed] or [""]

    async def _poll(self, next_url: Callable[[], str], every_s: float) -> NoReturn:
        """Ask by REST for ever; an empty URL is a turn without a question."""
        rng, timings = random.Random(), self._timings
        # The list says what to ask for, and how large contracts are.
        with suppress(TimeoutError):
            within_s = None if self._declared.needs_list else timings.list_within_s
            await asyncio.wait_for(self._list.listed.wait(), within_s)
        while True:
            for retry_s in delays_s(rng, first_s=timings.first_retry_s, longest_s=timings.longest_retry_s):
                if await self._ask(next_url()):
                    break
                await asyncio.sleep(max(retry_s, min(every_s, timings.longest_retry_s)))
            await asyncio.sleep(every_s * (1.0 + rng.uniform(-JITTER, JITTER)))

    async def _ask(self, url: str) -> bool:
        """Whether the question was answered, or there was none."""
        if not url:
            return True
        path, asked_ns = url.partition("?")[0], now_ns()
        by_name = {each.venue_symbol: each for each in self._instruments.values()}
        multipliers = {each.id: each.multiplier for each in by_name.values() if each.multiplier != 1}
        told: list[Fact] = []
        try:
            body = await fetch(url)
            facts = self._adapter.parse_facts(body, by_name.get, self._list.listings)
            for number, fact in enumerate(facts, 1):
                if number % _READ_AT_ONCE == 0:
                    await asyncio.sleep(0)
                if sound := told_of_one_coin(fact, multipliers):
                    told.append(sound)
        except (RestError, FrameError) as error:
            self._tell(path, str(error))
            return False
        if self._recording is not None:
            self._recording.facts_of(self.spec)(url, body)
        self._tell(path, "")
        # The answer may be as old as the question.
        self._outlet.facts([fact for fact in told if fact.instrument_id in self._instruments], asked_ns)
        return True

    def _tell(self, path: str, words: str) -> None:
        if self._rest_troubles.get(path, "") != words:
            self._rest_troubles[path] = words
            self._outlet.health_changed()
