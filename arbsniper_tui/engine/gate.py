"""From quotes to announcements: which routes a quote touches, and when an opportunity opens, changes and closes."""

from collections.abc import Sequence
from math import inf

from msgspec import UNSET, Struct

from arbsniper_tui.engine.board import NO_RATE, Board
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.routes import Route, spread_pct
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
        return min(board.oldest_ns(route.buy_id), board.oldest_ns(route.sell_id)) + self.rules.max_age_ns

    def _judge(self, route: Route, now_ns: int, cause_ns: int, signals: list[Signal]) -> None:
        ask, bid = self.board.asks[route.buy_id], self.board.bids[route.sell_id]
        opportunity = route.opportunity
        ending = self._ending(route, ask, bid, now_ns)
        if opportunity is None:
            if ending:
                return
            opportunity = route.opportunity = Opportunity(now_ns, spread_pct(ask, bid))
            self._open[route.number] = route
        elif ending:
            self._close(route, opportunity, ending, now_ns, cause_ns, signals)
            return
        spreads_pct = route.spreads_pct(ask, bid)
        opportunity.best_spread_pct = max(opportunity.best_spread_pct, spreads_pct[0])
        if route.signalled_ns is not None and now_ns - route.signalled_ns < self.rules.cooldown_ns:
            return
        if not opportunity.id:
            self.opportunities += 1
            opportunity.id = f"{self._node}-{self.opportunities}"
            route.signals += 1
            signals.append(self._announce(route, opportunity, "open", now_ns, cause_ns))
        elif self._moved_materially(opportunity, spreads_pct, now_ns):
            signals.append(self._announce(route, opportunity, "update", now_ns, cause_ns))

    def _ending(self, route: Route, ask: float, bid: float, now_ns: int) -> str:
        """Why there is no opportunity at these prices, or an empty string where there is one."""
        if ask == inf or bid == 0.0:
            board = self.board
            faulty = route.buy if board.faults[route.buy_id] else route.sell
            return f"{faulty.venue}: {board.faults[faulty.id] or NO_RATE}"
        gross, net = route.spreads_pct(ask, bid)
        if not (net if self.rules.basis == NET else gross) > self.rules.threshold_pct:
            return "below threshold"
        if now_ns > self._deadline(route):
            return "stale"
        return ""

    def _moved_materially(self, opportunity: Opportunity, spreads_pct: tuple[float, float], now_ns: int) -> bool:
        least = max(UPDATE_LEAST_PCT, self.rules.threshold_pct * UPDATE_SHARE)
        measured = 1 if self.rules.basis == NET else 0
        moved = abs(spreads_pct[measured] - opportunity.announced_pct[measured]) >= least
        return moved and now_ns - opportunity.announced_ns >= UPDATE_EVERY_NS

    def _announce(
        self, route: Route, opportunity: Opportunity, state: SignalState, now_ns: int, cause_ns: int
    ) -> Signal:
        self.signal_seq += 1
        route.signalled_ns = opportunity.announced_ns = now_ns
        signal = self._signal(route, opportunity, state, now_ns, cause_ns)
        opportunity.announced_pct = route.spreads_pct(signal.buy_price, signal.sell_price)
        return signal

    def _close(
        self, route: Route, opportunity: Opportunity, why: str, now_ns: int, cause_ns: int, signals: list[Signal]
    ) -> None:
        route.opportunity = None
        del self._open[route.number]
        if opportunity.id:
            signals.append(self._signal(route, opportunity, "close", now_ns, cause_ns, why))

    def _signal(
        self, route: Route, opportunity: Opportunity, state: SignalState, now_ns: int, cause_ns: int, why: str = ""
    ) -> Signal:
        board = self.board
        buy_id, sell_id = route.buy_id, route.sell_id
        buy, sell = board.quotes[buy_id], board.quotes[sell_id]
        assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
        ask, bid = board.asks[buy_id], board.bids[sell_id]
        # A leg that is out of reach closes with the last price it had.
        if ask == inf:
            ask = buy.ask / (board.rate_used(buy_id, buying=True) or 1.0)
        if bid == 0.0:
            bid = sell.bid / (board.rate_used(sell_id, buying=False) or 1.0)
        gross, net = route.spreads_pct(ask, bid)
        rate = board.rate_used(buy_id, buying=True) or board.rate_used(sell_id, buying=False)
        closing = state == "close"
        return Signal(
            action=route.action,
            symbol=route.symbol,
            spread_pct=round(gross, 4),
            buy_price=ask,
            sell_price=bid,
            profit_estimate=_tidy(bid - ask),
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
            net_profit=_tidy(route.net_profit(ask, bid)),
            buy_age_ms=(now_ns - board.recv_ns[buy_id]) // 1_000_000,
            sell_age_ms=(now_ns - board.recv_ns[sell_id]) // 1_000_000,
            quote_rate=UNSET if rate is None else rate,
            duration_ms=(now_ns - opportunity.opened_ns) // 1_000_000 if closing else UNSET,
            best_spread_pct=round(opportunity.best_spread_pct, 4) if closing else UNSET,
            reason=why if closing else UNSET,
        )


def _tidy(amount: float) -> float:
    """A difference of prices without the noise of binary fractions: twelve digits."""
    return float(f"{amount:.12g}")
