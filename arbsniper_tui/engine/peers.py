"""A price against those of its peers: the same base coin in the same currency, elsewhere."""

from collections.abc import Iterable
from statistics import median

from arbsniper_tui.engine.frozen import CoinPrices, Stream
from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.model.reason import Reason, ReasonCode

FEWEST_PEERS = 2
"""With one peer alone nobody can tell which of the two is wrong."""


class Peers:
    """The legs by base coin and currency."""

    def __init__(self) -> None:
        self._legs: dict[tuple[str, str], list[Leg]] = {}
        self._coins: dict[tuple[str, str], CoinPrices] = {}
        """By base coin and the currency that counts."""
        self._streams: dict[int, Stream] = {}
        """By instrument."""

    def add(self, legs: Iterable[Leg]) -> None:
        """Take up legs; those of a mere rate have no peers."""
        for leg in legs:
            if not leg.instrument.only_rate:
                self._legs.setdefault((leg.instrument.base, leg.currency), []).append(leg)

    def compare(self, shown: Leg, counted: Leg) -> None:
        """Compare the moves of an instrument, which has these legs, with those of its peers in any currency."""
        if shown.instrument.only_rate:
            return
        key = (shown.instrument.base, shown.instrument.counted_quote)
        if (coin := self._coins.get(key)) is None:
            coin = self._coins[key] = CoinPrices()
        self._streams[shown.id] = coin.add((shown,) if counted is shown else (shown, counted))

    def remove(self, legs: Iterable[Leg]) -> None:
        """Drop legs that were added."""
        for leg in legs:
            if (stream := self._streams.pop(leg.id, None)) is not None:
                stream.coin.remove(stream)
                if not stream.coin.streams:
                    del self._coins[leg.instrument.base, leg.instrument.counted_quote]
            key = (leg.instrument.base, leg.currency)
            if left := [each for each in self._legs.get(key, ()) if each is not leg]:
                self._legs[key] = left
            else:
                self._legs.pop(key, None)

    def why_absurd(self, leg: Leg, limit_pct: float) -> Reason | None:
        """Why a price cannot be believed: it is more than `limit_pct` away from the median of its peers. None where it
        is not, and where fewer than two peers show a price. A book counts once, however many venues show it."""
        if leg.fault is not None:
            return None
        others = {
            each.book: (each.bid + each.ask) / 2
            for each in self._legs.get((leg.instrument.base, leg.currency), ())
            if each.book != leg.book and each.fault is None
        }
        if len(others) < FEWEST_PEERS:
            return None
        middle, bound = median(others.values()), 1.0 + limit_pct / 100.0
        price = (leg.bid + leg.ask) / 2
        if middle / bound <= price <= middle * bound:
            return None
        return Reason(ReasonCode.ABSURD, "", price, limit_pct, "", middle, len(others))
