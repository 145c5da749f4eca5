"""What the clients of /v1/stream share: it turns each pull from the node into changes of the topics that somebody
reads."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

import msgspec
from msgspec.structs import replace

from arbsniper_tui.api.caller import Callers
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.prices import instruments_of, read_symbol
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.rate_limits import share_of, too_often
from arbsniper_tui.api.routes import Wanted as WantedRows
from arbsniper_tui.api.stream.event_topic import EventLog, EventTopic
from arbsniper_tui.api.stream.limits import Limits
from arbsniper_tui.api.stream.messages import (
    CloseCode,
    Wanted,
    WantedEvents,
    WantedHealth,
    WantedPrices,
    WantedRoutes,
    WantedSignals,
)
from arbsniper_tui.api.stream.rows import PriceRows, RouteRows
from arbsniper_tui.api.stream.topic import HealthTopic, PriceTopic, RouteTopic, StateTopic, Topic
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.runtime.process_reading import read_processes
from arbsniper_tui.session.health import health_of, pids_of
from arbsniper_tui.session.snapshot import Changes

HEALTH_EVERY_S = 1.0


class Reading(Protocol):
    """One client."""

    @property
    def holder(self) -> str:
        """Whose share it takes a place of."""

    def wake(self) -> None:
        """A topic of the client has changed."""

    def end(self, code: CloseCode, reason: str) -> None:
        """Close its connection."""

    def check_caller(self, callers: Callers) -> None:
        """Close its connection if its token is not valid any more."""


class Hub:
    """Holds the topics, by subscription, and who reads each of them."""

    def __init__(
        self, reader: NodeReader, callers: Callers, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.reader, self.callers, self.limits = reader, callers, limits
        self.clients: set[Reading] = set()
        self._clock = clock
        self._readers: dict[Topic, set[Reading]] = {}
        self._topics: dict[Wanted, Topic] = {}
        self._log = EventLog()
        self._prices = PriceRows(reader)
        self._price_ids: dict[Topic, set[int]] = {}
        """The instruments that each topic of prices shows."""
        self._routes = RouteRows(reader)
        self._health_due_s = self._check_due_s = 0.0
        reader.follow(self.take)

    def subscribe(self, client: Reading, wanted: Wanted) -> Topic:
        """The topic of this subscription, which was checked. Raises Declined (429) where there are too many."""
        topic = self._topics.get(wanted)
        if topic is None:
            if len(self._topics) >= self.limits.topics:
                found = f"{self.limits.topics} different subscriptions are read already"
                raise Declined(HTTPStatus.TOO_MANY_REQUESTS, f"{found}: expected one of these, or try again later")
            topic = self._topics[wanted] = self._make_topic(wanted)
        self._readers.setdefault(topic, set()).add(client)
        return topic

    def check_share(self, holder: str, address: str, but: Reading | None = None) -> None:
        """Raises Declined (429) where the clients of this holder, all `but` one, take its share of the places; how
        large that is depends on the address."""
        share = share_of(self.limits.clients, address)
        if sum(each.holder == holder for each in self.clients if each is not but) >= share:
            raise Declined(*too_often(1.0, f"{share} streams of {holder}"))

    def unsubscribe(self, client: Reading, topic: Topic) -> None:
        readers = self._readers[topic]
        readers.discard(client)
        if not readers:
            del self._readers[topic], self._topics[topic.of]
            self._price_ids.pop(topic, None)

    def checked(self, wanted: Wanted) -> Wanted:
        """A subscription with symbol and venue in their one spelling. Raises Declined (400, and 404 for what the node
        does not watch)."""
        if isinstance(wanted, WantedHealth):
            return wanted
        symbol = None if wanted.symbol is None else read_symbol(wanted.symbol)
        venue = None if wanted.venue is None else wanted.venue.lower()
        instruments_of(self.reader.instruments.values(), symbol, venue)
        return replace(wanted, symbol=symbol, venue=venue)

    def take(self, changes: Changes) -> None:
        """What a pull from the node has changed."""
        snapshot = self.reader.latest
        if changes.contact and snapshot.lost_contact:
            for client in list(self.clients):
                client.end(CloseCode.NODE_GONE, snapshot.lost_contact)
        if snapshot.intro is None or snapshot.status is None:
            return
        before = {topic: topic.number for topic in self._readers}
        self._log.run, self._log.time_ms = snapshot.intro.run, snapshot.status.clock_ms
        self._take_events(changes)
        self._take_rows(changes)
        for topic, number in before.items():
            if topic.number != number:
                for client in self._readers[topic]:
                    client.wake()
        if self._clock() >= self._check_due_s:
            self._check_due_s = self._clock() + self.limits.check_callers_every_s
            for client in list(self.clients):
                client.check_caller(self.callers)

    def _take_events(self, changes: Changes) -> None:
        snapshot, log = self.reader.latest, self._log
        topics = [each for each in self._readers if isinstance(each, EventTopic)]
        if gap := log.gap(snapshot.missed, snapshot.events_after):
            for topic in topics:
                topic.skip(gap)
        for event in changes.events:
            logged = log.add(event)
            for topic in topics:
                topic.take(logged)
        log.upto = max(log.upto, snapshot.events_upto)

    def _take_rows(self, changes: Changes) -> None:
        changed = self._prices.take(changes)
        are_routes_due = changes.routes or changes.intro
        if are_routes_due and any(isinstance(each, RouteTopic) for each in self._readers):
            self._routes.take()
        is_health_due = self._clock() >= self._health_due_s
        if is_health_due:
            self._health_due_s = self._clock() + HEALTH_EVERY_S
        for topic in self._readers:
            if isinstance(topic, StateTopic):
                topic.time_ms = self._log.time_ms
            match topic, topic.of:
                case PriceTopic(), WantedPrices():
                    self._bring_prices(topic, topic.of, changed, is_new=changes.intro)
                case RouteTopic(), WantedRoutes() if are_routes_due:
                    self._bring_routes(topic, topic.of)
                case HealthTopic(), _ if is_health_due:
                    self._bring_health(topic)

    def _make_topic(self, wanted: Wanted) -> Topic:
        topic: Topic
        match wanted:
            case WantedPrices():
                topic = PriceTopic(wanted)
                self._bring_prices(topic, wanted, set(self.reader.instruments), is_new=True)
            case WantedRoutes():
                topic = RouteTopic(wanted)
                self._routes.take()
                self._bring_routes(topic, wanted)
            case WantedHealth():
                topic = HealthTopic(wanted)
                self._bring_health(topic)
            case WantedSignals() | WantedEvents():
                return EventTopic(wanted, self._log)
        topic.time_ms = self._log.time_ms
        return topic

    def _bring_prices(self, topic: PriceTopic, wanted: WantedPrices, changed: set[int], *, is_new: bool) -> None:
        if is_new:
            try:
                found = instruments_of(self.reader.instruments.values(), wanted.symbol, wanted.venue)
            except Declined:
                found = []
            self._price_ids[topic] = {each.id for each in found}
            self._prices.drop(topic, topic.keys() - self._price_ids[topic])
        self._prices.put(topic, changed & self._price_ids[topic])

    def _bring_routes(self, topic: RouteTopic, wanted: WantedRoutes) -> None:
        rows = WantedRows(wanted.symbol, wanted.venue, min_spread_pct=wanted.min_spread_pct)
        self._routes.put(topic, rows)

    def _bring_health(self, topic: HealthTopic) -> None:
        snapshot = self.reader.latest
        health = health_of(snapshot, read_processes(pids_of(snapshot)), wall_ms())
        topic.put("", msgspec.json.encode(health))
