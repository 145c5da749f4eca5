"""What simulated venues say of a perpetual beside its quotes: funding, mark, index, open interest."""

from math import sin
from typing import NamedTuple
from zlib import crc32

from arbsniper_tui.sim.instruments import SimInstrument
from arbsniper_tui.sim.market import Top

_HOUR_MS = 3_600_000
_BASIS = 0.0003
_INTEREST_WORTH = 40e6
"""What is held of a perpetual, in its quote currency."""


class SlowFacts(NamedTuple):
    """Prices are of one unit as the venue sells it, 1000 coins for 1000PEPE."""

    mark_price: float
    index_price: float
    funding_rate: float
    """A fraction of the position's worth for one interval."""
    predicted_rate: float
    next_funding_ms: int
    interval_h: int
    open_interest: float
    """In units as the venue sells them."""


def slow_facts(instrument: SimInstrument, top: Top, wall_ms: int) -> SlowFacts:
    """What holds for a perpetual with this best bid and ask. Rates move within hours, and differ by venue and coin."""
    mark = (top.bid_ticks + top.ask_ticks) / 2 / 10**instrument.price_digits
    seed, interval_h = _seed(instrument), funding_interval_h(instrument)
    interval_ms = interval_h * _HOUR_MS
    next_ms = (wall_ms // interval_ms + 1) * interval_ms

    def rate(at_ms: int) -> float:
        return round(1e-4 * (1 + 0.8 * sin(seed + at_ms / _HOUR_MS)), 8)

    return SlowFacts(
        mark_price=mark,
        index_price=mark / (1 + _BASIS),
        funding_rate=rate(wall_ms),
        predicted_rate=rate(wall_ms + interval_ms),
        next_funding_ms=next_ms,
        interval_h=interval_h,
        open_interest=round(_INTEREST_WORTH / mark, 3),
    )


def funding_interval_h(instrument: SimInstrument) -> int:
    """Hours from one settlement to the next, as the venue's list says them."""
    return 4 if _seed(instrument) % 5 == 0 else 8


def _seed(instrument: SimInstrument) -> int:
    return crc32(f"{instrument.venue} {instrument.base}".encode())
