"""The gates that a route must pass to signal, in their order. Decision, explanation, close and counts all ask here."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from arbsniper_tui.engine.frozen import SOONEST_NS
from arbsniper_tui.engine.peers import Peers
from arbsniper_tui.engine.routes import Route, RouteKey
from arbsniper_tui.engine.rules import NET, Rules
from arbsniper_tui.model.reason import NOT_TRADED, Reason, ReasonCode

COOLDOWN = Reason(ReasonCode.COOLDOWN)
MUTED = Reason(ReasonCode.MUTED)
SAME_BOOK = Reason(ReasonCode.SAME_BOOK)
UNJUDGED = Reason(ReasonCode.UNJUDGED)
USUAL_UNKNOWN = Reason(ReasonCode.USUAL_UNKNOWN)


class Look:
    """What gates are asked about beside the route itself. The detector has one, and fills in time and spreads anew for
    each route."""

    __slots__ = ("announcing", "gross_pct", "muted", "net_pct", "now_ns", "peers", "rules", "standing", "witnessed_pct")

    def __init__(self, rules: Rules, peers: Peers) -> None:
        self.peers = peers
        self.now_ns = 0
        self.gross_pct = self.net_pct = 0.0
        self.change(rules, frozenset())

    def change(self, rules: Rules, muted: frozenset[RouteKey]) -> None:
        """Hold routes against these rules from now on; the user does not want to hear of those that are muted."""
        self.rules = rules
        self.muted = muted
        self.witnessed_pct = rules.witnessed_pct
        asked = [gate for gate in GATES if gate.is_asked(self)]
        self.standing = tuple(dict.fromkeys(gate.glance or gate.check for gate in asked if not gate.holds_back))
        """Why a route is no opportunity: the gates that have a bound at all, and so could say no."""
        self.announcing = tuple(gate.check for gate in asked if gate.holds_back)
        """Why an opportunity is not announced yet."""


Check = Callable[[Route, Look], Reason | None]
"""Why the route may not signal, or None."""


def _always(look: Look) -> bool:
    return True


class Gate(Struct, frozen=True):
    """One condition of a signal."""

    name: str
    """What `model.gate_words` explains."""
    check: Check
    setting: str = ""
    """The key of its bound; empty where it has none."""
    holds_back: bool = False
    """Whether it delays an announcement alone: an opportunity that it stops stands all the same."""
    is_asked: Callable[[Look], bool] = _always
    """Whether it can say no, under the rules in force."""
    glance: Check | None = None
    """Asked once in place of it and of its neighbours with the same: the first reason of all of them. Most routes pass
    them at a glance, and after a quiet moment each function costs more to fetch than to run."""


def _traded(route: Route, look: Look) -> Reason | None:
    for leg in (route.buy, route.sell):
        if leg.fault is not None and leg.fault.code in NOT_TRADED:
            return leg.fault.at(leg.venue)
    return None


def _sound(route: Route, look: Look) -> Reason | None:
    for leg in (route.buy, route.sell):
        if leg.fault is not None and leg.fault.code is not ReasonCode.NO_RATE:
            return leg.fault.at(leg.venue)
    return None


def _rated(route: Route, look: Look) -> Reason | None:
    for leg in route.converted:
        if leg.fault is not None:
            return leg.fault.at(leg.venue)
        age_ns = look.now_ns - leg.rate.recv_ns
        if age_ns > leg.rate_max_ns:
            return Reason(ReasonCode.RATE_STALE, leg.venue, age_ns / 1e9, leg.rate_max_ns / 1e9)
    return None


def _one_coin(route: Route, look: Look) -> Reason | None:
    for leg in (route.buy, route.sell):
        if leg.doubt is not None:
            return leg.doubt.at(leg.venue)
    return None


def _fresh(route: Route, look: Look) -> Reason | None:
    max_age_ns = look.rules.max_age_ns
    for leg in (route.buy, route.sell):
        age_ns = look.now_ns - leg.recv_ns
        if age_ns > max_age_ns:
            return Reason(ReasonCode.STALE, leg.venue, age_ns / 1e9, max_age_ns / 1e9)
    return None


def _alive(route: Route, look: Look) -> Reason | None:
    for leg in (route.buy, route.sell):
        stream = leg.stream
        # Most have changed so lately that nothing more is asked.
        if stream is None or look.now_ns - stream.changed_ns < SOONEST_NS:
            continue
        if stream.frozen_from_ns(look.rules.max_age_ns, look.now_ns) <= look.now_ns:
            frozen = stream.why_frozen(look.now_ns, look.rules.max_age_ns)
            return frozen and frozen.at(leg.venue)
    return None


def _independent(route: Route, look: Look) -> Reason | None:
    is_relayed = route.buy.venue != route.sell.venue and route.buy.book[0] == route.sell.book[0]
    return SAME_BOOK if is_relayed else None


def _believable(route: Route, look: Look) -> Reason | None:
    if look.gross_pct <= look.witnessed_pct:
        return None
    for leg in (route.buy, route.sell):
        if absurd := look.peers.why_absurd(leg, look.rules.max_spread_pct):
            return absurd.at(leg.venue)
    return None


def _plain(route: Route, look: Look) -> Reason | None:
    """Most routes rest on two sound legs in their own currencies, that changed just now and do not differ by much."""
    buy, sell = route.buy, route.sell
    oldest_ns, lately_ns = look.now_ns - look.rules.max_age_ns, look.now_ns - SOONEST_NS
    if not (
        buy.fault is None
        and sell.fault is None
        and buy.doubt is None
        and sell.doubt is None
        and buy.recv_ns >= oldest_ns
        and sell.recv_ns >= oldest_ns
        and not route.is_converted
        and look.gross_pct <= look.witnessed_pct
        and buy.book[0] != sell.book[0]
    ):
        return first_reason(_OF_PLAIN, route, look)
    bought, sold = buy.stream, sell.stream
    if (bought is None or bought.changed_ns > lately_ns) and (sold is None or sold.changed_ns > lately_ns):
        return None
    return _alive(route, look)


def _within_cap(route: Route, look: Look) -> Reason | None:
    if look.gross_pct <= look.rules.max_spread_pct:
        return None
    return Reason(ReasonCode.SPREAD_TOO_LARGE, "", look.gross_pct, look.rules.max_spread_pct)


def _unmuted(route: Route, look: Look) -> Reason | None:
    return MUTED if route.key in look.muted else None


def _above_threshold(route: Route, look: Look) -> Reason | None:
    rules = look.rules
    measured = look.net_pct if rules.basis == NET else look.gross_pct
    bound = rules.threshold_pct
    if route.opportunity is not None:
        bound -= rules.hysteresis_pct
    if measured > bound:
        return None
    code = ReasonCode.NET_BELOW if rules.basis == NET else ReasonCode.GROSS_BELOW
    return Reason(code, "", measured, bound)


def _large_enough(route: Route, look: Look) -> Reason | None:
    buy, sell = route.buy, route.sell
    if not (buy.min_size or sell.min_size or buy.min_worth or sell.min_worth):
        return None
    size = route.tradable_size()
    for leg, price in ((buy, buy.ask), (sell, sell.bid)):
        if size < leg.min_size:
            return Reason(ReasonCode.TOO_SMALL, leg.venue, size, leg.min_size, leg.instrument.base)
        if leg.min_worth and size * price < (bound := leg.min_worth / (leg.rate_used(buying=False) or 1.0)):
            return Reason(ReasonCode.TOO_SMALL, leg.venue, size * price, bound, leg.currency)
    return None


def _worth_it(route: Route, look: Look) -> Reason | None:
    total = route.net_total()
    if total is not None and total >= look.rules.min_net_total:
        return None
    return Reason(ReasonCode.TOTAL_BELOW, "", total, look.rules.min_net_total, route.buy.instrument.counted_quote)


def _unusual(route: Route, look: Look) -> Reason | None:
    if route.usual is None:
        return USUAL_UNKNOWN
    zscore = route.usual.zscore(look.gross_pct)
    return None if zscore >= look.rules.min_zscore else Reason(ReasonCode.USUAL, "", zscore, look.rules.min_zscore)


def _lasting(route: Route, look: Look) -> Reason | None:
    if route.opportunity is None:
        return None
    life_ns = look.now_ns - route.opportunity.opened_ns
    if life_ns >= look.rules.min_life_ns:
        return None
    return Reason(ReasonCode.TOO_YOUNG, "", life_ns / 1e6, look.rules.min_life_ns / 1e6)


def _rested(route: Route, look: Look) -> Reason | None:
    if route.signalled_ns is None or look.now_ns - route.signalled_ns >= look.rules.cooldown_ns:
        return None
    return COOLDOWN


GATES = (
    Gate("muted", _unmuted, is_asked=lambda look: bool(look.muted)),
    Gate("traded", _traded, glance=_plain),
    Gate("book", _sound, glance=_plain),
    Gate("rate", _rated, "quotes.*.max_age_ms", glance=_plain),
    Gate("identity", _one_coin, glance=_plain),
    Gate("fresh", _fresh, "signals.max_quote_age_ms", glance=_plain),
    Gate("alive", _alive, glance=_plain),
    Gate("independent", _independent, glance=_plain),
    Gate("believable", _believable, "signals.max_spread_pct", glance=_plain),
    Gate("cap", _within_cap, "signals.max_spread_pct", glance=_plain),
    Gate("threshold", _above_threshold, "signals.threshold_pct"),
    Gate("size", _large_enough),
    Gate("total", _worth_it, "signals.min_net_total", is_asked=lambda look: look.rules.min_net_total > 0),
    Gate("unusual", _unusual, "signals.min_zscore", is_asked=lambda look: look.rules.min_zscore > 0),
    Gate("life", _lasting, "signals.min_life_ms", True, lambda look: look.rules.min_life_ns > 0),
    Gate("cooldown", _rested, "signals.cooldown_s", True, lambda look: look.rules.cooldown_ns > 0),
)
"""All gates. The first that says no gives the reason."""
_OF_PLAIN = tuple(gate.check for gate in GATES if gate.glance is _plain)


def why_not(route: Route, look: Look) -> Reason | None:
    """The first reason why a route does not signal; None while its opportunity is announced."""
    if route.opportunity is not None and route.opportunity.id:
        return None
    return first_reason(look.standing, route, look) or first_reason(look.announcing, route, look) or UNJUDGED


def breakdown(route: Route, look: Look) -> tuple[tuple[str, Reason | None], ...]:
    """The name and the outcome of each gate up to the first that says no, whose reason is that of `why_not`. One that
    holds back an announcement says nothing of an opportunity that has had it."""
    is_announced = route.opportunity is not None and bool(route.opportunity.id)
    outcomes: list[tuple[str, Reason | None]] = []
    for gate in GATES:
        if gate.holds_back and is_announced:
            continue
        reason = gate.check(route, look) if gate.is_asked(look) else None
        outcomes.append((gate.name, reason))
        if reason:
            return tuple(outcomes)
    if not is_announced:
        outcomes.append(("judged", UNJUDGED))
    return tuple(outcomes)


def first_reason(checks: Iterable[Check], route: Route, look: Look) -> Reason | None:
    """What the first of these gates says that says no; None where none does."""
    for check in checks:
        if reason := check(route, look):
            return reason
    return None
