"""From quotes to announcements: which routes a quote touches, and when an opportunity opens, changes and closes."""

from collections.abc import Sequence
from math import inf

from msgspec import UNSET, Struct

from arbsniper_tui.engine.board import NO_RATE, Board
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.signal import Signal, SignalState

GROSS = "gross"
NET = "net"

UPDATE_EVERY_NS = 250_000_000
"""An open opportunity is announced again at most this often ..."""
UPDATE_SHARE = 0.25
"""... and only when its spread moved by this share of the threshold ..."""
UPDATE_LEAST_PCT = 0.01
"""... and by this much."""


class Rules(Struct, frozen=True):
    """What a spread must be to signal."""

    threshold_pct: float = 0.5
    basis: str = GROSS
    max_age_ns: int = 5_000_000_000
    cooldown_ns: int = 0


class Gate:
    """Holds the board and the routes. Times are ns of one clock: monotonic when live, the tapes' in a replay;
    `wall_offset_ns` added to one gives the time since 1970."""

    def __init__(self, instruments: Sequence[Instrument], routes: Sequence[Route], rules: Rules, node: str) -> None:
        self.board = Board(instruments)
        self.routes = routes
        self.rules = rules
        self.wall_offset_ns = 0
        self.signal_seq = 0
        self.opportunities = 0
        self._node = node
        self._open: dict[int, Route] = {}
        self._routes_of: list[list[Route]] = [[] for _ in instruments]
        for route in routes:
            self._routes_of[route.buy_id].append(route)
            self._routes_of[route.sell_id].append(route)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def on_quote(self, quote: Quote, ts_recv_ns: int, now_ns: int) -> list[Signal]:
        """Take in a sound quote, and judge every route that it touches. Returns what is to be announced."""
        signals: list[Signal] = []
        if self._open:
            self._expire(now_ns, signals)
        rated = self.board.put(quote, ts_recv_ns)
        bids, asks = self.board.bids, self.board.asks
        for route in self._routes_of[quote.instrument_id]:
            # Thresholds and fees are never negative, so a bid that is not above the ask opens nothing.
            if bids[route.sell_id] > asks[route.buy_id] or route.opportunity is not None:
                self._judge(route, now_ns, ts_recv_ns, signals)
        for dependent in rated:
            for route in self._routes_of[dependent]:
                self._judge(route, now_ns, ts_recv_ns, signals)
        return signals

    def withdraw(self, instrument_id: int, reason: str, now_ns: int) -> list[Signal]:
        """Take an instrument out until its next quote, and close what rested on it."""
        signals = self.expire(now_ns)
        for touched in (instrument_id, *self.board.withdraw(instrument_id, reason)):
            for route in self._routes_of[touched]:
                if route.opportunity is not None:
                    self._judge(route, now_ns, now_ns, signals)
        return signals

    def expire(self, now_ns: int) -> list[Signal]:
        """Close what rests on a quote that has grown too old, as of the moment it did."""
        signals: list[Signal] = []
        if self._open:
            self._expire(now_ns, signals)
        return signals

    def change_rules(self, rules: Rules, now_ns: int) -> list[Signal]:
        """Judge every route anew by other rules."""
        signals = self.expire(now_ns)
        self.rules = rules
        for route in self.routes:
            self._judge(route, now_ns, now_ns, signals)
        return signals

    def why_not(self, route: Route, now_ns: int) -> str:
        """The first reason why a route does not signal; empty while its opportunity is open."""
        if route.opportunity is not None and route.opportunity.id:
            return ""
        board = self.board
        for instrument in (route.buy, route.sell):
            if fault := board.faults[instrument.id]:
                return f"{instrument.venue}: {fault}"
        for instrument in (route.buy, route.sell):
            if (age_ns := now_ns - board.oldest_ns(instrument.id)) > self.rules.max_age_ns:
                rate_is_older = board.oldest_ns(instrument.id) < board.recv_ns[instrument.id]
                return f"{instrument.venue}: {'rate ' if rate_is_older else ''}stale, {age_ns / 1e9:.0f} s"
        if route.opportunity is not None:
            return "cooldown"
        gross, net = route.spreads_pct(board.asks[route.buy_id], board.bids[route.sell_id])
        measured = net if self.rules.basis == NET else gross
        return f"{self.rules.basis} {measured:.2f}% is not above {self.rules.threshold_pct:.2f}%"

    def _expire(self, now_ns: int, signals: list[Signal]) -> None:
        ended = [
            (deadline, number) for number, route in self._open.items() if (deadline := self._deadline(route)) < now_ns
        ]
        for deadline, number in sorted(ended):
            # One ns past the deadline is the first moment at which the quote is too old.
            self._judge(self._open[number], deadline + 1, deadline + 1, signals)

    def _deadline(self, route: Route) -> int:
        board = self.board
        if route.is_converted:
            return min(board.oldest_ns(route.buy_id), board.oldest_ns(route.sell_id)) + self.rules.max_age_ns
        return min(board.recv_ns[route.buy_id], board.recv_ns[route.sell_id]) + self.rules.max_age_ns

    def _judge(self, route: Route, now_ns: int, cause_ns: int, signals: list[Signal]) -> None:
        ask, bid = self.board.asks[route.buy_id], self.board.bids[route.sell_id]
        opportunity = route.opportunity
        if ask == inf or bid == 0.0:
            if opportunity is not None:
                self._close(route, opportunity, self._fault(route), now_ns, cause_ns, signals)
            return
        spreads_pct = route.spreads_pct(ask, bid)
        ending = self._ending(route, spreads_pct, now_ns)
        if opportunity is None:
            if ending:
                return
            opportunity = route.opportunity = Opportunity(now_ns, spreads_pct[0])
            self._open[route.number] = route
        elif ending:
            self._close(route, opportunity, ending, now_ns, cause_ns, signals)
            return
        elif spreads_pct[0] > opportunity.best_spread_pct:
            opportunity.best_spread_pct = spreads_pct[0]
        if route.signalled_ns is not None and now_ns - route.signalled_ns < self.rules.cooldown_ns:
            return
        state: SignalState = "update"
        if not opportunity.id:
            state = "open"
            self.opportunities += 1
            opportunity.id = f"{self._node}-{self.opportunities}"
            route.signals += 1
        elif not self._moved_materially(opportunity, spreads_pct, now_ns):
            return
        self.signal_seq += 1
        route.signalled_ns = opportunity.announced_ns = now_ns
        opportunity.announced_pct = spreads_pct
        signals.append(self._signal(route, opportunity, state, now_ns, cause_ns, ask, bid))

    def _fault(self, route: Route) -> str:
        """Why a leg is out of reach."""
        faults = self.board.faults
        faulty = route.buy if faults[route.buy_id] else route.sell
        return f"{faulty.venue}: {faults[faulty.id] or NO_RATE}"

    def _ending(self, route: Route, spreads_pct: tuple[float, float], now_ns: int) -> str:
        """Why there is no opportunity at these spreads, or an empty string where there is one."""
        if not spreads_pct[self.rules.basis == NET] > self.rules.threshold_pct:
            return "below threshold"
        return "stale" if now_ns > self._deadline(route) else ""

    def _moved_materially(self, opportunity: Opportunity, spreads_pct: tuple[float, float], now_ns: int) -> bool:
        least = max(UPDATE_LEAST_PCT, self.rules.threshold_pct * UPDATE_SHARE)
        measured = 1 if self.rules.basis == NET else 0
        moved = abs(spreads_pct[measured] - opportunity.announced_pct[measured]) >= least
        return moved and now_ns - opportunity.announced_ns >= UPDATE_EVERY_NS

    def _close(
        self, route: Route, opportunity: Opportunity, why: str, now_ns: int, cause_ns: int, signals: list[Signal]
    ) -> None:
        route.opportunity = None
        del self._open[route.number]
        if opportunity.id:
            ask, bid = self._last_prices(route)
            signals.append(self._signal(route, opportunity, "close", now_ns, cause_ns, ask, bid, why))

    def _last_prices(self, route: Route) -> tuple[float, float]:
        """Ask and bid; of a leg that is out of reach, the last price it had."""
        board = self.board
        buy, sell = board.quotes[route.buy_id], board.quotes[route.sell_id]
        assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
        ask, bid = board.asks[route.buy_id], board.bids[route.sell_id]
        if ask == inf:
            ask = buy.ask / (board.rate_used(route.buy_id, buying=True) or 1.0)
        if bid == 0.0:
            bid = sell.bid / (board.rate_used(route.sell_id, buying=False) or 1.0)
        return ask, bid

    def _signal(
        self,
        route: Route,
        opportunity: Opportunity,
        state: SignalState,
        now_ns: int,
        cause_ns: int,
        ask: float,
        bid: float,
        why: str = "",
    ) -> Signal:
        board = self.board
        buy_id, sell_id = route.buy_id, route.sell_id
        buy, sell = board.quotes[buy_id], board.quotes[sell_id]
        assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
        gross, net = route.spreads_pct(ask, bid)
        rate = None
        if route.is_converted:
            rate = board.rate_used(buy_id, buying=True) or board.rate_used(sell_id, buying=False)
        closing = state == "close"
        return Signal(
            action=route.action,
            symbol=route.symbol,
            spread_pct=round(gross, 4),
            buy_price=ask,
            sell_price=bid,
            profit_estimate=_tidy(bid - ask, ask),
            timestamp=(now_ns + self.wall_offset_ns) // 1_000_000,
            detected_at=(cause_ns + self.wall_offset_ns) // 1_000_000,
            id=opportunity.id,
            seq=self.signal_seq,
            state=state,
            buy_exchange=route.buy.venue,
            sell_exchange=route.sell.venue,
            buy_symbol=route.buy.symbol,
            sell_symbol=route.sell.symbol,
            size=min(buy.ask_size, sell.bid_size),
            net_spread_pct=round(net, 4),
            net_profit=_tidy(route.net_profit(ask, bid), ask),
            buy_age_ms=(now_ns - board.recv_ns[buy_id]) // 1_000_000,
            sell_age_ms=(now_ns - board.recv_ns[sell_id]) // 1_000_000,
            quote_rate=UNSET if rate is None else rate,
            duration_ms=(now_ns - opportunity.opened_ns) // 1_000_000 if closing else UNSET,
            best_spread_pct=round(opportunity.best_spread_pct, 4) if closing else UNSET,
            reason=why if closing else UNSET,
        )


def _tidy(amount: float, price: float) -> float:
    """A difference of prices without the noise of binary fractions, to more digits than any venue shows."""
    return round(amount, 10 if price >= 1.0 else 16)
