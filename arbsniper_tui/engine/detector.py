"""From quotes to announcements: which routes a quote touches, and when an opportunity opens, changes and closes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter

from msgspec.structs import replace

from arbsniper_tui.engine.expiry import OpenRoutes
from arbsniper_tui.engine.gates import Look, breakdown, first_reason, why_not
from arbsniper_tui.engine.identity import Identity
from arbsniper_tui.engine.leg import Leg, Legs
from arbsniper_tui.engine.make_signal import Decision, FundingTerms, make_signal, rounded
from arbsniper_tui.engine.opportunity import Opportunity
from arbsniper_tui.engine.peers import Peers
from arbsniper_tui.engine.route_index import RouteIndex
from arbsniper_tui.engine.routes import Route, RouteKey
from arbsniper_tui.engine.rules import NET, Rules
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, close_words
from arbsniper_tui.model.signal import Signal, SignalState

_ROUNDING = 1e-12
"""More than rounding can add to the ratio of two prices."""
UPDATE_EVERY_NS = 250_000_000
"""An open opportunity is announced again at most this often, and when its spread moved materially."""

Due = tuple[float, Route, Opportunity, SignalState]
"""What is to be announced of an opportunity, behind its spread by the basis in force."""
_by_measured_pct = itemgetter(0)

REMOVED = Reason(ReasonCode.REMOVED)


class Detector:
    """Holds the legs and the routes. Times are ns of one clock: `runtime.clock` when live, the tapes' in a replay;
    `wall_offset_ns` added to one gives the time since 1970."""

    def __init__(self, instruments: Sequence[Instrument], route_kinds: Iterable[str], rules: Rules, node: str) -> None:
        self.legs = Legs()
        self.routes = RouteIndex(self.legs, route_kinds)
        self._peers = Peers()
        self.identity = Identity()
        self._look = Look(rules, self._peers)
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
        self._moves = 0
        self._open = OpenRoutes()
        self._due: list[Due] = []
        self._moved: Leg | None = None
        """Whose price has changed with the last quote."""
        self.touched: set[int] = set()
        """Instruments whose state changed. The reader of their rows clears it."""
        self.suspects: set[Leg] = set()
        """Legs whose newest price is compared with its peers'; those with a newer price stay until they are shown."""
        self._must_judge_all = False
        self._shown = self.legs.shown
        self._routes_of = self.routes.of
        self.add(instruments)
        self.touched.clear()

    @property
    def rules(self) -> Rules:
        """What a spread must be to signal."""
        return self._look.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._look.change(rules, self._look.muted)
        # Fees are never negative, so that no net spread is above the gross one.
        self._looked_into = 1.0 + min(rules.threshold_pct, self._look.witnessed_pct) / 100.0 - _ROUNDING

    @property
    def open_count(self) -> int:
        return self._open.count

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Watch these instruments as well. Raises InstrumentError, as `Legs.add` says."""
        self.legs.add(instruments)
        self.routes.add(instruments)
        self._open.stir_all()
        ids = [each.id for each in instruments]
        self._peers.add(self._prices_of(ids))
        for i in ids:
            self._peers.compare(self.legs.shown[i], self.legs.counted[i])
        self.identity.add(self._prices_of(ids))
        self.touched.update(ids)

    def remove(self, instrument_ids: Collection[int], now_ns: int) -> list[Signal]:
        """Watch these instruments no more, and close what rested on them. Raises InstrumentError for one that is not
        watched, and for the rate of one that stays."""
        self.legs.check_removable(instrument_ids)
        signals = [signal for i in instrument_ids for signal in self.withdraw(i, REMOVED, now_ns)]
        gone = self._prices_of(instrument_ids)
        self._peers.remove(gone)
        self.identity.remove(gone)
        self.suspects -= gone
        self.routes.remove(instrument_ids)
        self.legs.remove(instrument_ids)
        self._open.stir_all()
        return signals

    def on_quote(self, quote: Quote, ts_recv_ns: int, now_ns: int) -> list[Signal]:
        """Take in a sound quote, and judge every route that it touches. Returns what is to be announced. Raises
        KeyError for an instrument that the detector does not hold."""
        signals: list[Signal] = []
        instrument_id = quote.instrument_id
        leg = self._shown[instrument_id]
        if self._open.count:
            self._expire(now_ns, signals)
        if leg.put(quote, ts_recv_ns):
            self._open.stir(leg.base)
            self._moved = leg
        self.touched.add(instrument_id)
        for route in self._routes_of[instrument_id]:
            # Thresholds and fees are never negative, so a bid that is not above the ask opens nothing.
            if route.sell.bid > route.buy.ask or route.opportunity is not None:
                self._judge(route, now_ns, ts_recv_ns, signals)
        if self._due:
            self._announce(now_ns, ts_recv_ns, signals)
        if self.resumable:
            self._forget_resumable((instrument_id,))
        return signals

    def settle(self) -> None:
        """Do what the last quote has left to do, once its signals are on their way. What needs it sooner does it."""
        if (leg := self._moved) is not None:
            self._moved = None
            if leg.stream is not None:
                leg.stream.coin.settle()

    def put(self, quote: Quote, ts_recv_ns: int) -> None:
        """Take in one of several sound quotes that came together; `judge` follows when the newest of each is in. Raises
        KeyError for an instrument that the detector does not hold."""
        leg = self._shown[quote.instrument_id]
        if leg.put(quote, ts_recv_ns):
            self._open.stir(leg.base)
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
            if self._due:
                self._announce(now_ns, recv_ns, signals)
        if self.resumable:
            self._forget_resumable(touched)
        return signals

    def withdraw(self, instrument_id: int, reason: Reason, now_ns: int) -> list[Signal]:
        """Take an instrument out until its next quote, and close what rested on it. Raises KeyError."""
        leg = self._shown[instrument_id]
        signals = self.expire(now_ns)
        leg.withdraw(reason)
        self._open.stir(leg.base)
        self.touched.add(instrument_id)
        for route in self._routes_of[instrument_id]:
            if route.opportunity is not None:
                self._judge(route, now_ns, now_ns, signals)
        return signals

    def expire(self, now_ns: int) -> list[Signal]:
        """Close what rests on a quote that has grown too old, and announce what a cooldown held back: each as of the
        moment at which it was due."""
        signals: list[Signal] = []
        if self._open.count:
            self._expire(now_ns, signals)
        return signals

    def close_all(self, reason: Reason, now_ns: int) -> list[Signal]:
        """Close every opportunity: nobody will judge it any more."""
        signals = self.expire(now_ns)
        for route in self._open:
            assert route.opportunity is not None, "an open route has its opportunity"
            self._close(route, route.opportunity, reason, now_ns, now_ns, signals)
        return signals

    def change_rules(self, rules: Rules, now_ns: int) -> list[Signal]:
        """Judge every route anew by other rules; while behind, with the next `judge`."""
        signals = self.expire(now_ns)
        self.rules = rules
        self._open.stir_all()
        if self.is_behind:
            self._must_judge_all = True
        else:
            self._judge_all(now_ns, signals)
        return signals

    @property
    def muted(self) -> frozenset[RouteKey]:
        """The routes that the user does not want to hear of."""
        return self._look.muted

    def mute(self, keys: Collection[RouteKey], now_ns: int) -> list[Signal]:
        """Hear no more of these routes, and again of those that were muted before; while behind, with the next
        `judge`."""
        changed = self._look.muted ^ set(keys)
        signals = self.expire(now_ns)
        self._look.change(self.rules, frozenset(keys))
        if self.is_behind:
            self._must_judge_all = True
            return signals
        for key in changed:
            if (route := self.routes.find(key)) is not None:
                self._judge(route, now_ns, now_ns, signals)
        self._announce(now_ns, now_ns, signals)
        return signals

    def why_not(self, route: Route, now_ns: int) -> Reason | None:
        """The first reason why a route does not signal; None while its opportunity is open."""
        return why_not(route, self._look_at(route, now_ns))

    def breakdown(self, route: Route, now_ns: int) -> tuple[tuple[str, Reason | None], ...]:
        """The outcome of each gate, up to the first that says no: `why_not` is the last of them."""
        return breakdown(route, self._look_at(route, now_ns))

    def why_absurd(self, leg: Leg) -> Reason | None:
        """Why a price cannot be believed beside those of its peers; None where it can. Only a leg whose route shows a
        large spread is compared with them."""
        return self._peers.why_absurd(leg, self.rules.max_spread_pct) if leg.is_suspect else None

    def _look_at(self, route: Route, now_ns: int) -> Look:
        look = self._look
        look.now_ns = now_ns
        if route.is_converted:
            route.choose_rates(now_ns)
        look.gross_pct, look.net_pct = route.spreads_pct(route.buy.ask, route.sell.bid)
        if look.gross_pct > look.witnessed_pct:
            route.buy.is_suspect = route.sell.is_suspect = True
            self.suspects.update((route.buy, route.sell))
        if route.buy.is_new or route.sell.is_new:
            self.identity.look_at((route.buy, route.sell), now_ns)
        return look

    def _judge_all(self, now_ns: int, signals: list[Signal]) -> None:
        self._must_judge_all = False
        for route in self.routes.all:
            if route.sell.bid > route.buy.ask or route.opportunity is not None:
                self._judge(route, now_ns, now_ns, signals)
        self._announce(now_ns, now_ns, signals)

    def _prices_of(self, instrument_ids: Iterable[int]) -> set[Leg]:
        return {prices[i] for i in instrument_ids for prices in (self.legs.shown, self.legs.counted)}

    def _forget_resumable(self, touched: Iterable[int]) -> None:
        """A route that both legs show a price for either was opened again just now, or does not stand any more."""
        for instrument_id in touched:
            for route in self._routes_of[instrument_id]:
                if route.buy.fault is None and route.sell.fault is None:
                    self.resumable.pop(route.key, None)

    def _expire(self, now_ns: int, signals: list[Signal]) -> None:
        due = self._open.due(self.rules, now_ns, is_behind=self.is_behind)
        for place, (moment_ns, _, route) in enumerate(due, 1):
            if route in self._open:  # it may have closed at an earlier moment
                self._judge(route, moment_ns, moment_ns, signals)
            if place == len(due) or due[place][0] > moment_ns:
                self._announce(moment_ns, moment_ns, signals)

    def _judge(self, route: Route, now_ns: int, cause_ns: int, signals: list[Signal]) -> None:
        """Open, close, or put among those that `_announce` is to announce. What a signal needs lies here and in the
        functions called, alone: after a quiet moment every further function costs more to fetch than to run."""
        opportunity = route.opportunity
        if opportunity is None and route.sell.bid <= route.buy.ask * self._looked_into:
            return  # Most spreads are this small, and only `why_not` needs their reason.
        look = self._look_at(route, now_ns)
        gross = look.gross_pct
        if reason := first_reason(look.standing, route, look):
            if opportunity is not None:
                self._close(route, opportunity, reason, now_ns, cause_ns, signals)
            return
        if opportunity is None:
            opportunity = route.opportunity = Opportunity(now_ns, gross)
            self._open.add(route)
            if self.resumable:
                opportunity.resumed_from = self.resumable.pop(route.key, "")
        elif gross > opportunity.best_spread_pct:
            opportunity.best_spread_pct = gross
        if look.announcing and first_reason(look.announcing, route, look):
            return
        measured = look.net_pct if look.rules.basis == NET else gross
        if not opportunity.id:
            self._due.append((measured, route, opportunity, "open"))
        elif self._moved_materially(opportunity, (gross, look.net_pct), now_ns):
            self._due.append((measured, route, opportunity, "update"))

    def _moved_materially(self, opportunity: Opportunity, spreads_pct: tuple[float, float], now_ns: int) -> bool:
        measured = 1 if self.rules.basis == NET else 0
        moved = abs(spreads_pct[measured] - opportunity.announced_pct[measured]) >= self.rules.material_pct
        return moved and now_ns - opportunity.announced_ns >= UPDATE_EVERY_NS

    def _announce(self, now_ns: int, cause_ns: int, signals: list[Signal]) -> None:
        """Announce what one move of one price has opened or changed, the best first."""
        due, self._due = self._due, []
        if len(due) > 1:
            due.sort(key=_by_measured_pct, reverse=True)
        self._moves += 1
        move = f"{self._id_prefix}m{self._moves}"
        for rank, (_, route, opportunity, state) in enumerate(due, 1):
            if state == "open":
                self.opportunities += 1
                opportunity.id = self._id_prefix + str(self.opportunities)
                opportunity.is_event_only = rank > 1 and self.rules.announce == "best"
                route.signals += 1
            is_known = state == "open" and bool(opportunity.resumed_from)
            if not is_known and not opportunity.is_event_only:
                self.signal_seq += 1
            ask, bid = route.buy.ask, route.sell.bid
            route.signalled_ns = opportunity.announced_ns = now_ns
            opportunity.announced_pct = route.spreads_pct(ask, bid)
            decision = Decision(now_ns, cause_ns, self.wall_offset_ns, self.signal_seq, move, rank)
            signals.append(make_signal(route, opportunity, state, decision, ask, bid, self.funding))

    def _close(
        self, route: Route, opportunity: Opportunity, why: Reason, now_ns: int, cause_ns: int, signals: list[Signal]
    ) -> None:
        route.opportunity = None
        self._open.remove(route)
        if opportunity.id:
            # Of a leg that takes no part any more, the last price that it had.
            ask = route.buy.last_price(buying=True) if route.buy.fault is not None else route.buy.ask
            bid = route.sell.last_price(buying=False) if route.sell.fault is not None else route.sell.bid
            decision = Decision(now_ns, cause_ns, self.wall_offset_ns, self.signal_seq)
            closing = make_signal(route, opportunity, "close", decision, ask, bid, self.funding)
            signals.append(
                replace(
                    closing,
                    duration_ms=(now_ns - opportunity.opened_ns) // 1_000_000,
                    best_spread_pct=rounded(opportunity.best_spread_pct, 1e4),
                    reason=close_words(why),
                )
            )
