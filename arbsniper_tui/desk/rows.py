"""What viewers see: the gate's state as rows, and in each frame only what changed."""

from arbsniper_tui.engine.gate import NET, Gate
from arbsniper_tui.engine.largest import LargestRoutes
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
        self._legs = gate.legs.counted
        self._largest = LargestRoutes(gate.routes)
        self._reasons = {i: leg.fault for i, leg in self._legs.items()}

    def changed_quotes(self, now_ns: int) -> tuple[QuoteRow, ...]:
        """The rows of instruments that moved, or whose reason to take no part did."""
        changed = []
        for i, told in self._reasons.items():
            reason = self._reason(i, now_ns)
            if i in self.touched or reason != told:
                self._reasons[i] = reason
                changed.append(self._quote_row(i, reason))
        self.touched.clear()
        return tuple(changed)

    def all_quotes(self, now_ns: int) -> tuple[QuoteRow, ...]:
        """Every instrument's row."""
        return tuple(self._quote_row(i, self._reason(i, now_ns)) for i in self._legs)

    def largest_routes(self, now_ns: int) -> tuple[RouteRow, ...]:
        """The routes with the largest spreads by the basis in force, largest first. A route of which a price is not
        known, or whose spread cannot be, stands after them as far as there is room."""
        rules = self._gate.rules
        # Until rows follow what changed, every instrument counts as changed.
        routes = self._largest.take(self._legs, ROUTES_SHOWN, rules.max_spread_pct, is_net=rules.basis == NET)
        return tuple(self._route_row(route, now_ns) for route in routes)

    def _reason(self, i: int, now_ns: int) -> str:
        leg = self._legs[i]
        if leg.fault:
            return leg.fault
        if now_ns - leg.oldest_ns() > self._gate.rules.max_age_ns:
            return STALE
        return self._gate.why_absurd(leg) if leg.is_suspect else ""

    def _quote_row(self, i: int, reason: str) -> QuoteRow:
        leg = self._legs[i]
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
