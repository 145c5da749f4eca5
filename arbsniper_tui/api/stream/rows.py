"""Prices and routes as they are sent: worked out and encoded once, whatever the number of subscriptions."""

from collections import defaultdict

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.api.answers import Route
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.prices import leg_of, price_of
from arbsniper_tui.api.routes import Wanted, is_wanted, route_of, text_of
from arbsniper_tui.api.stream.topic import PriceTopic, RouteTopic
from arbsniper_tui.model.view import RouteRow
from arbsniper_tui.session.snapshot import Changes, RouteKey

_encode = msgspec.json.Encoder().encode


class PriceRows:
    """The prices of all instruments, encoded when a subscription first shows them."""

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self._encoded: dict[int, bytes] = {}
        self._gone: dict[int, bytes] = {}
        """The leg of each instrument that was ever sent, as clients are told that it is gone."""
        self._converted: defaultdict[int, set[int]] = defaultdict(set)
        """The instruments whose prices each rate converts."""

    def take(self, changes: Changes) -> set[int]:
        """The instruments whose price may differ after these changes."""
        if changes.intro:
            instruments = self._reader.instruments
            self._encoded.clear()
            self._converted = defaultdict(set)
            for each in instruments.values():
                for rate in each.rates:
                    self._converted[rate.id].add(each.id)
            return set(instruments)
        changed = changes.quotes.union(*(self._converted[each] for each in self._converted.keys() & changes.quotes))
        for instrument_id in changed:
            self._encoded.pop(instrument_id, None)
        return changed

    def put(self, topic: PriceTopic, instrument_ids: set[int]) -> None:
        """Bring these rows of a topic up to date."""
        for each in instrument_ids:
            topic.put(each, self._row(each))

    def drop(self, topic: PriceTopic, instrument_ids: set[int]) -> None:
        for each in instrument_ids:
            topic.drop(each, self._gone[each])

    def _row(self, instrument_id: int) -> bytes:
        encoded = self._encoded.get(instrument_id)
        if encoded is None:
            instrument = self._reader.instruments[instrument_id]
            encoded = self._encoded[instrument_id] = _encode(price_of(instrument, self._reader.latest))
            if instrument_id not in self._gone:
                self._gone[instrument_id] = _encode(leg_of(instrument))
        return encoded


class _SentRoute(Struct, frozen=True):
    row: RouteRow
    """Without what changes with time alone."""
    route: Route
    encoded: bytes


class RouteRows:
    """The node's largest routes."""

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self._routes: dict[RouteKey, _SentRoute] = {}

    def take(self) -> None:
        """After they have changed."""
        snapshot, instruments = self._reader.latest, self._reader.instruments
        clock_ms = 0.0 if snapshot.status is None else snapshot.status.clock_ms
        routes = {}
        for row in snapshot.routes:
            if row.buy_id not in instruments or row.sell_id not in instruments:
                continue
            key = row.buy_id, row.sell_id
            # How long it has been open grows without anything having changed.
            timeless = replace(row, open_ms=1.0) if row.open_ms > 0.0 else row
            sent = self._routes.get(key)
            if sent is None or sent.row != timeless:
                route = route_of(row, instruments, clock_ms)
                sent = _SentRoute(timeless, route, _encode(route))
            routes[key] = sent
        self._routes = routes

    def put(self, topic: RouteTopic, wanted: Wanted) -> None:
        """Bring a topic up to date."""
        found = {key: sent for key, sent in self._routes.items() if is_wanted(sent.route, wanted)}
        for key in topic.keys() - found.keys():
            topic.drop(key, _encode(text_of(key)))
        for key, sent in found.items():
            topic.put(key, sent.encoded)
