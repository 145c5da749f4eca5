"""Looks at every route within 10 s, a slice at a time: why it does not signal is counted, and what is usual for its
spread is learned."""

from array import array
from collections import Counter, deque

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.engine.usual import usual_of
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import RouteCounts, WhyRow
from arbsniper_tui.runtime import clock

ROUND_NS = 10_000_000_000
"""Each route is looked at once in this time."""
SLICE_NS = 500_000
"""A slice ends after this, so that no quote waits for it."""
_LOOKED_BETWEEN = 16
"""Routes between two looks at the clock. Of few routes so many come together: one at a time costs several times as much
for each, because its code has left the caches by then."""

WINDOW_NS = 3_600_000_000_000
SPREADS = 60
FEWEST_SPREADS = 6
SPREAD_EVERY_NS = WINDOW_NS // SPREADS
"""What is usual is told from six spreads on, a minute after the start. Later they are thinned out until they are a
minute apart, and the oldest go: then they cover an hour."""

PERIODS = 6
PERIOD_NS = WINDOW_NS // PERIODS
"""Reasons are counted for the last hour, which moves on by ten minutes."""
REASONS_TOLD = 6

_Why = tuple[ReasonCode | None, str]
"""A reason and the venue of the leg; None for an opportunity that is open."""


class _Spreads:
    """The spreads of one route over the window."""

    __slots__ = ("every_ns", "next_ns", "pcts")

    def __init__(self, now_ns: int) -> None:
        self.every_ns = ROUND_NS
        self.next_ns = now_ns
        self.pcts = array("f")

    def take(self, pct: float, now_ns: int) -> bool:
        """Whether the spread was taken in."""
        if now_ns < self.next_ns:
            return False
        self.next_ns = now_ns + self.every_ns
        self.pcts.append(pct)
        if len(self.pcts) > SPREADS:
            if self.every_ns < SPREAD_EVERY_NS:
                self.every_ns = min(2 * self.every_ns, SPREAD_EVERY_NS)
                self.pcts = self.pcts[::2]
            else:
                del self.pcts[0]
        return True


class Sampling:
    """Times are the detector's, in ns."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._spreads: dict[int, _Spreads] = {}
        """By the number of the route."""
        self._version = -1
        self._routes: list[Route] = []
        self._place = 0
        self._waiting = 0.0
        """Routes that are due."""
        self._periods: deque[dict[str, Counter[_Why]]] = deque([{}], maxlen=PERIODS)
        """The newest last; by symbol."""
        self._period_ends_ns = 0
        self._round: Counter[ReasonCode | None] = Counter()
        """What has been found since the last round ended; None for an opportunity that is open."""
        self.counts: RouteCounts | None = None
        """What the last round found; None before its end."""

    def look_at_slice(self, now_ns: int, passed_ns: int) -> None:
        """Look at as many routes as are due after `passed_ns` since the last slice, for half a ms at most."""
        count = len(self._detector.routes.all)
        self._waiting += count * passed_ns / ROUND_NS
        if self._waiting < min(_LOOKED_BETWEEN, count):
            return
        self._begin_again(now_ns)
        end, until_ns = min(self._place + int(self._waiting), count), clock.now_ns() + SLICE_NS
        self._waiting = 0.0
        while self._place < end and clock.now_ns() < until_ns:
            stop = min(self._place + _LOOKED_BETWEEN, end)
            for route in self._routes[self._place : stop]:
                self._look(route, now_ns)
            self._place = stop
        self._end_round()

    def look_at_all(self, now_ns: int) -> None:
        """Look at every route, of a replay: so that the same tapes give the same numbers at any speed."""
        self._begin_again(now_ns)
        self._round.clear()
        for route in self._routes:
            self._look(route, now_ns)
        self._place = len(self._routes)
        self._end_round()

    def why(self, symbol: str) -> WhyRow:
        """Why the routes of a symbol did not signal in the last hour, the most frequent reasons first."""
        total: Counter[_Why] = Counter()
        for period in self._periods:
            total.update(period.get(symbol, {}))
        told = tuple((Reason(code, venue) if code else None, n) for (code, venue), n in total.most_common(REASONS_TOLD))
        return WhyRow(symbol, total.total(), told)

    def _begin_again(self, now_ns: int) -> None:
        if now_ns >= self._period_ends_ns:
            self._period_ends_ns = now_ns + PERIOD_NS
            self._periods.append({})
        index = self._detector.routes
        if self._version != index.version:
            self._version, self._routes = index.version, list(index.all)
            self._place = min(self._place, len(self._routes))
            known = {route.number for route in self._routes}
            self._spreads = {number: held for number, held in self._spreads.items() if number in known}
        if self._place >= len(self._routes):
            self._place = 0
            self._round.clear()

    def _end_round(self) -> None:
        if self._place >= len(self._routes):
            waiting = {code: found for code, found in self._round.items() if code is not None}
            self.counts = RouteCounts(self._round[None], waiting)

    def _look(self, route: Route, now_ns: int) -> None:
        detector = self._detector
        reason = detector.why_not(route, now_ns)
        self._round[reason.code if reason else None] += 1
        counts = self._periods[-1].setdefault(route.symbol, Counter())
        counts[(reason.code, reason.venue) if reason else (None, "")] += 1
        if not route.is_priced(now_ns, detector.rules.max_age_ns):
            return
        spreads = self._spreads.get(route.number)
        if spreads is None:
            spreads = self._spreads[route.number] = _Spreads(now_ns)
        if spreads.take(route.spreads_pct(route.buy.ask, route.sell.bid)[0], now_ns) and (
            len(spreads.pcts) >= FEWEST_SPREADS
        ):
            route.usual = usual_of(spreads.pcts.tolist())
