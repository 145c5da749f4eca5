"""From quotes to announcements: which routes a quote touches, and when an opportunity opens, changes and closes."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.engine.leg import Leg, Legs
from arbsniper_tui.engine.make_signal import FundingTerms, make_signal, rounded
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.peers import Peers
from arbsniper_tui.engine.route_index import RouteIndex
from arbsniper_tui.engine.routes import Route, RouteKey
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, close_words
from arbsniper_tui.model.signal import Signal, SignalState

GROSS = "gross"
NET = "net"
WITNESSED_SHARE = 0.1
"""Two prices that differ by less than this share of `max_spread_pct` are each other's witness; above it the peers are
asked too."""

_ROUNDING = 1e-12
"""More than rounding can add to the ratio of two prices."""

UPDATE_EVERY_NS = 250_000_000
"""An open opportunity is announced again at most this often ..."""
UPDATE_SHARE = 0.25
"""... and only when its spread moved by this share of the threshold ..."""
UPDATE_LEAST_PCT = 0.01
"""... and by this much."""


COOLDOWN = Reason(ReasonCode.COOLDOWN)
UNJUDGED = Reason(ReasonCode.UNJUDGED)
REMOVED = Reason(ReasonCode.REMOVED)


class Rules(Struct, frozen=True):
    """What a spread must be to signal."""

    threshold_pct: float = 0.5
    basis: str = GROSS
    max_age_ns: int = 5_000_000_000
    cooldown_ns: int = 0
    max_spread_pct: float = 20.0
    """A gross spread above this is an error in somebody's prices."""


class Detector:
    """Holds the legs and the routes. Times are ns of one clock: `runtime.clock` when live, the tapes' in a replay;
    `wall_offset_ns` added to one gives the time since 1970."""

    def __init__(self, instruments: Sequence[Instrument], route_kinds: Iterable[str], rules: Rules, node: str) -> None:
        self.legs = Legs()
        self.routes = RouteIndex(self.legs, route_kinds)
        self.rules = rules
        self.wall_offset_ns = 0
        self.is_behind = False
        """Whether newer states than those held wait to be taken in. Until they are, opportunities may close, and none
        is announced."""
        self.signal_seq = 0
        self.opportunities = 0
        self.funding: dict[int, FundingTerms] = {}
        """Of perpetuals, by id. Whoever takes facts in fills it; it is looked up for a signal alone."""
        self.resumable: dict[RouteKey, str] = {}
        """Opportunities that a process which died had announced, by their ids: one that still stands is opened again,
        and not announced as new."""
        self._id_prefix = f"{node}-"
        self._open: dict[int, Route] = {}
        self.touched: set[int] = set()
        """Instruments whose state changed. The reader of their rows clears it."""
        self.suspects: set[Leg] = set()
        """Legs whose newest price is compared with its peers'; those with a newer price stay until they are shown."""
        self._must_judge_all = False
        self._peers = Peers()
        self._shown = self.legs.shown
        self._routes_of = self.routes.of
        self.add(instruments)
        self.touched.clear()

    @property
    def rules(self) -> Rules:
        """What a spread must be to signal."""
        return self._rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._rules = rules
        self._witnessed_pct = rules.max_spread_pct * WITNESSED_SHARE
        # Fees are never negative, so that no net spread is above the gross one.
        self._looked_into = 1.0 + min(rules.threshold_pct, self._witnessed_pct) / 100.0 - _ROUNDING

    @property
    def open_count(self) -> int:
        return len(self._open)

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Watch these instruments as well. Raises InstrumentError, as `Legs.add` says."""
        self.legs.add(instruments)
        self.routes.add(instruments)
        ids = [each.id for each in instruments]
        self._peers.add(self._prices_of(ids))
        self.touched.update(ids)

    def remove(self, instrument_ids: Collection[int], now_ns: int) -> list[Signal]:
        """Watch these instruments no more, and close what rested on them. Raises InstrumentError for one that is not
        watched, and for the rate of one that stays."""
        self.legs.check_removable(instrument_ids)
        signals = [signal for i in instrument_ids for signal in self.withdraw(i, REMOVED, now_ns)]
        gone = self._prices_of(instrument_ids)
        self._peers.remove(gone)
        self.suspects -= gone
        self.routes.remove(instrument_ids)
        self.legs.remove(instrument_ids)
        return signals

    def on_quote(self, quote: Quote, ts_recv_ns: int, now_ns: int) -> list[Signal]:
        """Take in a sound quote, and judge every route that it touches. Returns what is to be announced. Raises
        KeyError for an instrument that the detector does not hold."""
        signals: list[Signal] = []
        instrument_id = quote.instrument_id
        leg = self._shown[instrument_id]
        if self._open:
            self._expire(now_ns, signals)
        leg.put(quote, ts_recv_ns)
        self.touched.add(instrument_id)
        for route in self._routes_of[instrument_id]:
            # Thresholds and fees are never negative, so a bid that is not above the ask opens nothing.
            if route.sell.bid > route.buy.ask or route.opportunity is not None:
                self._judge(route, now_ns, ts_recv_ns, signals)
        if self.resumable:
            self._forget_resumable((instrument_id,))
        return signals

    def put(self, quote: Quote, ts_recv_ns: int) -> None:
        """Take in one of several sound quotes that came together; `judge` follows when the newest of each is in. Raises
        KeyError for an instrument that the detector does not hold."""
        self._shown[quote.instrument_id].put(quote, ts_recv_ns)
        self.touched.add(quote.instrument_id)

    def judge(self, touched: Mapping[int, int], now_ns: int) -> list[Signal]:
        """Judge every route of these instruments, given with the receipt of their newest quotes in ns. `expire` comes
        before the first `put`."""
        signals: list[Signal] = []
        if self._must_judge_all:
            self._judge_all(now_ns, signals)
        for instrument_id, recv_ns in touched.items():
            for route in self._routes_of[instrument_id]:
                if route.sell.bid > route.buy.ask or route.opportunity is not None:
                    self._judge(route, now_ns, recv_ns, signals)
        if self.resumable:
            self._forget_resumable(touched)
        return signals

    def withdraw(self, instrument_id: int, reason: Reason, now_ns: int) -> list[Signal]:
        """Take an instrument out until its next quote, and close what rested on it. Raises KeyError."""
        leg = self._shown[instrument_id]
        signals = self.expire(now_ns)
        leg.withdraw(reason)
        self.touched.add(instrument_id)
        for route in self._routes_of[instrument_id]:
            if route.opportunity is not None:
                self._judge(route, now_ns, now_ns, signals)
        return signals

    def expire(self, now_ns: int) -> list[Signal]:
        """Close what rests on a quote that has grown too old, and announce what a cooldown held back: each as of the
        moment at which it was due."""
        signals: list[Signal] = []
        if self._open:
            self._expire(now_ns, signals)
        return signals

    def close_all(self, reason: Reason, now_ns: int) -> list[Signal]:
        """Close every opportunity: nobody will judge it any more."""
        signals = self.expire(now_ns)
        for route in list(self._open.values()):
            assert route.opportunity is not None, "an open route has its opportunity"
            self._close(route, route.opportunity, reason, now_ns, now_ns, signals)
        return signals

    def change_rules(self, rules: Rules, now_ns: int) -> list[Signal]:
        """Judge every route anew by other rules; while behind, with the next `judge`."""
        signals = self.expire(now_ns)
        self.rules = rules
        if self.is_behind:
            self._must_judge_all = True
        else:
            self._judge_all(now_ns, signals)
        return signals

    def why_not(self, route: Route, now_ns: int) -> Reason | None:
        """The first reason why a route does not signal; None while its opportunity is open."""
        opportunity = route.opportunity
        if opportunity is not None and opportunity.id:
            return None
        gross, net = route.spreads_pct(route.buy.ask, route.sell.bid)
        if reason := self._first_reason(route, gross, net, now_ns):
            return reason
        return COOLDOWN if opportunity is not None else UNJUDGED

    def why_absurd(self, leg: Leg) -> Reason | None:
        """Why a price cannot be believed beside those of its peers; None where it can. Only a leg whose route shows a
        large spread is compared with them."""
        return self._peers.why_absurd(leg, self._rules.max_spread_pct) if leg.is_suspect else None

    def _first_reason(self, route: Route, gross: float, net: float, now_ns: int) -> Reason | None:
        """What keeps a route with these spreads from standing. The decision and the explanation both ask here."""
        rules, buy, sell = self._rules, route.buy, route.sell
        if buy.fault is not None:
            return buy.fault.at(buy.venue)
        if sell.fault is not None:
            return sell.fault.at(sell.venue)
        if now_ns - route.oldest_ns() > rules.max_age_ns:
            return _why_stale(route, now_ns, rules.max_age_ns)
        if gross > self._witnessed_pct and (absurd := self._why_unbelievable(route, gross)):
            return absurd
        measured = net if rules.basis == NET else gross
        if measured > rules.threshold_pct:
            return None
        code = ReasonCode.NET_BELOW if rules.basis == NET else ReasonCode.GROSS_BELOW
        return Reason(code, "", measured, rules.threshold_pct)

    def _why_unbelievable(self, route: Route, gross: float) -> Reason | None:
        """Why a spread of this size is an error in somebody's prices; None where it can be believed."""
        route.buy.is_suspect = route.sell.is_suspect = True
        self.suspects.update((route.buy, route.sell))
        for leg in (route.buy, route.sell):
            if absurd := self.why_absurd(leg):
                return absurd.at(leg.venue)
        if gross > self._rules.max_spread_pct:
            return Reason(ReasonCode.SPREAD_TOO_LARGE, "", gross, self._rules.max_spread_pct)
        return None

    def _judge_all(self, now_ns: int, signals: list[Signal]) -> None:
        self._must_judge_all = False
        for route in self.routes.all:
            if route.sell.bid > route.buy.ask or route.opportunity is not None:
                self._judge(route, now_ns, now_ns, signals)

    def _prices_of(self, instrument_ids: Iterable[int]) -> set[Leg]:
        return {prices[i] for i in instrument_ids for prices in (self.legs.shown, self.legs.counted)}

    def _forget_resumable(self, touched: Iterable[int]) -> None:
        """A route that both legs show a price for either was opened again just now, or does not stand any more."""
        for instrument_id in touched:
            for route in self._routes_of[instrument_id]:
                if route.buy.fault is None and route.sell.fault is None:
                    self.resumable.pop(route.key, None)

    def _expire(self, now_ns: int, signals: list[Signal]) -> None:
        max_age_ns, cooldown_ns = self._rules.max_age_ns, self._rules.cooldown_ns
        due: list[tuple[int, int]] = []
        for number, route in self._open.items():
            # One ns past the deadline is the first moment at which the quote is too old.
            end_ns = route.oldest_ns() + max_age_ns + 1
            if end_ns <= now_ns:
                due.append((end_ns, number))
            assert route.opportunity is not None, "an open route has its opportunity"
            if not self.is_behind and not route.opportunity.id and route.signalled_ns is not None:
                ready_ns = route.signalled_ns + cooldown_ns
                if ready_ns <= now_ns and ready_ns < end_ns:
                    due.append((ready_ns, number))
        for moment_ns, number in sorted(due):
            self._judge(self._open[number], moment_ns, moment_ns, signals)

    def _judge(self, route: Route, now_ns: int, cause_ns: int, signals: list[Signal]) -> None:
        """Open, announce or close. What a signal needs lies here and in the functions called, alone: after a quiet
        moment every further function costs more to fetch than to run."""
        ask, bid, opportunity = route.buy.ask, route.sell.bid, route.opportunity
        if opportunity is None and bid <= ask * self._looked_into:
            return  # Most spreads are this small, and only `why_not` needs their reason.
        gross, net = route.spreads_pct(ask, bid)
        if reason := self._first_reason(route, gross, net, now_ns):
            if opportunity is not None:
                self._close(route, opportunity, reason, now_ns, cause_ns, signals)
            return
        if opportunity is None:
            opportunity = route.opportunity = Opportunity(now_ns, gross)
            self._open[route.number] = route
            if self.resumable:
                opportunity.resumed_from = self.resumable.pop(route.key, "")
        elif gross > opportunity.best_spread_pct:
            opportunity.best_spread_pct = gross
        if route.signalled_ns is not None and now_ns - route.signalled_ns < self._rules.cooldown_ns:
            return
        state: SignalState = "update"
        if not opportunity.id:
            state = "open"
            self.opportunities += 1
            opportunity.id = self._id_prefix + str(self.opportunities)
            route.signals += 1
        elif not self._moved_materially(opportunity, (gross, net), now_ns):
            return
        if state == "update" or not opportunity.resumed_from:
            self.signal_seq += 1
        route.signalled_ns = opportunity.announced_ns = now_ns
        opportunity.announced_pct = (gross, net)
        offset_ns, seq = self.wall_offset_ns, self.signal_seq
        signals.append(make_signal(route, opportunity, state, now_ns, cause_ns, offset_ns, seq, ask, bid, self.funding))

    def _moved_materially(self, opportunity: Opportunity, spreads_pct: tuple[float, float], now_ns: int) -> bool:
        least = max(UPDATE_LEAST_PCT, self._rules.threshold_pct * UPDATE_SHARE)
        measured = 1 if self._rules.basis == NET else 0
        moved = abs(spreads_pct[measured] - opportunity.announced_pct[measured]) >= least
        return moved and now_ns - opportunity.announced_ns >= UPDATE_EVERY_NS

    def _close(
        self, route: Route, opportunity: Opportunity, why: Reason, now_ns: int, cause_ns: int, signals: list[Signal]
    ) -> None:
        route.opportunity = None
        del self._open[route.number]
        if opportunity.id:
            # Of a leg that takes no part any more, the last price that it had.
            ask = route.buy.last_price(buying=True) if route.buy.fault is not None else route.buy.ask
            bid = route.sell.last_price(buying=False) if route.sell.fault is not None else route.sell.bid
            offset_ns, seq = self.wall_offset_ns, self.signal_seq
            closing = make_signal(route, opportunity, "close", now_ns, cause_ns, offset_ns, seq, ask, bid, self.funding)
            signals.append(
                replace(
                    closing,
                    duration_ms=(now_ns - opportunity.opened_ns) // 1_000_000,
                    best_spread_pct=rounded(opportunity.best_spread_pct, 1e4),
                    reason=close_words(why),
                )
            )


def _why_stale(route: Route, now_ns: int, max_age_ns: int) -> Reason:
    """Which leg of a stale route is too old, or the rate that it is converted at."""
    leg = route.buy if now_ns - route.buy.oldest_ns() > max_age_ns else route.sell
    code = ReasonCode.RATE_STALE if leg.oldest_ns() < leg.recv_ns else ReasonCode.STALE
    return Reason(code, leg.venue, (now_ns - leg.oldest_ns()) / 1e9, max_age_ns / 1e9)
