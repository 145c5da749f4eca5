"""All routes of a node, found by instrument and by the currency in which their prices meet."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from operator import attrgetter

from arbsniper_tui.engine.leg import Leg, Legs
from arbsniper_tui.engine.routes import Route, RouteKey, is_relayed, meeting_currency, route_pairs
from arbsniper_tui.engine.terms import Terms
from arbsniper_tui.model.instrument import Instrument

_PoolKey = tuple[str, str, str]
"""Base, counted quote, and the currency of the prices."""
_by_number = attrgetter("number")


class Pool:
    """The routes of one base whose prices meet in one currency, and their legs."""

    __slots__ = ("legs", "routes")

    def __init__(self) -> None:
        self.legs: dict[int, Leg] = {}
        self.routes: dict[RouteKey, Route] = {}


class RouteIndex:
    """Which routes there are; instruments come and go."""

    def __init__(self, legs: Legs, kinds: Iterable[str]) -> None:
        self.all: list[Route] = []
        """In the order of their numbers."""
        self.of: dict[int, list[Route]] = {}
        """By instrument, the routes whose prices move with its quotes: its own, and those that it converts."""
        self.pools: dict[_PoolKey, Pool] = {}
        self._pools_of: dict[int, set[Pool]] = {}
        """By instrument, the pools whose prices move with its quotes."""
        self.version = 0
        """Counts the times that routes came or went."""
        self._legs = legs
        self._kinds = frozenset(kinds)

    def find(self, key: RouteKey) -> Route | None:
        """The route between two instruments, or None."""
        return next((pool.routes[key] for pool in self._pools_of.get(key[0], ()) if key in pool.routes), None)

    def explained(self, key: RouteKey) -> Route | None:
        """The route between two instruments, to be explained: also one that is left out because one venue shows the
        other's book. None where there is no such route."""
        if (route := self.find(key)) or not self._legs.shown.keys() >= set(key):
            return route
        buy, sell = (self._legs.shown[each].instrument for each in key)
        if not is_relayed(buy, sell):
            return None
        return Route("", *self._legs.pair(buy, sell), self._legs.counted_by(buy, sell))

    def pools_of(self, instrument_ids: Iterable[int]) -> set[Pool]:
        """The pools whose prices move with the quotes of these instruments."""
        pools_of = self._pools_of
        return set(chain.from_iterable(pools_of.get(i, ()) for i in instrument_ids))

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Add the routes of instruments whose legs were just added."""
        self.version += 1
        added = {each.id for each in instruments}
        for i in added:
            self.of[i] = []
            self._pools_of[i] = set()
        shared = {(each.base, each.counted_quote) for each in instruments}
        alike = [
            leg.instrument
            for leg in self._legs.shown.values()
            if (leg.instrument.base, leg.instrument.counted_quote) in shared
        ]
        moved: set[int] = set()
        for kind, buy, sell in route_pairs(alike, self._kinds):
            if buy.id in added or sell.id in added:
                route = Route(kind, *self._legs.pair(buy, sell), self._legs.counted_by(buy, sell))
                key = (buy.base, buy.counted_quote, meeting_currency(buy, sell))
                moved |= self._insert(route, key)
        self.all.sort(key=_by_number)
        for i in moved:
            self.of[i].sort(key=_by_number)

    def change_terms(self, terms: Terms) -> None:
        """Count by other fees and ages of rates; what that means for routes is judged with their next look."""
        self.version += 1
        self._legs.change_terms(terms)
        for route in self.all:
            route.buy_cost, route.sell_yield = route.buy.buy_cost, route.sell.sell_yield

    def remove(self, instrument_ids: Collection[int]) -> None:
        """Drop every route that buys or sells one of these instruments."""
        self.version += 1
        gone = {route.number for i in instrument_ids for route in self.of[i]}
        touched = {i for pool in self.pools_of(instrument_ids) for leg in pool.legs.values() for i in _movers(leg)}
        for key, pool in list(self.pools.items()):
            if pool.legs.keys().isdisjoint(instrument_ids):
                continue
            pool.routes = {key: route for key, route in pool.routes.items() if route.number not in gone}
            pool.legs = {leg.id: leg for route in pool.routes.values() for leg in (route.buy, route.sell)}
            if not pool.routes:
                del self.pools[key]
        self.all = [route for route in self.all if route.number not in gone]
        for i in touched.difference(instrument_ids):
            self.of[i] = [route for route in self.of[i] if route.number not in gone]
            self._pools_of[i] = {
                pool for pool in self._pools_of[i] if any(i in _movers(leg) for leg in pool.legs.values())
            }
        for i in instrument_ids:
            del self.of[i], self._pools_of[i]

    def _insert(self, route: Route, key: _PoolKey) -> set[int]:
        """Enter a route everywhere. Returns the instruments whose quotes move its prices."""
        pool = self.pools.get(key)
        if pool is None:
            pool = self.pools[key] = Pool()
        self.all.append(route)
        pool.routes[route.key] = route
        movers = {*_movers(route.buy), *_movers(route.sell)}
        for leg in (route.buy, route.sell):
            if leg.id not in pool.legs:
                pool.legs[leg.id] = leg
                for i in _movers(leg):
                    self._pools_of[i].add(pool)
        for i in movers:
            self.of[i].append(route)
        return movers


def _movers(leg: Leg) -> tuple[int, ...]:
    """The instruments whose quotes move the prices of a leg."""
    return (leg.id, *(rate.id for rate in leg.instrument.rates)) if leg.rate is not None else (leg.id,)
