"""The newest quote of every instrument, and the prices at which it takes part: converted, or out of reach."""

from collections.abc import Sequence
from math import inf

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote

NO_DATA = "no data yet"
NO_RATE = "no rate"


class Board:
    """Lists by instrument id. An instrument that takes no part has ask infinity and bid 0, so that no route with it
    can show a positive spread, and no comparison on the hot path needs to ask."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        count = len(instruments)
        self.instruments = instruments
        self.quotes: list[Quote | None] = [None] * count
        """As the venue showed it, in its own currency; kept for the eye after a withdrawal."""
        self.asks: list[float] = [inf] * count
        """In the currency that counts."""
        self.bids: list[float] = [0.0] * count
        self.recv_ns: list[int] = [0] * count
        self.faults: list[str] = [NO_DATA] * count
        """Why an instrument takes no part, age left aside; empty where it does."""
        self.received: list[int] = [0] * count
        self._is_plain = [instrument.rate_id is None for instrument in instruments]
        self._rated: list[tuple[int, ...]] = [
            tuple(i.id for i in instruments if i.rate_id == rate.id) for rate in instruments
        ]

    def put(self, quote: Quote, ts_recv_ns: int) -> tuple[int, ...]:
        """Take in a sound quote. Returns the ids of other instruments whose prices it changes as their rate."""
        i = quote.instrument_id
        self.quotes[i] = quote
        self.recv_ns[i] = ts_recv_ns
        self.received[i] += 1
        if self._is_plain[i]:
            self.asks[i], self.bids[i], self.faults[i] = quote.ask, quote.bid, ""
        else:
            self._price(i, quote)
        dependents = self._rated[i]
        for dependent in dependents:
            if not self.faults[dependent] or self.faults[dependent] == NO_RATE:
                held = self.quotes[dependent]
                if held is not None:
                    self._price(dependent, held)
        return dependents

    def withdraw(self, i: int, reason: str) -> tuple[int, ...]:
        """Take an instrument out until its next quote. Returns the ids that lose their rate by it."""
        self.asks[i], self.bids[i], self.faults[i] = inf, 0.0, reason
        dependents = self._rated[i]
        for dependent in dependents:
            if not self.faults[dependent]:
                self.asks[dependent], self.bids[dependent], self.faults[dependent] = inf, 0.0, NO_RATE
        return dependents

    def oldest_ns(self, i: int) -> int:
        """The receipt of the oldest thing that an instrument's price rests on: its quote, or its rate."""
        rate_id = self.instruments[i].rate_id
        if rate_id is None:
            return self.recv_ns[i]
        return min(self.recv_ns[i], self.recv_ns[rate_id])

    def rate_used(self, i: int, *, buying: bool) -> float | None:
        """Units of the instrument's own currency for one that counts; None where it counts 1:1."""
        instrument = self.instruments[i]
        rate = self.quotes[instrument.rate_id] if instrument.rate_id is not None else None
        if rate is None:
            return None
        if instrument.rate_inverted:
            return rate.bid if buying else rate.ask
        return 1.0 / (rate.ask if buying else rate.bid)

    def _price(self, i: int, quote: Quote) -> None:
        instrument = self.instruments[i]
        if instrument.rate_id is None:
            self.asks[i], self.bids[i], self.faults[i] = quote.ask, quote.bid, ""
            return
        # Each side at the side of the rate at which it could be had: who buys must first get the currency, who
        # sells must change it back.
        to_buy, to_sell = self.rate_used(i, buying=True), self.rate_used(i, buying=False)
        if to_buy is None or to_sell is None or self.faults[instrument.rate_id]:
            self.asks[i], self.bids[i], self.faults[i] = inf, 0.0, NO_RATE
        else:
            self.asks[i], self.bids[i], self.faults[i] = quote.ask / to_buy, quote.bid / to_sell, ""
