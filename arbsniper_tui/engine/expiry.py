"""The open opportunities, and when each is judged though no quote touches its route."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from arbsniper_tui.engine.frozen import NEVER_NS, SOONEST_NS
from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.engine.rules import Rules


class _OpenCoin:
    """The open routes of one base coin."""

    __slots__ = ("held", "legs", "looked_at_ns", "routes")

    def __init__(self) -> None:
        self.routes: dict[int, Route] = {}
        self.held: dict[int, Route] = {}
        """Those that were not announced when they were looked at last."""
        self.legs: dict[Leg, int] = {}
        """How many of them rest on each leg: there are far fewer legs than routes between them."""
        self.looked_at_ns = NEVER_NS
        """When it is looked at next, whatever happens until then."""


class OpenRoutes:
    """By base coin: what is due of a coin changes with its own prices alone, so that few coins are looked at."""

    def __init__(self) -> None:
        self._coins: dict[str, _OpenCoin] = {}
        self.count = 0
        self._added: list[Route] = []
        """Those that were opened in a hurry, and are not in their coins yet."""
        self._stirred: set[str] = set()
        """The coins that are looked at in any case."""
        self._looks: list[tuple[int, str]] = []
        """A heap: when to look at which coin. One whose `looked_at_ns` is another was replaced."""
        self._asked_ns = 0
        """When `due` was last called."""

    def __iter__(self) -> Iterator[Route]:
        self._settle()
        return iter([route for coin in self._coins.values() for route in coin.routes.values()])

    def __contains__(self, route: Route) -> bool:
        self._settle()
        coin = self._coins.get(route.base)
        return coin is not None and route.number in coin.routes

    def add(self, route: Route) -> None:
        """Its opportunity has opened. What this does stands before its announcement: no more than has to."""
        self.count += 1
        self._added.append(route)

    def remove(self, route: Route) -> None:
        """Its opportunity has closed."""
        self._settle()
        coin = self._coins[route.base]
        self.count -= 1
        del coin.routes[route.number]
        coin.held.pop(route.number, None)
        for leg in (route.buy, route.sell):
            coin.legs[leg] -= 1
            if not coin.legs[leg]:
                del coin.legs[leg]

    def _settle(self) -> None:
        """Put those that were added into their coins."""
        for route in self._added:
            coin = self._coins.get(route.base)
            if coin is None:
                coin = self._coins[route.base] = _OpenCoin()
            coin.routes[route.number] = coin.held[route.number] = route
            for leg in (route.buy, route.sell):
                coin.legs[leg] = coin.legs.get(leg, 0) + 1
            self._stirred.add(route.base)
        self._added.clear()

    def stir(self, base: str) -> None:
        """A price of a coin has changed."""
        self._stirred.add(base)

    def stir_all(self) -> None:
        """The rules, or which instruments there are, have changed."""
        self._stirred.update(self._coins)

    def due(self, rules: Rules, now_ns: int, *, is_behind: bool) -> list[tuple[int, int, Route]]:
        """The moments up to now, in order, each with the number of a route, and the route: a quote has grown too old by
        then, or is frozen, or what was held back may be announced. Nothing is announced while behind."""
        self._settle()
        due: list[tuple[int, int, Route]] = []
        looks, stirred = self._looks, self._stirred
        while looks and looks[0][0] <= now_ns:
            at_ns, base = heappop(looks)
            coin = self._coins.get(base)
            if coin is not None and coin.looked_at_ns == at_ns:
                coin.looked_at_ns = NEVER_NS
                stirred.add(base)
        for base in stirred:
            coin = self._coins.get(base)
            if coin is None or not coin.routes:
                continue
            end_ns, look_ns = self._end(coin.legs, rules, now_ns)
            if end_ns <= now_ns:
                due += self._ended(coin, rules, now_ns)
            ready_ns = _look_at_held(coin, rules, now_ns, [] if is_behind else due)
            look_ns = min(look_ns, end_ns, ready_ns)
            if look_ns < coin.looked_at_ns:
                coin.looked_at_ns = look_ns
                heappush(looks, (look_ns, base))
        stirred.clear()
        self._asked_ns = now_ns
        due.sort(key=_when)
        return due

    def _end(self, legs: Iterable[Leg], rules: Rules, now_ns: int) -> tuple[int, int]:
        """When a quote is too old or frozen, as far as is known now, and when to look again at the latest."""
        end_ns = look_ns = NEVER_NS
        for leg in legs:
            # One ns past the deadline is the first moment at which the quote is too old.
            if (old_ns := leg.fresh_until_ns(rules.max_age_ns) + 1) < end_ns:
                end_ns = old_ns
            if (stream := leg.stream) is None:
                continue
            if (asked_ns := stream.changed_ns + SOONEST_NS) > now_ns:
                if asked_ns < look_ns:
                    look_ns = asked_ns
            else:
                # A quote of a peer may show that it was frozen before that quote was judged.
                end_ns = min(end_ns, max(stream.frozen_from_ns(rules.max_age_ns, now_ns), self._asked_ns))
                if (overdue_ns := stream.overdue_ns(rules.max_age_ns)) > now_ns:
                    look_ns = min(look_ns, overdue_ns)
        return end_ns, look_ns

    def _ended(self, coin: _OpenCoin, rules: Rules, now_ns: int) -> Iterator[tuple[int, int, Route]]:
        for number, route in coin.routes.items():
            end_ns, _ = self._end((route.buy, route.sell), rules, now_ns)
            if end_ns <= now_ns:
                yield end_ns, number, route


def _look_at_held(coin: _OpenCoin, rules: Rules, now_ns: int, due: list[tuple[int, int, Route]]) -> int:
    """Add what may be announced to what is due; when the next may be."""
    next_ns = NEVER_NS
    for number, route in list(coin.held.items()):
        opportunity = route.opportunity
        assert opportunity is not None, "an open route has its opportunity"
        if opportunity.id:
            del coin.held[number]
            continue
        ready_ns = opportunity.opened_ns + rules.min_life_ns
        if route.signalled_ns is not None:
            ready_ns = max(ready_ns, route.signalled_ns + rules.cooldown_ns)
        next_ns = min(next_ns, ready_ns)
        if ready_ns <= now_ns:
            due.append((ready_ns, number, route))
    return next_ns


def _when(due: tuple[int, int, Route]) -> tuple[int, int]:
    return due[:2]
