"""The detector's state as rows for viewers. A look costs what changed since the look before, and is made in slices."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.identity import Held
from arbsniper_tui.engine.largest import LargestRoutes
from arbsniper_tui.engine.leg import NO_DATA, Leg
from arbsniper_tui.engine.routes import Route, RouteKey
from arbsniper_tui.engine.rules import NET
from arbsniper_tui.engine.slices import Sliced
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import Breakdown, HeldRow, QuoteRow, RouteRow

ROUTES_SHOWN = 60
_ROWS_AT_ONCE = 40
_ROUTES_AT_ONCE = 20
SHARES = 10
"""In so many looks each instrument is looked at once for what its peers do: none of them says so."""
HELD_SHOWN = 25
"""Instruments in quarantine that one view tells of, those that have waited longest: some 0.4 ms of work."""
STALE = Reason(ReasonCode.STALE)
"""Without its age, which stands in the row and grows: the row changes once."""
RATE_STALE = Reason(ReasonCode.RATE_STALE)


class Rows:
    """Remembers what was told of each instrument, and when each grows stale. Times are the detector's, in ns."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._legs = detector.legs.counted
        self._largest = LargestRoutes(detector.routes)
        self._watched = {i: leg.instrument for i, leg in detector.legs.shown.items()}
        self._version = detector.routes.version
        self._told: dict[int, Reason | None] = {}
        """The reason in the last row of each instrument that had one."""
        self._moved: set[int] = set()
        """Instruments with a new state that no row has told."""
        self._unmeasured: set[int] = set()
        """Instruments with a new price since the largest routes were looked for."""
        self._due_ns: dict[int, int] = {}
        """When each instrument is looked at for its age: then, or before, it grows stale."""
        self._dues: list[tuple[int, int]] = []
        """The same as a heap: time and instrument."""
        self._unlooked: list[int] = []
        """Those whose peers are looked at next."""

    def changed_quotes(self, now_ns: int) -> Sliced[tuple[QuoteRow, ...]]:
        """The rows of instruments that moved, or whose reason to take no part did."""
        self._collect()
        moved, self._moved = self._moved, set()
        changed: list[QuoteRow] = []
        for number, i in enumerate(self._may_have_changed(moved, now_ns), 1):
            if number % _ROWS_AT_ONCE == 0:
                yield
            leg = self._legs.get(i)
            if leg is None:
                self._told.pop(i, None)
                continue
            reason = self._reason(leg, now_ns)
            if reason is None or reason.code in (ReasonCode.ABSURD, ReasonCode.FROZEN):
                self._await_staleness(leg)
            if i in moved or reason != self._told.get(i, NO_DATA):
                self._told[i] = reason
                changed.append(self._quote_row(leg, reason))
        return tuple(changed)

    def changed_instruments(self) -> tuple[tuple[Instrument, ...], tuple[int, ...]]:
        """The instruments watched since the last call, and the ids of those that are not any more."""
        if self._version == self._detector.routes.version:
            return (), ()
        self._version = self._detector.routes.version
        before, self._watched = self._watched, {i: leg.instrument for i, leg in self._detector.legs.shown.items()}
        added = tuple(each for i, each in self._watched.items() if before.get(i) != each)
        removed = tuple(i for i, each in before.items() if self._watched.get(i) != each)
        return added, removed

    def all_quotes(self, now_ns: int) -> tuple[QuoteRow, ...]:
        """Every instrument's row."""
        return tuple(self._quote_row(leg, self._reason(leg, now_ns)) for leg in self._legs.values())

    def quotes(self, now_ns: int) -> Sliced[dict[int, QuoteRow]]:
        """The same in slices, by instrument."""
        found: dict[int, QuoteRow] = {}
        for number, leg in enumerate(tuple(self._legs.values()), 1):
            found[leg.id] = self._quote_row(leg, self._reason(leg, now_ns))
            if number % _ROWS_AT_ONCE == 0:
                yield
        return found

    def largest_routes(self, now_ns: int) -> Sliced[tuple[RouteRow, ...]]:
        """The routes with the largest spreads by the basis in force, as `LargestRoutes.find` orders them."""
        self._collect()
        touched, self._unmeasured = self._unmeasured, set()
        rules = self._detector.rules
        routes = yield from self._largest.find(touched, ROUTES_SHOWN, rules.max_spread_pct, is_net=rules.basis == NET)
        rows: list[RouteRow] = []
        for at in range(0, len(routes), _ROUTES_AT_ONCE):
            yield
            rows += [self._route_row(route, now_ns) for route in routes[at : at + _ROUTES_AT_ONCE]]
        return tuple(rows)

    def named_routes(self, keys: Iterable[RouteKey], now_ns: int) -> tuple[RouteRow, ...]:
        """The rows of these routes, as far as there are such routes."""
        return tuple(self._route_row(route, now_ns) for route in self._explained(keys))

    def breakdowns(self, keys: Iterable[RouteKey], now_ns: int) -> tuple[Breakdown, ...]:
        """What each gate says of these routes."""
        detector = self._detector
        return tuple(
            Breakdown(*route.key, route.symbol, detector.breakdown(route, now_ns)) for route in self._explained(keys)
        )

    def symbols_of(self, keys: Iterable[RouteKey]) -> tuple[str, ...]:
        """The symbols of these routes, each once."""
        return tuple(dict.fromkeys(route.symbol for route in self._explained(keys)))

    def _explained(self, keys: Iterable[RouteKey]) -> Iterator[Route]:
        found = (self._detector.routes.explained(key) for key in keys)
        return (route for route in found if route is not None)

    def held(self) -> tuple[HeldRow, ...]:
        """What is in quarantine."""
        return tuple(self._held_row(each) for each in self._detector.identity.held(HELD_SHOWN))

    def _held_row(self, held: Held) -> HeldRow:
        leg = held.leg
        return HeldRow(
            leg.id,
            held.reason,
            held.ratio,
            0.0 if leg.fault is not None else (leg.bid + leg.ask) / 2,
            leg.currency,
            (held.since_ns + self._detector.wall_offset_ns) / 1e6,
            tuple((peer.id, (peer.bid + peer.ask) / 2) for peer in held.peers),
            self._detector.identity.verdicts.get((leg.venue, leg.instrument.symbol)),
        )

    def _collect(self) -> None:
        touched = self._detector.touched
        self._moved |= touched
        self._unmeasured |= touched
        touched.clear()

    def _may_have_changed(self, moved: set[int], now_ns: int) -> Iterator[int]:
        """The instruments that moved, and those whose reason may have changed without a quote of their own: through the
        rate that converts them, by their age, or by the prices of their peers."""
        shown = self._detector.legs.shown
        led: set[int] = set()
        for i in moved:
            if (leg := shown.get(i)) is not None and leg.followers:
                led.update(each.id for each in leg.followers)
            yield i
        yield from led.difference(moved)
        while self._dues and self._dues[0][0] <= now_ns:
            due_ns, i = heappop(self._dues)
            if self._due_ns.get(i) == due_ns:
                del self._due_ns[i]
                if i not in moved:
                    yield i
        for leg in list(self._detector.suspects):
            if not leg.is_suspect:
                self._detector.suspects.discard(leg)
            if leg.id not in moved:
                yield leg.id
        if not self._unlooked:
            self._unlooked = list(self._legs)
        share = -(-len(self._legs) // SHARES)
        looked, self._unlooked = self._unlooked[-share:], self._unlooked[:-share]
        yield from (i for i in looked if i not in moved)

    def _why_frozen(self, leg: Leg, now_ns: int) -> Reason | None:
        max_age_ns = self._detector.rules.max_age_ns
        return None if leg.stream is None else leg.stream.why_frozen(now_ns, max_age_ns)

    def _await_staleness(self, leg: Leg) -> None:
        """Look at the leg again when its price grows stale. A look that comes too early only asks for another."""
        due_ns = leg.fresh_until_ns(self._detector.rules.max_age_ns) + 1
        awaited_ns = self._due_ns.get(leg.id)
        if awaited_ns is None or due_ns < awaited_ns:
            self._due_ns[leg.id] = due_ns
            heappush(self._dues, (due_ns, leg.id))

    def _reason(self, leg: Leg, now_ns: int) -> Reason | None:
        leg.choose_rate(now_ns)
        if leg.fault is not None:
            return leg.fault
        if leg.doubt is not None:
            return leg.doubt
        max_age_ns = self._detector.rules.max_age_ns
        if now_ns - leg.recv_ns > max_age_ns:
            return STALE
        if now_ns > leg.fresh_until_ns(max_age_ns):
            return RATE_STALE
        if frozen := self._why_frozen(leg, now_ns):
            return frozen
        return self._detector.why_absurd(leg) if leg.is_suspect else None

    def _quote_row(self, leg: Leg, reason: Reason | None) -> QuoteRow:
        quote = leg.quote
        if quote is None:
            return QuoteRow(leg.id, 0.0, 0.0, 0.0, 0.0, 0.0, None, reason)
        return QuoteRow(
            leg.id,
            quote.bid,
            quote.bid_size,
            quote.ask,
            quote.ask_size,
            (leg.recv_ns + self._detector.wall_offset_ns) / 1e6,
            quote.ts_venue_ms,
            reason,
            leg.received,
            leg.rate.id if leg.rate is not None else None,
        )

    def _route_row(self, route: Route, now_ns: int) -> RouteRow:
        buy, sell, opened = route.buy, route.sell, route.opportunity
        gross = net = size = net_total = 0.0
        if buy.quote is not None and sell.quote is not None and buy.fault is None and sell.fault is None:
            gross, net = route.spreads_pct(buy.ask, sell.bid)
            size = min(buy.quote.ask_size, sell.quote.bid_size)
            net_total = route.net_total() or 0.0
        return RouteRow(
            buy.id,
            sell.id,
            gross,
            net,
            size,
            self._detector.why_not(route, now_ns),
            (now_ns - opened.opened_ns) / 1e6 if opened is not None else 0.0,
            route.signals,
            net_total,
            route.usual.median_pct if route.usual else None,
            route.usual.zscore(gross) if route.usual else None,
        )
