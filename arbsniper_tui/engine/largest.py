"""The routes with the largest spreads. A look costs what has changed since the look before, not what there is."""

from collections.abc import Iterable
from heapq import heappush, heapreplace
from math import inf
from operator import attrgetter, itemgetter

from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.engine.route_index import Pool, RouteIndex
from arbsniper_tui.engine.routes import Route

_ROUNDING = 1e-9
"""An estimate of a gain differs from the gain by less than this: it is made by other operations on the same prices."""

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

    def take(self, touched: Iterable[int], most: int, most_pct: float, *, is_net: bool) -> list[Route]:
        """At most so many routes with the largest gross or net spreads, largest first, equal ones by their numbers.

        `touched` are the instruments whose prices changed since the call before. A route with a price that is not
        known, or with a gross spread above `most_pct`, stands after the others as far as there is room.
        """
        self._measure(touched, is_net=is_net)
        best: _Best = []
        for measured in sorted(self._measured.values(), key=attrgetter("bound"), reverse=True):
            if len(best) == most and measured.bound < best[0][0]:
                break
            measured.collect(best, most, most_pct)
        routes = [route for _, _, route in sorted(best, reverse=True)]
        if len(routes) < most:
            known = {route.number for route in routes}
            for route in self._index.all:
                if len(routes) == most:
                    break
                if route.number not in known:
                    routes.append(route)
        return routes

    def _measure(self, touched: Iterable[int], *, is_net: bool) -> None:
        index = self._index
        if is_net is not self._is_net or index.version != self._version:
            self._is_net, self._version = is_net, index.version
            self._measured = {pool: _Measured(pool) for pool in index.pools.values()}
            pools = set(self._measured)
        else:
            pools = index.pools_of(touched)
        for pool in pools:
            self._measured[pool].measure(is_net=is_net)


class _Measured:
    """One pool, and the largest gain that it could hold when it was last touched."""

    __slots__ = ("_buys", "_is_net", "_least_cost", "_legs", "_routes", "_sells", "bound")

    def __init__(self, pool: Pool) -> None:
        self._legs = tuple(pool.legs.values())
        self._routes = pool.routes
        self._least_cost = min(leg.buy_cost for leg in self._legs)
        self._is_net = False
        self._buys: list[Leg] = []
        self._sells: list[tuple[float, Leg]] = []
        """What each leg brings when it is sold, the largest first; both lists are empty until they are needed."""
        self.bound = -inf
        """No gain in the pool is above this."""

    def measure(self, *, is_net: bool) -> None:
        """The price of a leg has changed. One that takes no part has the ask infinity and the bid 0."""
        self._is_net, self._buys, self._sells = is_net, [], []
        legs = self._legs
        if is_net:
            worth = max([leg.bid * leg.sell_yield for leg in legs])
            self.bound = max([worth / leg.ask - leg.buy_cost for leg in legs]) + _ROUNDING
        else:
            self.bound = max(map(_bid, legs)) / min(map(_ask, legs)) - 1.0 + _ROUNDING

    def collect(self, best: _Best, most: int, most_pct: float) -> None:
        """Put the routes of this pool into the heap that belong there."""
        is_net = self._is_net
        if not self._buys:
            priced = [leg for leg in self._legs if leg.fault is None]
            self._buys = sorted(priced, key=_ask)
            sells = [(leg.bid * leg.sell_yield if is_net else leg.bid, leg) for leg in priced]
            self._sells = sorted(sells, key=itemgetter(0), reverse=True)
        least_cost = self._least_cost if is_net else 1.0
        for buy in self._buys:
            ask = buy.ask
            if len(best) == most and self._sells[0][0] / ask - least_cost + _ROUNDING < best[0][0]:
                break
            cost = buy.buy_cost - _ROUNDING if is_net else 1.0 - _ROUNDING
            for worth, sell in self._sells:
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
