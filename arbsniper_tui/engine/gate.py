"""From quotes to announcements: which routes a quote touches, and when an opportunity opens, changes and closes."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from arbsniper_tui.engine.leg import build_legs
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.routes import Route, build_routes
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.signal import Signal, SignalState

GROSS = "gross"
NET = "net"

_NO_FRACTIONS = 1.5 * 2**52
"""Beside this, a float holds no fraction: adding it rounds to the nearest whole number."""

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
    """Holds the legs and the routes. Times are ns of one clock: monotonic when live, the tapes' in a replay;
    `wall_offset_ns` added to one gives the time since 1970."""

    def __init__(self, instruments: Sequence[Instrument], route_kinds: Iterable[str], rules: Rules, node: str) -> None:
        self.legs = build_legs(instruments)
        self.routes = build_routes(self.legs, route_kinds)
        self.rules = rules
        self.wall_offset_ns = 0
        self.signal_seq = 0
        self.opportunities = 0
        self._id_prefix = f"{node}-"
        self._open: dict[int, Route] = {}
        self._routes_of: list[list[Route]] = [[] for _ in self.legs]
        for route in self.routes:
            self._routes_of[route.buy.id].append(route)
            self._routes_of[route.sell.id].append(route)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def on_quote(self, quote: Quote, ts_recv_ns: int, now_ns: int) -> list[Signal]:
        """Take in a sound quote, and judge every route that it touches. Returns what is to be announced."""
        signals: list[Signal] = []
        if self._open:
            self._expire(now_ns, signals)
        leg = self.legs[quote.instrument_id]
        leg.put(quote, ts_recv_ns)
        for route in self._routes_of[leg.id]:
            # Thresholds and fees are never negative, so a bid that is not above the ask opens nothing.
            if route.sell.bid > route.buy.ask or route.opportunity is not None:
                self._judge(route, now_ns, ts_recv_ns, signals)
        for dependent in leg.dependents:
            for route in self._routes_of[dependent.id]:
                self._judge(route, now_ns, ts_recv_ns, signals)
        return signals

    def withdraw(self, instrument_id: int, reason: str, now_ns: int) -> list[Signal]:
        """Take an instrument out until its next quote, and close what rested on it."""
        signals = self.expire(now_ns)
        leg = self.legs[instrument_id]
        leg.withdraw(reason)
        for touched in (leg, *leg.dependents):
            for route in self._routes_of[touched.id]:
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
        for leg in (route.buy, route.sell):
            if leg.fault:
                return f"{leg.venue}: {leg.fault}"
        for leg in (route.buy, route.sell):
            if (age_ns := now_ns - leg.oldest_ns()) > self.rules.max_age_ns:
                rate_is_older = leg.oldest_ns() < leg.recv_ns
                return f"{leg.venue}: {'rate ' if rate_is_older else ''}stale, {age_ns / 1e9:.0f} s"
        if route.opportunity is not None:
            return "cooldown"
        gross, net = route.spreads_pct(route.buy.ask, route.sell.bid)
        measured = net if self.rules.basis == NET else gross
        return f"{self.rules.basis} {measured:.2f}% is not above {self.rules.threshold_pct:.2f}%"

    def _expire(self, now_ns: int, signals: list[Signal]) -> None:
        max_age_ns = self.rules.max_age_ns
        ended = [
            (deadline_ns, number)
            for number, route in self._open.items()
            if (deadline_ns := route.oldest_ns() + max_age_ns) < now_ns
        ]
        for deadline_ns, number in sorted(ended):
            # One ns past the deadline is the first moment at which the quote is too old.
            self._judge(self._open[number], deadline_ns + 1, deadline_ns + 1, signals)

    def _judge(self, route: Route, now_ns: int, cause_ns: int, signals: list[Signal]) -> None:
        """Open, announce or close. What a signal needs lies here and in `_signal` alone: after a quiet moment every
        further function costs more to fetch than to run."""
        ask, bid, opportunity, rules = route.buy.ask, route.sell.bid, route.opportunity, self.rules
        if route.buy.fault or route.sell.fault:
            if opportunity is not None:
                faulty = route.buy if route.buy.fault else route.sell
                self._close(route, opportunity, f"{faulty.venue}: {faulty.fault}", now_ns, cause_ns, signals)
            return
        gross, net = route.spreads_pct(ask, bid)
        measured = net if rules.basis == NET else gross
        ending = "" if measured > rules.threshold_pct else "below threshold"
        if not ending and now_ns - route.oldest_ns() > rules.max_age_ns:
            ending = "stale"
        if ending:
            if opportunity is not None:
                self._close(route, opportunity, ending, now_ns, cause_ns, signals)
            return
        if opportunity is None:
            opportunity = route.opportunity = Opportunity(now_ns, gross)
            self._open[route.number] = route
        elif gross > opportunity.best_spread_pct:
            opportunity.best_spread_pct = gross
        if route.signalled_ns is not None and now_ns - route.signalled_ns < rules.cooldown_ns:
            return
        state: SignalState = "update"
        if not opportunity.id:
            state = "open"
            self.opportunities += 1
            opportunity.id = self._id_prefix + str(self.opportunities)
            route.signals += 1
        elif not self._moved_materially(opportunity, (gross, net), now_ns):
            return
        self.signal_seq += 1
        route.signalled_ns = opportunity.announced_ns = now_ns
        opportunity.announced_pct = (gross, net)
        signals.append(self._signal(route, opportunity, state, now_ns, cause_ns, ask, bid))

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
            ask, bid = _last_prices(route)
            closing = self._signal(route, opportunity, "close", now_ns, cause_ns, ask, bid)
            signals.append(
                replace(
                    closing,
                    duration_ms=(now_ns - opportunity.opened_ns) // 1_000_000,
                    best_spread_pct=_rounded(opportunity.best_spread_pct, 1e4),
                    reason=why,
                )
            )

    def _signal(
        self,
        route: Route,
        opportunity: Opportunity,
        state: SignalState,
        now_ns: int,
        cause_ns: int,
        ask: float,
        bid: float,
    ) -> Signal:
        buying, selling = route.buy, route.sell
        buy, sell = buying.quote, selling.quote
        assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
        gross, net = route.spreads_pct(ask, bid)
        rate = None
        if route.is_converted:
            rate = buying.rate_used(buying=True) or selling.rate_used(buying=False)
        # Differences of prices without the noise of binary fractions, to more decimals than venues show.
        per_unit = 1e10 if ask >= 1.0 else 1e14 if ask >= 1e-4 else 1e18
        return Signal(
            action=route.action,
            symbol=route.symbol,
            spread_pct=_rounded(gross, 1e4),
            buy_price=ask,
            sell_price=bid,
            profit_estimate=_rounded(bid - ask, per_unit),
            timestamp=(now_ns + self.wall_offset_ns) // 1_000_000,
            detected_at=(cause_ns + self.wall_offset_ns) // 1_000_000,
            id=opportunity.id,
            seq=self.signal_seq,
            state=state,
            buy_exchange=buying.venue,
            sell_exchange=selling.venue,
            buy_symbol=buying.instrument.symbol,
            sell_symbol=selling.instrument.symbol,
            size=buy.ask_size if buy.ask_size < sell.bid_size else sell.bid_size,
            net_spread_pct=_rounded(net, 1e4),
            net_profit=_rounded(route.net_profit(ask, bid), per_unit),
            buy_age_ms=(now_ns - buying.recv_ns) // 1_000_000,
            sell_age_ms=(now_ns - selling.recv_ns) // 1_000_000,
            buy_market=buying.instrument.market,
            sell_market=selling.instrument.market,
            quote_rate=UNSET if rate is None else rate,
        )


def _rounded(number: float, per_unit: float) -> float:
    """To a whole number of parts of a unit, of which there may be 2**51. `round` is right about decimal ties too, but
    its code is never in the caches when a signal needs it, and costs twenty times this then."""
    return (number * per_unit + _NO_FRACTIONS - _NO_FRACTIONS) / per_unit


def _last_prices(route: Route) -> tuple[float, float]:
    """Ask and bid; of a leg that is out of reach, the last price it had."""
    buy, sell = route.buy.quote, route.sell.quote
    assert buy is not None and sell is not None, "a route with an opportunity has had both quotes"
    ask, bid = route.buy.ask, route.sell.bid
    if route.buy.fault:
        ask = buy.ask / (route.buy.rate_used(buying=True) or 1.0)
    if route.sell.fault:
        bid = sell.bid / (route.sell.rate_used(buying=False) or 1.0)
    return ask, bid
