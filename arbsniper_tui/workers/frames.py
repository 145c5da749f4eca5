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
        self._reasons = list(gate.board.faults)

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
        bids, asks = self._gate.board.bids, self._gate.board.asks
        is_net = self._gate.rules.basis == NET
        measured: list[tuple[float, int]] = []
        unknown: list[Route] = []
        for route in self._gate.routes:
            ask, bid = asks[route.buy_id], bids[route.sell_id]
            if bid == 0.0 or ask > 1e300:
                if len(unknown) < ROUTES_SHOWN:
                    unknown.append(route)
            else:
                gain = route.net_profit(ask, bid) if is_net else bid - ask
                measured.append((gain / ask, -route.number))
        best = [self._gate.routes[-number] for _, number in nlargest(ROUTES_SHOWN, measured)]
        return tuple(self._route_row(route, now_ns) for route in (*best, *unknown[: ROUTES_SHOWN - len(best)]))

    def _reason(self, i: int, now_ns: int) -> str:
        board = self._gate.board
        if fault := board.faults[i]:
            return fault
        return STALE if now_ns - board.oldest_ns(i) > self._gate.rules.max_age_ns else ""

    def _quote_row(self, i: int, reason: str) -> QuoteRow:
        board = self._gate.board
        quote = board.quotes[i]
        if quote is None:
            return QuoteRow(i, 0.0, 0.0, 0.0, 0.0, 0.0, None, reason)
        recv_ms = (board.recv_ns[i] + self._gate.wall_offset_ns) / 1e6
        return QuoteRow(
            i,
            quote.bid,
            quote.bid_size,
            quote.ask,
            quote.ask_size,
            recv_ms,
            quote.ts_venue_ms,
            reason,
            board.received[i],
        )

    def _route_row(self, route: Route, now_ns: int) -> RouteRow:
        board = self._gate.board
        ask, bid = board.asks[route.buy_id], board.bids[route.sell_id]
        buy, sell = board.quotes[route.buy_id], board.quotes[route.sell_id]
        is_known = bid > 0.0 and ask < 1e300 and buy is not None and sell is not None
        gross, net = route.spreads_pct(ask, bid) if is_known else (0.0, 0.0)
        opened = route.opportunity
        return RouteRow(
            route.buy_id,
            route.sell_id,
            gross,
            net,
            min(buy.ask_size, sell.bid_size) if buy is not None and sell is not None and is_known else 0.0,
            self._gate.why_not(route, now_ns),
            (now_ns - opened.opened_ns) / 1e6 if opened is not None else 0.0,
            route.signals,
        )
