"""A leg: one instrument as routes see it, with its newest quote and the prices at which it takes part."""

from collections.abc import Sequence
from math import inf

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote

NO_DATA = "no data yet"
NO_RATE = "no rate"


class Leg:
    """While it takes no part its ask is infinity and its bid 0, so that no route with it can show a positive spread,
    and no comparison on the hot path needs to ask. One object holds all that a decision reads of an instrument: what
    lies together in memory is fetched together when the caches are cold (docs/decisions/0003)."""

    __slots__ = (
        "ask",
        "bid",
        "dependents",
        "fault",
        "id",
        "instrument",
        "quote",
        "rate",
        "received",
        "recv_ns",
        "venue",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.id = instrument.id
        self.venue = instrument.venue
        self.ask = inf
        """In the currency that counts, as is `bid`."""
        self.bid = 0.0
        self.recv_ns = 0
        self.quote: Quote | None = None
        """As the venue showed it, in its own currency; kept for the eye after a withdrawal."""
        self.fault = NO_DATA
        """Why it takes no part, age left aside; empty where it does."""
        self.received = 0
        self.rate: Leg | None = None
        """The leg whose prices convert this one's; None where they count 1:1."""
        self.dependents: tuple[Leg, ...] = ()
        """The legs that this one converts."""

    def put(self, quote: Quote, ts_recv_ns: int) -> None:
        """Take in a sound quote; the prices of dependents move with it."""
        self.quote = quote
        self.recv_ns = ts_recv_ns
        self.received += 1
        if self.rate is None:
            self.ask, self.bid, self.fault = quote.ask, quote.bid, ""
        else:
            self._convert(quote, self.rate)
        for dependent in self.dependents:
            if dependent.quote is not None and dependent.fault in ("", NO_RATE):
                dependent._convert(dependent.quote, self)  # noqa: SLF001 - its own kind

    def withdraw(self, reason: str) -> None:
        """Take no part until the next quote; nor do the dependents, for want of a rate."""
        self.ask, self.bid, self.fault = inf, 0.0, reason
        for dependent in self.dependents:
            if not dependent.fault:
                dependent.ask, dependent.bid, dependent.fault = inf, 0.0, NO_RATE

    def oldest_ns(self) -> int:
        """The receipt of the oldest thing that its price rests on: its quote, or its rate."""
        return self.recv_ns if self.rate is None else min(self.recv_ns, self.rate.recv_ns)

    def rate_used(self, *, buying: bool) -> float | None:
        """Units of its own currency for one that counts; None where it counts 1:1, or has had no rate yet."""
        rate = self.rate.quote if self.rate is not None else None
        if rate is None:
            return None
        if self.instrument.rate_inverted:
            return rate.bid if buying else rate.ask
        return 1.0 / (rate.ask if buying else rate.bid)

    def _convert(self, quote: Quote, rate: "Leg") -> None:
        # Each side at the side of the rate at which it could be had: who buys must first get the currency, who
        # sells must change it back.
        to_buy, to_sell = self.rate_used(buying=True), self.rate_used(buying=False)
        if to_buy is None or to_sell is None or rate.fault:
            self.ask, self.bid, self.fault = inf, 0.0, NO_RATE
        else:
            self.ask, self.bid, self.fault = quote.ask / to_buy, quote.bid / to_sell, ""


def build_legs(instruments: Sequence[Instrument]) -> list[Leg]:
    """One leg an instrument, in their order, which is that of their ids; each tied to the one that is its rate."""
    legs = [Leg(instrument) for instrument in instruments]
    for leg in legs:
        if leg.instrument.rate_id is not None:
            leg.rate = legs[leg.instrument.rate_id]
    for leg in legs:
        leg.dependents = tuple(each for each in legs if each.rate is leg)
    return legs
