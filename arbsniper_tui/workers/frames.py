"""What viewers see: the gate's state as rows, and in each frame only what changed."""

from heapq import nlargest

from arbsniper_tui.engine.gate import NET, Gate
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.model.view import QuoteRow, RouteRow

ROUTES_SHOWN = 60
STALE = "stale"


class Rows:
    """Quote rows and route rows. Times are the gate's."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.touched: set[int] = set()
        """Instruments with a new quote since the last frame."""
        self._reasons = [leg.fault for leg in gate.legs]

    def changed_quotes(self, now_ns: int) -> tuple[QuoteRow, ...]:
        """The rows of instruments that moved, or whose reason to take no part did."""
        changed = []
        for i in range(len(self._reasons)):
            reason = self._reason(i, now_ns)
            if i in self.touched or reason != self._reasons[i]:
                self._reasons[i] = reason
                changed.append(self._quote_row(i, reason))
        self.touched.clear()
        return tuple(changed)

    def all_quotes(self, now_ns: int) -> tuple[QuoteRow, ...]:
        """Every instrument's row."""
        return tuple(self._quote_row(i, self._reason(i, now_ns)) for i in range(len(self._reasons)))

    def largest_routes(self, now_ns: int) -> tuple[RouteRow, ...]:
        """The routes with the largest spreads by the basis in force, largest first. A route of which a price is not
        known has no spread, and stands after them as far as there is room."""
        is_net = self._gate.rules.basis == NET
        measured: list[tuple[float, int]] = []
        unknown: list[Route] = []
        for route in self._gate.routes:
            if route.buy.fault or route.sell.fault:
                if len(unknown) < ROUTES_SHOWN:
                    unknown.append(route)
            else:
                ask, bid = route.buy.ask, route.sell.bid
                gain = route.net_profit(ask, bid) if is_net else bid - ask
                measured.append((gain / ask, -route.number))
        best = [self._gate.routes[-number] for _, number in nlargest(ROUTES_SHOWN, measured)]
        return tuple(self._route_row(route, now_ns) for route in (*best, *unknown[: ROUTES_SHOWN - len(best)]))

    def _reason(self, i: int, now_ns: int) -> str:
        leg = self._gate.legs[i]
        if leg.fault:
            return leg.fault
        return STALE if now_ns - leg.oldest_ns() > self._gate.rules.max_age_ns else ""

    def _quote_row(self, i: int, reason: str) -> QuoteRow:
        leg = self._gate.legs[i]
        quote = leg.quote
        if quote is None:
            return QuoteRow(i, 0.0, 0.0, 0.0, 0.0, 0.0, None, reason)
        recv_ms = (leg.recv_ns + self._gate.wall_offset_ns) / 1e6
        return QuoteRow(
            i,
            quote.bid,
            quote.bid_size,
            quote.ask,
            quote.ask_size,
            recv_ms,
            quote.ts_venue_ms,
            reason,
            leg.received,
        )

    def _route_row(self, route: Route, now_ns: int) -> RouteRow:
        buy, sell, opened = route.buy, route.sell, route.opportunity
        gross = net = size = net_total = 0.0
        if buy.quote is not None and sell.quote is not None and not buy.fault and not sell.fault:
            gross, net = route.spreads_pct(buy.ask, sell.bid)
            size = min(buy.quote.ask_size, sell.quote.bid_size)
            net_total = size * route.net_profit(buy.ask, sell.bid)
        return RouteRow(
            buy.id,
            sell.id,
            gross,
            net,
            size,
            self._gate.why_not(route, now_ns),
            (now_ns - opened.opened_ns) / 1e6 if opened is not None else 0.0,
            route.signals,
            net_total,
        )
