"""Reads the node as any viewer does, on a loop of its own: those who ask are given the newest state."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import islice

from arbsniper_tui.api.node_answers import NodeWord
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.model.view import Breakdown, NodeIntro, NodeStatus
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.runtime.process_reading import ProcessReading, read_processes
from arbsniper_tui.session import derived
from arbsniper_tui.session.health import NodeHealth, health_of, pids_of
from arbsniper_tui.session.snapshot import Changes, NodeSession, RouteKey, Snapshot
from arbsniper_tui.session.venue_rows import Venue, venues_of

NODE_TIME, NODE_RUN, NODE_EVENT = "Arbsniper-Time", "Arbsniper-Run", "Arbsniper-Event"
PULL_EVERY_S = 0.05
MOST_NAMED = 20
"""Routes whose breakdowns are asked of the node at the same time: the deciding process makes them for each view."""
_NAMED_WITHIN_S = 3.0


class NodeReader:
    """Implements Source: holds one session with a node."""

    def __init__(self, session: NodeSession, api: str | None = None) -> None:
        """`api`: where it is answered, as a URL."""
        self._session = session
        self._api = api
        self._pulled = asyncio.Event()
        self._waiting: dict[RouteKey, int] = {}
        """Routes whose breakdown is awaited, with by how many."""
        self._instruments: dict[int, Instrument] = {}
        self._followers: list[Callable[[Changes], None]] = []

    @property
    def latest(self) -> Snapshot:
        """The newest state, whether or not there is one."""
        return self._session.snapshot

    @property
    def snapshot(self) -> Snapshot:
        """The newest state. Raises Declined (503) while there is none, when the node does not answer any more, and
        where this process itself stood still: old prices must not pass for new ones."""
        snapshot = self._session.snapshot
        if snapshot.intro is None or snapshot.status is None:
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, "the node has not answered yet: try again in a second")
        if snapshot.lost_contact:
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, f"{snapshot.lost_contact}: see whether it runs")
        if snapshot.is_outdated:
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, "the API stood still itself: try again in a second")
        return snapshot

    @property
    def intro(self) -> NodeIntro:
        """Raises Declined as `snapshot` does."""
        intro = self.snapshot.intro
        assert intro is not None
        return intro

    @property
    def status(self) -> NodeStatus:
        """Raises Declined as `snapshot` does."""
        status = self.snapshot.status
        assert status is not None
        return status

    @property
    def instruments(self) -> dict[int, Instrument]:
        """Those watched, by id."""
        return self._instruments

    @property
    def clock_ms(self) -> float:
        """The node's. Raises Declined as `snapshot` does."""
        return self.status.clock_ms

    @property
    def open_opportunities(self) -> int:
        """Raises Declined as `snapshot` does."""
        return self.status.open_opportunities

    def headers(self) -> dict[str, str]:
        """The node's time and the number of its last event, as of the state that the answer is made from."""
        snapshot = self.latest
        if snapshot.intro is None or snapshot.status is None:
            return {}
        return {
            NODE_TIME: str(round(snapshot.status.clock_ms)),
            NODE_RUN: snapshot.intro.run,
            NODE_EVENT: str(snapshot.last_event),
        }

    async def signals(self, limit: int) -> list[Signal]:
        """Of the API's memory of past events, the newest first."""
        told = (event.signal for event in reversed(self.snapshot.events) if event.event in ("open", "update"))
        return list(islice((each for each in told if each is not None), limit))

    async def closes(self, since_ms: int) -> list[Signal]:
        """Of the API's memory of past events, the newest first."""
        closes = (event for event in reversed(self.snapshot.events) if event.event == "close")
        return [event.signal for event in closes if event.signal is not None and event.timestamp >= since_ms]

    def venues(self) -> list[Venue]:
        """Raises Declined as `snapshot` does."""
        return venues_of(self.snapshot, self.instruments)

    def nodes(self) -> list[NodeWord]:
        """This one. Raises Declined as `snapshot` does."""
        snapshot, intro, status = self.snapshot, self.intro, self.status
        health, _ = self.health()
        at_ms = round(status.clock_ms)
        return [
            NodeWord(intro.node, intro.run, intro.version, intro.mode, at_ms, snapshot.last_event, self._api, health)
        ]

    def health(self) -> tuple[NodeHealth, Mapping[int, ProcessReading]]:
        """The node's, as its newest state tells."""
        processes = read_processes(pids_of(self.latest))
        return health_of(self.latest, processes, wall_ms()), processes

    def elsewhere(self) -> None:
        """It answers everything itself."""

    def follow(self, take: Callable[[Changes], None]) -> None:
        """Call this after each pull from now on."""
        self._followers.append(take)

    async def read(self) -> None:
        """Take in what the node publishes, for ever."""
        while True:
            changes = self._session.pull()
            if changes.intro:
                self._instruments = derived.instruments_of(self.latest)
            for take in self._followers:
                take(changes)
            self._pulled.set()
            self._pulled.clear()
            await asyncio.sleep(PULL_EVERY_S)

    async def breakdown(self, key: RouteKey) -> Breakdown:
        """What each gate says of a route now. Raises Declined (429) where too many are asked for, and (503) where the
        node does not tell it in time."""
        if key not in self._waiting and len(self._waiting) >= MOST_NAMED:
            raise Declined(HTTPStatus.TOO_MANY_REQUESTS, f"{MOST_NAMED} breakdowns are awaited: ask again in a second")
        self._waiting[key] = self._waiting.get(key, 0) + 1
        self._session.name_routes(tuple(self._waiting))
        try:
            async with asyncio.timeout(_NAMED_WITHIN_S):
                # A breakdown that stands there already may be as old as the view before it was forgotten.
                while True:
                    await self._pulled.wait()
                    if found := self.snapshot.breakdowns.get(key):
                        return found
        except TimeoutError:
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, "the node did not tell it in time: try again") from None
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
                self._session.name_routes(tuple(self._waiting))
