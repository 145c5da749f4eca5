"""A plain restatement of when a stream is frozen: everything is kept, and looked through anew for each question."""

from dataclasses import dataclass, field
from itertools import pairwise

from arbsniper_tui.engine.frozen import FLOOR_BPS, NEVER_NS, OVERDUE_BOUND_BPS, OVERDUE_GAPS, SOONEST_NS, USUAL_GAPS
from arbsniper_tui.engine.past_prices import LATEST_NS, SAMPLE_NS
from arbsniper_tui.model.instrument import Instrument

Coin = tuple[str, str]
Prices = dict[int, tuple[float, float]]
"""Bid and ask by instrument; one without a price is missing."""


@dataclass
class Own:
    """What is remembered of one instrument at its last change of price."""

    prices: tuple[float, float]
    changed_ns: int
    gap_ns: float
    peers: Prices


@dataclass
class FrozenReference:
    instruments: list[Instrument]
    now: dict[Coin, Prices] = field(default_factory=dict)
    past: dict[Coin, list[tuple[int, Prices]]] = field(default_factory=dict)
    """Former prices, each with the time until which they stood."""
    changed_ns: dict[Coin, int] = field(default_factory=dict)
    own: dict[int, Own] = field(default_factory=dict)

    def put(self, i: int, bid: float, ask: float, ts_ns: int) -> None:
        before, coin = self.own.get(i), self._coin(i)
        if before is not None and before.prices == (bid, ask):
            if i not in self.now[coin]:
                self._set(coin, ts_ns)[i] = (bid, ask)
            return
        prices = self._set(coin, ts_ns)
        prices[i] = (bid, ask)
        last_ns, gap_ns = (before.changed_ns, before.gap_ns) if before else (0, LATEST_NS // USUAL_GAPS)
        if ts_ns > last_ns:
            gap_ns += (min(ts_ns - last_ns, LATEST_NS) - gap_ns) // 8
        self.own[i] = Own((bid, ask), max(ts_ns, last_ns), gap_ns, dict(prices))

    def withdraw(self, i: int) -> None:
        coin = self._coin(i)
        self._set(coin, self.changed_ns.get(coin, 0)).pop(i, None)

    def from_ns(self, i: int, max_age_ns: int) -> int:
        """From when on an instrument is frozen; NEVER_NS where its peers have not moved away."""
        own = self.own[i]
        overdue_ns = own.changed_ns + max(max_age_ns, OVERDUE_GAPS * int(own.gap_ns)) + 1
        return min(
            self._from_ns(i, max_age_ns, FLOOR_BPS),
            max(self._from_ns(i, max_age_ns, OVERDUE_BOUND_BPS), overdue_ns),
        )

    def _from_ns(self, i: int, max_age_ns: int, floor_bps: float) -> int:
        own, coin = self.own[i], self._coin(i)
        if not (directions := self._moved(i, self.now[coin], floor_bps)):
            return NEVER_NS
        since_ns = self.changed_ns[coin]
        past = self.past[coin]
        starts = [past[0][0], *(min(one + SAMPLE_NS, other) for (one, _), (other, _) in pairwise(past))]
        for start_ns, (until_ns, prices) in zip(reversed(starts), reversed(past), strict=True):
            if until_ns <= own.changed_ns or max(directions) not in self._moved(i, prices, floor_bps):
                break
            since_ns = start_ns
        patience_ns = max(SOONEST_NS, min(USUAL_GAPS * own.gap_ns, max_age_ns, LATEST_NS))
        return max(since_ns, own.changed_ns) + int(patience_ns)

    def _coin(self, i: int) -> Coin:
        return self.instruments[i].base, self.instruments[i].counted_quote

    def _set(self, coin: Coin, ts_ns: int) -> Prices:
        prices, past = self.now.setdefault(coin, {}), self.past.setdefault(coin, [])
        if not past or ts_ns >= past[-1][0] + SAMPLE_NS:
            past.append((ts_ns, dict(prices)))
        self.changed_ns[coin] = ts_ns
        return prices

    def _moved(self, i: int, prices: Prices, floor_bps: float) -> set[int]:
        """1 where the prices of peers on two venues are above what they were at the last change, -1 where below."""
        books: dict[int, set[str]] = {1: set(), -1: set()}
        now, me = self.now[self._coin(i)], self.instruments[i]
        for k, was in self.own[i].peers.items():
            peer = self.instruments[k]
            if k not in prices or (peer.book_venue, peer.symbol) == (me.book_venue, me.symbol):
                continue
            own_width = 0.0 if floor_bps == OVERDUE_BOUND_BPS else self._width(i)
            bound = max(floor_bps / 1e4, own_width, self._width(k) if prices is now else 0.0) * (1 + 1e-6)
            ratio = sum(prices[k]) / sum(was)
            if ratio > 1 + bound:
                books[1].add(peer.book_venue)
            elif 1 / ratio > 1 + bound:
                books[-1].add(peer.book_venue)
        return {way for way, found in books.items() if len(found) > 1}

    def _width(self, i: int) -> float:
        bid, ask = self.now[self._coin(i)].get(i, (1.0, 1.0))
        return (ask - bid) / bid
