"""The routes with the largest spreads. A look costs what has changed since the look before, not what there is, and is
made in slices."""

from collections.abc import Iterable, Sequence
from heapq import heappush, heapreplace
from itertools import chain
from math import inf
from operator import attrgetter, itemgetter

from arbsniper_tui.engine.route_index import Pool, RouteIndex
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.engine.slices import Sliced

_ROUNDING = 1e-9
"""An estimate of a gain differs from the gain by less than this: it is made by other operations on the same prices."""

_LOOKED_UP_AT_ONCE = 200
_MEASURED_AT_ONCE = 25
_SEARCHED_AT_ONCE = 5

_ask = attrgetter("ask")
_bid = attrgetter("bid")

_Best = list[tuple[float, int, Route]]
"""A heap with the smallest gain first: gain for one unit paid, the negative number of the route, the route."""


class LargestRoutes:
    """Remembers what the pools of routes could gain at most, and looks only into those that can be among the best."""

    def __init__(self, index: RouteIndex) -> None:
        self._index = index
        self._version = -1
        self._is_net = False
        self._measured: dict[Pool, _Measured] = {}

    def find(self, touched: Iterable[int], most: int, most_pct: float, *, is_net: bool) -> Sliced[list[Route]]:
        """At most so many routes with the largest gross or net spreads, largest first, equal ones by their numbers.

        `touched` are the instruments whose prices changed since the call before. A route with a price that is not
        known, or with a gross spread above `most_pct`, stands after the others as far as there is room.
        """
        index = self._index
        if is_net is not self._is_net or index.version != self._version:
            self._is_net, self._version, self._measured = is_net, index.version, {}
            touched = chain.from_iterable(pool.legs for pool in index.pools.values())
        # Instruments may come and go, and another look may begin, between two slices of this one.
        version, measured = self._version, self._measured
        yield from self._measure(measured, list(touched), is_net=is_net)
        best: _Best = []
        by_bound = sorted(measured.values(), key=attrgetter("bound"), reverse=True)
        for number, pool in enumerate(by_bound, 1):
            if len(best) == most and pool.bound < best[0][0]:
                break
            pool.collect(best, most, most_pct, is_net=is_net)
            if number % _SEARCHED_AT_ONCE == 0:
                yield
        routes = [route for _, _, route in sorted(best, reverse=True)]
        if index.version != version:
            routes = [route for route in routes if index.find(route.key) is route]
        if len(routes) < most:
            known = {route.number for route in routes}
            for route in index.all:
                if len(routes) == most:
                    break
                if route.number not in known:
                    routes.append(route)
        return routes

    def _measure(self, measured: "dict[Pool, _Measured]", touched: Sequence[int], *, is_net: bool) -> Sliced[None]:
        pools: set[Pool] = set()
        for at in range(0, len(touched), _LOOKED_UP_AT_ONCE):
            pools |= self._index.pools_of(touched[at : at + _LOOKED_UP_AT_ONCE])
            yield
        for number, pool in enumerate(pools, 1):
            known = measured.get(pool)
            if known is None and pool.legs:
                known = measured[pool] = _Measured(pool)
            if known is not None:
                known.measure(is_net=is_net)
            if number % _MEASURED_AT_ONCE == 0:
                yield


class _Measured:
    """One pool, and the largest gain that it could hold when it was last touched."""

    __slots__ = ("_least_cost", "_legs", "_routes", "bound")

    def __init__(self, pool: Pool) -> None:
        self._legs = tuple(pool.legs.values())
        self._routes = pool.routes
        self._least_cost = min(leg.buy_cost for leg in self._legs)
        self.bound = -inf
        """No gain in the pool was above this."""

    def measure(self, *, is_net: bool) -> None:
        """The price of a leg has changed. One that takes no part has the ask infinity and the bid 0."""
        legs = self._legs
        if is_net:
            worth = max([leg.bid * leg.sell_yield for leg in legs])
            self.bound = max([worth / leg.ask - leg.buy_cost for leg in legs]) + _ROUNDING
        else:
            self.bound = max(map(_bid, legs)) / min(map(_ask, legs)) - 1.0 + _ROUNDING

    def collect(self, best: _Best, most: int, most_pct: float, *, is_net: bool) -> None:
        """Put the routes of this pool into the heap that belong there."""
        priced = [leg for leg in self._legs if leg.fault is None]
        sells = [(leg.bid * leg.sell_yield if is_net else leg.bid, leg) for leg in priced]
        sells.sort(key=itemgetter(0), reverse=True)
        least_cost = self._least_cost if is_net else 1.0
        for buy in sorted(priced, key=_ask):
            ask = buy.ask
            if len(best) == most and sells[0][0] / ask - least_cost + _ROUNDING < best[0][0]:
                break
            cost = buy.buy_cost - _ROUNDING if is_net else 1.0 - _ROUNDING
            for worth, sell in sells:
                is_full = len(best) == most
                if is_full and worth / ask - cost < best[0][0]:
                    break
                route = self._routes.get((buy.id, sell.id))
                bid = sell.bid
                if route is None or (bid - ask) / ask * 100.0 > most_pct:
                    continue
                gain = (route.net_profit(ask, bid) if is_net else bid - ask) / ask
                entry = (gain, -route.number, route)
                if not is_full:
                    heappush(best, entry)
                elif entry > best[0]:
                    heapreplace(best, entry)
