"""A universe of instruments, and a plain restatement of what the detector must do: every pair, anew at each step."""

from dataclasses import dataclass, field

from frozen_reference import FrozenReference
from msgspec.structs import replace

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import ROUTE_KINDS
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument, parse_symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Signal

MS = 1_000_000
S = 1000 * MS

Happening = tuple[str, int, int, int, int]
"""What was announced, buy leg, sell leg, `timestamp`, `detected_at`."""


def make(i: int, venue: str, symbol: str, counted: str = "USDT", **more: object) -> Instrument:
    return Instrument(i, venue, symbol, symbol, counted, 0.1, **more)  # type: ignore[arg-type]  # fields by name


def universe() -> list[Instrument]:
    """Spot and perpetual, counted 1:1, converted by a rate in either direction, and pairs that must not mix."""
    return [
        make(0, "alpha", "BTC/USDT"),
        make(1, "beta", "BTC/USDT"),
        make(2, "gamma", "BTC/USD"),
        make(3, "delta", "BTC/USD", rate_id=8, rate_inverted=True, rate_max_age_ms=1500.0),
        make(4, "beta", "BTC/EUR", rate_id=9, rate_max_age_ms=1500.0),
        make(5, "alpha", "BTC/USDT:USDT"),
        make(6, "beta", "BTC/USDT:USDT"),
        make(7, "gamma", "BTC/USD:BTC"),
        make(8, "delta", "USDT/USD", only_rate=True),
        make(9, "gamma", "EUR/USDT", only_rate=True),
        make(10, "alpha", "ETH/USDT"),
        make(11, "beta", "ETH/USDT"),
        make(12, "gamma", "BTC/GBP", "GBP"),
    ]


@dataclass(frozen=True)
class Put:
    """A quote that arrived `lag_ns` before the detector saw it."""

    i: int
    bid: float
    ask: float
    after_ns: int
    lag_ns: int = 0
    size: float = 1.0


@dataclass(frozen=True)
class Withdraw:
    i: int
    after_ns: int


@dataclass(frozen=True)
class Change:
    threshold_pct: float
    basis: str
    after_ns: int


@dataclass(frozen=True)
class Wait:
    after_ns: int


Step = Put | Withdraw | Change | Wait


def run_step(detector: Detector, step: Step, now_ns: int) -> list[Signal]:
    if isinstance(step, Put):
        quote = Quote(step.i, step.bid, step.size, step.ask, step.size)
        signals = detector.on_quote(quote, now_ns - step.lag_ns, now_ns)
        if now_ns % 2:
            detector.settle()  # or leave it to whoever needs it
        return signals
    if isinstance(step, Withdraw):
        return detector.withdraw(step.i, Reason(ReasonCode.DISCONNECTED), now_ns)
    if isinstance(step, Change):
        return detector.change_rules(
            replace(detector.rules, threshold_pct=step.threshold_pct, basis=step.basis), now_ns
        )
    return detector.expire(now_ns)


def make_detector(instruments: list[Instrument], rules: Rules, kinds: tuple[str, ...] = ROUTE_KINDS) -> Detector:
    return Detector(instruments, kinds, rules, "test")


def play(detector: Detector, steps: list[Step], start_ns: int = S) -> list[Signal]:
    """Every signal of the steps, and of the long silence after them."""
    now_ns, signals = start_ns, []
    for step in steps:
        now_ns += step.after_ns
        signals += run_step(detector, step, now_ns)
    return signals + detector.expire(now_ns + detector.rules.max_age_ns + S)


def place_of(instruments: list[Instrument]) -> dict[tuple[str, str], int]:
    return {(each.venue, each.symbol): each.id for each in instruments}


def happening(signal: Signal, place: dict[tuple[str, str], int]) -> Happening:
    buy = place[signal.buy_exchange, signal.buy_symbol]
    sell = place[signal.sell_exchange, signal.sell_symbol]
    return signal.state, buy, sell, signal.timestamp, signal.detected_at


@dataclass
class Standing:
    """What the reference remembers of a pair that stands."""

    is_announced: bool = False
    announced_ns: int = 0
    announced: tuple[float, float] = (0.0, 0.0)


@dataclass
class Held:
    bid: float
    ask: float
    recv_ns: int


@dataclass
class Reference:
    """Knows nothing of boards or lists of routes; asks every pair again after every step."""

    instruments: list[Instrument]
    rules: Rules
    kinds: tuple[str, ...] = ROUTE_KINDS
    held: dict[int, Held] = field(default_factory=dict)
    out: set[int] = field(default_factory=set)
    standing: dict[tuple[int, int], Standing] = field(default_factory=dict)
    last_signal_ns: dict[tuple[int, int], int] = field(default_factory=dict)

    last_ns: int = 0

    def __post_init__(self) -> None:
        self.frozen = FrozenReference(self.instruments)
        self.pairs = [(a.id, b.id) for a in self.instruments for b in self.instruments if self._is_route(a, b)]

    def step(self, step: Step, now_ns: int) -> list[Happening]:
        found = self._expire(now_ns)
        cause_ns, touched = now_ns, set[int]()
        if isinstance(step, Put):
            cause_ns = now_ns - step.lag_ns
            self.held[step.i] = Held(step.bid, step.ask, cause_ns)
            self.out.discard(step.i)
            self.frozen.put(step.i, step.bid, step.ask, cause_ns)
            touched = {step.i}
        elif isinstance(step, Withdraw):
            self.out.add(step.i)
            self.frozen.withdraw(step.i)
        elif isinstance(step, Change):
            self.rules = replace(self.rules, threshold_pct=step.threshold_pct, basis=step.basis)
            touched = {each.id for each in self.instruments}
        for buy_id, sell_id in self.pairs:
            found += self._look(
                buy_id, sell_id, now_ns, cause_ns, not touched.isdisjoint(self._moved_by(buy_id, sell_id))
            )
        return found

    def spreads(self, buy_id: int, sell_id: int) -> tuple[float, float] | None:
        """Gross and net in percent, or None where a leg takes no part."""
        converts = self._converts(buy_id, sell_id)
        buy, sell = self._price(buy_id, converts), self._price(sell_id, converts)
        if buy is None or sell is None:
            return None
        ask, bid = buy[0], sell[1]
        paid = ask * (1 + self.instruments[buy_id].taker_fee_pct / 100)
        got = bid * (1 - self.instruments[sell_id].taker_fee_pct / 100)
        return (bid - ask) / ask * 100, (got - paid) / ask * 100

    def deadline_ns(self, pair: tuple[int, int]) -> int:
        ends = []
        for i in pair:
            rate_id = self.instruments[i].rate_id
            ends.append(self.held[i].recv_ns + self.rules.max_age_ns)
            if rate_id is not None and self._converts(*pair):
                ends.append(self.held[rate_id].recv_ns + round(self.instruments[i].rate_max_age_ms * MS))
        return min(ends)

    def frozen_ns(self, pair: tuple[int, int]) -> int:
        """From when on one of the two is frozen."""
        return min(self.frozen.from_ns(i, self.rules.max_age_ns) for i in pair)

    def _converts(self, *pair: int) -> bool:
        """Two legs that are quoted in one currency meet in that."""
        return len({parse_symbol(self.instruments[i].symbol).quote for i in pair}) > 1

    def _price(self, i: int, converts: bool) -> tuple[float, float] | None:
        """Ask and bid, in the currency that counts or in the venue's own."""
        instrument, held = self.instruments[i], self.held.get(i)
        if held is None or i in self.out:
            return None
        if instrument.rate_id is None or not converts:
            return held.ask, held.bid
        rate = self.held.get(instrument.rate_id)
        if rate is None or instrument.rate_id in self.out:
            return None
        if instrument.rate_inverted:
            return held.ask / rate.bid, held.bid / rate.ask
        return held.ask * rate.ask, held.bid * rate.bid

    def _moved_by(self, *pair: int) -> set[int]:
        """The instruments whose quotes move the spread of a pair."""
        rates = {self.instruments[i].rate_id for i in pair} if self._converts(*pair) else set()
        return {*pair, *(i for i in rates if i is not None)}

    def _is_route(self, buy: Instrument, sell: Instrument) -> bool:
        if buy.only_rate or sell.only_rate or buy.base != sell.base or buy.counted_quote != sell.counted_quote:
            return False
        is_perp = [bool(parse_symbol(leg.symbol).settle) for leg in (buy, sell)]
        if is_perp[0] != is_perp[1]:
            return "spot-perp" in self.kinds
        return buy.venue != sell.venue and ("perp-perp" if is_perp[0] else "spot-spot") in self.kinds

    def _expire(self, now_ns: int) -> list[Happening]:
        found = []
        for pair in list(self.standing):
            end_ns = min(self.deadline_ns(pair) + 1, max(self.frozen_ns(pair), self.last_ns))
            found += self._cooled_down(pair, min(now_ns, end_ns - 1))
            if end_ns <= now_ns and self.standing.pop(pair).is_announced:
                found.append(("close", *pair, end_ns // MS, end_ns // MS))
        if self.standing or found:
            self.last_ns = now_ns
        return found

    def _cooled_down(self, pair: tuple[int, int], now_ns: int) -> list[Happening]:
        """What was held back is announced at the moment at which the cooldown is over."""
        state, spreads = self.standing[pair], self.spreads(*pair)
        if state.is_announced or pair not in self.last_signal_ns or spreads is None:
            return []
        ready_ns = self.last_signal_ns[pair] + self.rules.cooldown_ns
        if ready_ns > now_ns:
            return []
        state.is_announced, state.announced_ns, state.announced = True, ready_ns, spreads
        self.last_signal_ns[pair] = ready_ns
        return [("open", *pair, ready_ns // MS, ready_ns // MS)]

    def _look(self, buy_id: int, sell_id: int, now_ns: int, cause_ns: int, touched: bool) -> list[Happening]:
        pair = buy_id, sell_id
        spreads = self.spreads(*pair)
        measured = 1 if self.rules.basis == "net" else 0
        stands = (
            spreads is not None and spreads[measured] > self.rules.threshold_pct and now_ns <= self.deadline_ns(pair)
        )
        if stands and touched:
            stands = self.frozen_ns(pair) > now_ns
        at = now_ns // MS, cause_ns // MS
        if not stands:
            was = self.standing.pop(pair, None)
            return [("close", *pair, *at)] if was is not None and was.is_announced else []
        assert spreads is not None
        if not touched and pair not in self.standing:
            return []  # What was frozen until now stands again with its next quote.
        state = self.standing.setdefault(pair, Standing())
        since_ns = now_ns - self.last_signal_ns.get(pair, -(10**18))
        if not touched or since_ns < self.rules.cooldown_ns:
            return []
        least = max(0.01, self.rules.threshold_pct / 4)
        has_moved = abs(spreads[measured] - state.announced[measured]) >= least
        if state.is_announced and not (has_moved and now_ns - state.announced_ns >= 250 * MS):
            return []
        kind = "update" if state.is_announced else "open"
        state.is_announced, state.announced_ns, state.announced = True, now_ns, spreads
        self.last_signal_ns[pair] = now_ns
        return [(kind, *pair, *at)]
