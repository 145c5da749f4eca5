"""What a venue says of an instrument beside its quotes. It changes slowly, and only the newest state counts."""

from math import isfinite

from msgspec import Struct
from msgspec.structs import force_setattr

from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text

CONTRACT_LIMIT = 128
LARGEST_RATE_PCT = 100.0
"""A funding rate beyond this, either way, is an error."""


class Funding(Struct, frozen=True, array_like=True, tag="funding", gc=False):
    """What holders of a perpetual pay each other at the next settlement."""

    instrument_id: int
    rate_pct: float
    """Of the position's worth, for one interval; longs pay shorts where it is positive."""
    next_ms: int | None = None
    """The next settlement, ms since 1970; None where funding is continuous, or the venue does not say."""
    interval_h: float | None = None
    """Hours from one settlement to the next."""
    predicted_pct: float | None = None
    """The rate that the venue expects at the settlement after the next, where it tells one."""
    at_ms: int | None = None
    """When the venue said so, ms since 1970, by its own clock."""


class FundingInterval(Struct, frozen=True, array_like=True, tag="interval", gc=False):
    """How often a perpetual is settled, of a venue that does not tell it with the rate."""

    instrument_id: int
    hours: float


class Mark(Struct, frozen=True, array_like=True, tag="mark", gc=False):
    """The prices that a venue reckons a perpetual by, in the instrument's own quote currency."""

    instrument_id: int
    mark: float
    index: float | None = None
    """The price of the coin itself, from several markets."""
    at_ms: int | None = None


class OpenInterest(Struct, frozen=True, array_like=True, tag="interest", gc=False):
    """What is held of a perpetual on this venue."""

    instrument_id: int
    coins: float
    """In base coins; each position is counted once."""
    at_ms: int | None = None


class OrderLimits(Struct, frozen=True, array_like=True, tag="limits", gc=False):
    """What orders its venue takes of an instrument. 0 for what the venue does not say."""

    instrument_id: int
    tick: float
    """The smallest step of a price, in the instrument's own quote currency."""
    lot: float
    """The smallest step of a size, in base coins."""
    min_size: float
    """The smallest order, in base coins."""
    min_worth: float
    """The smallest order, in the instrument's own quote currency."""


class CoinName(Struct, frozen=True, array_like=True, tag="coin", gc=False):
    """What a venue's list calls the coin of an instrument: evidence of which coin it is."""

    instrument_id: int
    name: str = ""
    contract: str = ""
    """The address of its contract, on a chain that the list does not name."""

    def __post_init__(self) -> None:
        force_setattr(self, "name", clean_text(self.name, NAME_LIMIT))
        force_setattr(self, "contract", clean_text(self.contract, CONTRACT_LIMIT))


class InstrumentStatus(Struct, frozen=True, array_like=True, tag="status", gc=False):
    """Whether an instrument trades, told on the connection rather than by the venue's list."""

    instrument_id: int
    is_trading: bool
    words: str = ""
    """The venue's own word for it, made fit to show."""

    def __post_init__(self) -> None:
        force_setattr(self, "words", clean_text(self.words))


Fact = Funding | FundingInterval | Mark | OpenInterest | OrderLimits | CoinName | InstrumentStatus
FACT_TYPES = (Funding, FundingInterval, Mark, OpenInterest)
"""Those that are numbers."""


def is_sound(fact: Fact) -> bool:
    """Whether the numbers of a fact can be true."""
    if isinstance(fact, Funding):
        rates = (fact.rate_pct, 0.0 if fact.predicted_pct is None else fact.predicted_pct)
        is_interval = fact.interval_h is None or 0.0 < fact.interval_h < float("inf")
        return is_interval and all(abs(rate) <= LARGEST_RATE_PCT for rate in rates)
    if isinstance(fact, FundingInterval):
        return 0.0 < fact.hours < float("inf")
    if isinstance(fact, Mark):
        return all(isfinite(price) and price > 0.0 for price in (fact.mark, 1.0 if fact.index is None else fact.index))
    return not isinstance(fact, OpenInterest) or (isfinite(fact.coins) and fact.coins >= 0.0)
