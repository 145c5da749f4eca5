"""The simulated market: one price per coin, and every venue's own view of it. Seeded, with time passed in."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import exp, floor, sqrt
from random import Random

from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.instruments import SimInstrument, opening_price

NS_PER_S = 1_000_000_000

_COIN_SIGMA = {"BTC": 1.0e-4, "ETH": 1.3e-4}
_OTHER_COIN_SIGMA = 1.6e-4
"""Standard deviation of a coin's relative move in one second."""
_COIN_WEIGHT = {"BTC": 1.0, "ETH": 0.8, "SOL": 0.6}
_OTHER_COIN_WEIGHT = 0.25
_SMALL_COIN_SPREAD = 2.5
_USUAL_NOTIONAL = 12_000.0

_JUMP_EVERY_S = 4.0
_JUMP_LEAST, _JUMP_MOST = 0.0015, 0.006
_JUMP_LEAST_S, _JUMP_MOST_S = 0.3, 2.0
_JUMP = -1
"""Stands in the queue for the next jump, in place of an instrument."""

_CATCH_UP_NS = NS_PER_S // 4
"""After a longer hold-up of the process, overdue changes are spread rather than made all at once."""

_Corner = tuple[str, str, Market]
"""A venue, a coin and a market, which share one offset from the coin's price."""


class Top(Struct, frozen=True, gc=False):
    """The best bid and ask of one instrument: prices in ticks, sizes in lots, the bid below the ask."""

    instrument_id: int
    serial: int
    """Counts this instrument's changes."""
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


OnChange = Callable[[Top, int], None]
"""A best bid and ask, and since when it is in force, in ns of the clock that is passed in."""


class MarketWalk:
    """All instruments as they move. Only what is watched moves; `advance` says what has changed."""

    def __init__(
        self,
        instruments: Sequence[SimInstrument],
        seed: int,
        frames_per_s: float,
        first_serial: int = 1,
        on_change: OnChange | None = None,
    ) -> None:
        """`on_change` is told of each best bid and ask when it comes into force."""
        self.instruments = instruments
        self._on_change = on_change
        self._rng = Random(seed)
        self._coins = {instrument.base: _Coin(instrument.base) for instrument in instruments}
        self._usdt_usd = _Reverting(mean=0.9995, deviation=0.0001, time_constant_s=600.0)
        self._offsets = {_corner(instrument): _offset(instrument) for instrument in instruments}
        self._jumps: dict[_Corner, _Jump] = {}
        self._rates_hz = _change_rates_hz(instruments, frames_per_s)
        self._tops: dict[int, Top] = {}
        self._first_serial = first_serial
        self._watched: dict[int, int] = {}
        self._watch_count = 0
        self._queue: list[tuple[int, int, int]] = []

    def watch(self, instrument_id: int, now_ns: int) -> None:
        """Let an instrument move from now on."""
        if instrument_id in self._watched:
            return
        if not self._watch_count:
            self._await_jump(now_ns)
        self._watch_count += 1
        self._watched[instrument_id] = self._watch_count
        self._await_change(now_ns, instrument_id)

    def unwatch(self, instrument_id: int) -> None:
        """Leave an instrument where it is."""
        self._watched.pop(instrument_id, None)

    def top(self, instrument_id: int, now_ns: int) -> Top:
        """The best bid and ask in force; for an instrument that nobody watches, a new one."""
        top = self._tops.get(instrument_id)
        if top is None or instrument_id not in self._watched:
            top = self._change(instrument_id, now_ns)
        return top

    @property
    def next_due_ns(self) -> int | None:
        """When something changes next; None while nothing is watched."""
        return self._queue[0][0] if self._queue else None

    def advance(self, now_ns: int) -> list[Top]:
        """Every change up to now, in order of time."""
        changes: list[Top] = []
        while self._queue and self._queue[0][0] <= now_ns:
            due_ns, instrument_id, watch_number = heappop(self._queue)
            at_ns = max(due_ns, now_ns - _CATCH_UP_NS)
            if instrument_id == _JUMP:
                self._jump(at_ns)
            elif abs(watch_number) == self._watched.get(instrument_id):
                changes.append(self._change(instrument_id, at_ns))
                if watch_number > 0:
                    self._await_change(at_ns, instrument_id)
        return changes

    def _await_change(self, at_ns: int, instrument_id: int) -> None:
        wait_s = self._rng.expovariate(self._rates_hz[instrument_id])
        heappush(self._queue, (at_ns + round(wait_s * NS_PER_S), instrument_id, self._watched[instrument_id]))

    def _await_jump(self, at_ns: int) -> None:
        wait_s = self._rng.expovariate(1.0 / _JUMP_EVERY_S)
        heappush(self._queue, (at_ns + round(wait_s * NS_PER_S), _JUMP, 0))

    def _jump(self, at_ns: int) -> None:
        """Move one watched venue's price of one coin away from the others for a moment."""
        rng = self._rng
        corners = dict.fromkeys(_corner(self.instruments[instrument_id]) for instrument_id in self._watched)
        candidates = [
            corner
            for corner in corners
            if corner[1] != "USDT" and any(o[0] != corner[0] and o[1:] == corner[1:] for o in corners)
        ]
        if candidates:
            corner = rng.choice(candidates)
            shift = rng.uniform(_JUMP_LEAST, _JUMP_MOST) * rng.choice((-1, 1))
            until_ns = at_ns + round(rng.uniform(_JUMP_LEAST_S, _JUMP_MOST_S) * NS_PER_S)
            self._jumps[corner] = _Jump(shift, until_ns)
            for instrument_id, watch_number in self._watched.items():
                if _corner(self.instruments[instrument_id]) == corner:
                    # A negative number: one change that does not plan the next.
                    heappush(self._queue, (at_ns, instrument_id, -watch_number))
                    heappush(self._queue, (until_ns, instrument_id, -watch_number))
        self._await_jump(at_ns)

    def _change(self, instrument_id: int, at_ns: int) -> Top:
        instrument = self.instruments[instrument_id]
        price = self._price(instrument, at_ns)
        scale = 10**instrument.price_digits
        spread = instrument.spread * self._rng.lognormvariate(0.0, 0.4)
        if instrument.base not in _COIN_WEIGHT and instrument.base != "USDT":
            spread *= _SMALL_COIN_SPREAD
        spread_ticks = max(1, round(price * spread * scale))
        bid_ticks = max(1, floor(price * scale - spread_ticks / 2))
        held = self._tops.get(instrument_id)
        top = Top(
            instrument_id,
            held.serial + 1 if held else self._first_serial,
            bid_ticks,
            self._lots(instrument, price),
            bid_ticks + spread_ticks,
            self._lots(instrument, price),
        )
        self._tops[instrument_id] = top
        if self._on_change is not None:
            self._on_change(top, at_ns)
        return top

    def _price(self, instrument: SimInstrument, at_ns: int) -> float:
        rng = self._rng
        rate = self._usdt_usd.at(at_ns, rng) if instrument.quote == "USD" else 1.0
        corner = _corner(instrument)
        away = self._offsets[corner].at(at_ns, rng)
        if instrument.base == "USDT":
            return rate * (1.0 + away)
        coin = self._coins[instrument.base]
        price = coin.at(at_ns, rng) * rate
        if instrument.market is Market.PERP:
            price *= 1.0 + coin.basis.at(at_ns, rng)
        jump = self._jumps.get(corner)
        if jump is not None and at_ns < jump.until_ns:
            away += jump.shift
        return price * (1.0 + away) * instrument.multiplier

    def _lots(self, instrument: SimInstrument, price: float) -> int:
        notional = _USUAL_NOTIONAL * self._rng.lognormvariate(0.0, 1.0)
        unit_worth = instrument.contract if instrument.inverse else price * (instrument.contract or 1.0)
        return max(1, round(notional / unit_worth * 10.0**instrument.size_digits))


class _Jump(Struct, frozen=True):
    shift: float
    until_ns: int


class _Reverting:
    """A value that wanders around its mean."""

    def __init__(self, mean: float, deviation: float, time_constant_s: float) -> None:
        self._mean = mean
        self._deviation = deviation
        self._time_constant_s = time_constant_s
        self._value = mean
        self._at_ns: int | None = None

    def at(self, now_ns: int, rng: Random) -> float:
        elapsed_s = max(0, now_ns - self._at_ns) / NS_PER_S if self._at_ns is not None else 0.0
        self._at_ns = now_ns
        if elapsed_s:
            kept = exp(-elapsed_s / self._time_constant_s)
            step = self._deviation * sqrt(1.0 - kept * kept) * rng.gauss(0.0, 1.0)
            self._value = self._mean + (self._value - self._mean) * kept + step
        return self._value


class _Coin:
    """A coin's price in USDT as a geometric random walk, and how far its perpetuals stand from it."""

    def __init__(self, base: str) -> None:
        self.basis = _Reverting(mean=0.0003, deviation=0.0001, time_constant_s=120.0)
        self._sigma = _COIN_SIGMA.get(base, _OTHER_COIN_SIGMA)
        self._price = opening_price(base)
        self._at_ns: int | None = None

    def at(self, now_ns: int, rng: Random) -> float:
        elapsed_s = max(0, now_ns - self._at_ns) / NS_PER_S if self._at_ns is not None else 0.0
        self._at_ns = now_ns
        if elapsed_s:
            self._price *= exp(self._sigma * sqrt(elapsed_s) * rng.gauss(0.0, 1.0))
        return self._price


def _corner(instrument: SimInstrument) -> _Corner:
    return instrument.venue, instrument.base, instrument.market


def _offset(instrument: SimInstrument) -> _Reverting:
    deviation = 0.2e-4 if instrument.base == "USDT" else 1.0e-4
    return _Reverting(mean=0.0, deviation=deviation, time_constant_s=3.0)


def _weight(instrument: SimInstrument) -> float:
    return instrument.weight * _COIN_WEIGHT.get(instrument.base, _OTHER_COIN_WEIGHT)


def _change_rates_hz(instruments: Sequence[SimInstrument], frames_per_s: float) -> list[float]:
    spot = [instrument for instrument in instruments if instrument.market is Market.SPOT]
    measured = [instrument for instrument in spot if instrument.base in _COIN_WEIGHT] or spot or instruments
    scale = frames_per_s / sum(map(_weight, measured))
    return [_weight(instrument) * scale for instrument in instruments]
