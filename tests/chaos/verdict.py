"""What the decisions of one cell are worth, by what the simulated market really was."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from played import MAX_AGE_MS, THRESHOLD_PCT, Played

from arbsniper_tui.engine.frozen import NEVER_NS
from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.engine.routes import Route
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.sim.chaos import Chaos
from arbsniper_tui.sim.truth import Claim, State
from arbsniper_tui.sim.venue_chaos import Struck

S = 1_000_000_000
MS = 1_000_000

PATH_NS = 750 * MS
"""A price may be this much older than its age says, since the age begins with the receipt: half a second at most
until a venue sends its batch, and a quarter by which frames may come late before that counts as age. A spread that
stood for less than this may be missed."""
WARM_UP_NS = 5 * S
"""Nothing is missed before all venues have been connected and listed."""

MENDED_NS = round(2.5 * S)
"""A leg is not missed for so long after one of its frames was lost, came out of turn, or was bad: until the next good
frame, or, where the book is lost, a second and two looks of half a second until it is asked for again."""
RECONNECTED_NS = round(3.5 * S)
"""After a connection broke off: a first pause of 1.2 s, the handshake, the list where it comes first, a first state."""
BEHIND_S = 4.0
"""A clock that is behind by more makes every quote nearly too old: behind the furthest that it ever ran ahead, since
nobody can tell a clock that was put right from a venue that is late."""


class Missed(NamedTuple):
    """A spread that stood, and that no signal told of."""

    route: str
    begins_ns: int
    ends_ns: int
    spread_pct: float


class Verdict(NamedTuple):
    """One cell of the table."""

    signals: int
    false_signals: list[Signal]
    """An order at the price of one of its legs would not have been filled."""
    worse: int
    """Signals whose orders would have been filled, at a better price than the venue was thought to have."""
    missed: list[Missed]
    standing: int
    """Spreads that stood for longer than the path takes, where both venues could be seen."""
    doubled: int
    unclosed: int

    @property
    def is_good(self) -> bool:
        return not (self.false_signals or self.missed or self.doubled or self.unclosed)


def judge(played: Played) -> Verdict:
    """Compare what was said with what was."""
    signals = [event.signal for event in played.events if event.signal is not None]
    told = [each for each in signals if each.state != "close"]
    doubled, unclosed = _broken_lives(played)
    standing = [spread for route in played.routes for spread in _standing(route, played)]
    open_spans = _open_spans(signals, played)
    missed = [each for each in standing if not _overlaps(open_spans.get(each.route, []), each)]
    inexact = [each for each in told if not _was_there(each, played, exactly=True)]
    false = [each for each in inexact if not _was_there(each, played)]
    return Verdict(len(told), false, len(inexact) - len(false), missed, len(standing), doubled, unclosed)


def _broken_lives(played: Played) -> tuple[int, int]:
    """Events that came twice, and openings without a close, after the end of all."""
    doubled = 0
    last_seq = 0
    opened: set[str] = set()
    closed: set[str] = set()
    for event in played.events:
        doubled += event.seq != last_seq + 1
        last_seq = event.seq
        if event.signal is not None and event.event != "update":
            ids = opened if event.event == "open" else closed
            doubled += event.signal.id in ids
            ids.add(event.signal.id)
    return doubled, len(opened ^ closed)


def _was_there(signal: Signal, played: Played, *, exactly: bool = False) -> bool:
    """Whether both prices could be had within the age that a quote may have before the decision."""
    since_ms = signal.timestamp - MAX_AGE_MS - PATH_NS // MS
    legs = (
        Claim(signal.buy_exchange, signal.buy_symbol, True, signal.buy_price, since_ms, signal.timestamp + 1),
        Claim(signal.sell_exchange, signal.sell_symbol, False, signal.sell_price, since_ms, signal.timestamp + 1),
    )
    return all(played.truth.was_there(leg, played.wall_offset_ns, exactly=exactly) for leg in legs)


def _standing(route: Route, played: Played) -> Iterator[Missed]:
    """Spreads above the threshold that stood for longer than the path takes, both legs to be seen all the time."""
    asks, bids = (played.truth.states(leg.venue, leg.instrument.symbol) for leg in (route.buy, route.sell))
    name = _name(route.buy, route.sell)
    hidden = sorted(span for leg in (route.buy, route.sell) for span in _hidden(leg, played.struck))
    for begins_ns, ends_ns, spread_pct in _spreads(asks, bids, played.ended_ns):
        for seen_ns, lost_ns in _without(hidden, max(begins_ns, played.began_ns + WARM_UP_NS), ends_ns):
            if lost_ns - seen_ns > PATH_NS:
                yield Missed(name, seen_ns, lost_ns, spread_pct)


def _spreads(asks: Sequence[State], bids: Sequence[State], ended_ns: int) -> Iterator[tuple[int, int, float]]:
    """From when to when the true spread was above the threshold, and the largest that it was."""
    changes = sorted([(each.at_ns, True, each.ask) for each in asks] + [(each.at_ns, False, each.bid) for each in bids])
    ask, bid, began_ns, largest = 0.0, 0.0, 0, 0.0
    for at_ns, is_ask, price in changes:
        ask, bid = (price, bid) if is_ask else (ask, price)
        spread_pct = (bid / ask - 1.0) * 100.0 if ask and bid else 0.0
        if spread_pct > THRESHOLD_PCT:
            began_ns, largest = began_ns or at_ns, max(largest, spread_pct)
        elif began_ns:
            yield began_ns, at_ns, largest
            began_ns, largest = 0, 0.0
    if began_ns:
        yield began_ns, ended_ns, largest


def _hidden(leg: Leg, struck: Sequence[Struck]) -> Iterator[tuple[int, int]]:
    """When a leg cannot be expected to be seen, because of what went wrong at its venue."""
    furthest_s = 0.0
    for each in struck:
        if each.venue != leg.venue:
            continue
        lasts_ns = each.ends_ns - each.begins_ns
        match each.kind:
            case Chaos.DUP:
                continue
            case Chaos.GAP | Chaos.REORDER | Chaos.CROSS | Chaos.GARBAGE:
                # Of whatever instrument: where the book cannot be told apart the whole connection is opened anew.
                yield each.begins_ns, each.begins_ns + MENDED_NS
            case Chaos.FREEZE:
                yield each.begins_ns, each.ends_ns + PATH_NS
            case Chaos.SKEW:
                # A few frames, until the venue's new times are believed.
                is_behind = each.amount_s < furthest_s - BEHIND_S
                yield each.begins_ns, each.ends_ns if is_behind else each.begins_ns + MENDED_NS
                furthest_s = max(furthest_s, each.amount_s)
                yield each.ends_ns, NEVER_NS if furthest_s > BEHIND_S else each.ends_ns + MENDED_NS
            case Chaos.SLOW:
                # What is late is there until it has all arrived, and a ping sent after that is answered.
                yield each.begins_ns, each.ends_ns + round(each.amount_s * S) + MENDED_NS
            case Chaos.CUT:
                yield each.begins_ns, each.begins_ns + RECONNECTED_NS
            case Chaos.REFUSE:
                # The pause between attempts doubles, so that it is as long as the whole outage at most.
                yield each.begins_ns, each.ends_ns + lasts_ns + RECONNECTED_NS


def _without(hidden: Sequence[tuple[int, int]], begins_ns: int, ends_ns: int) -> Iterator[tuple[int, int]]:
    """What is left of a span."""
    for from_ns, to_ns in hidden:
        if from_ns >= ends_ns:
            break
        if from_ns > begins_ns:
            yield begins_ns, from_ns
        begins_ns = max(begins_ns, to_ns)
    if begins_ns < ends_ns:
        yield begins_ns, ends_ns


def _open_spans(signals: Sequence[Signal], played: Played) -> dict[str, list[tuple[int, int]]]:
    """By route, from when to when it had an opportunity."""
    spans: dict[str, list[tuple[int, int]]] = {}
    begun: dict[str, int] = {}
    for signal in signals:
        at_ns = signal.timestamp * MS - played.wall_offset_ns
        if signal.state == "open":
            begun[signal.id] = at_ns
        elif signal.state == "close":
            name = f"{signal.buy_exchange} {signal.buy_symbol} > {signal.sell_exchange} {signal.sell_symbol}"
            spans.setdefault(name, []).append((begun.pop(signal.id, at_ns), at_ns))
    return spans


def _name(buy: Leg, sell: Leg) -> str:
    return f"{buy.venue} {buy.instrument.symbol} > {sell.venue} {sell.instrument.symbol}"


def _overlaps(spans: Sequence[tuple[int, int]], spread: Missed) -> bool:
    return any(from_ns <= spread.ends_ns and to_ns >= spread.begins_ns for from_ns, to_ns in spans)
