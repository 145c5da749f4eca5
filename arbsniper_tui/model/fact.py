"""What a venue says of an instrument beside its quotes. It changes slowly, and only the newest state counts."""

from msgspec import Struct


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


class InstrumentStatus(Struct, frozen=True, array_like=True, tag="status", gc=False):
    """Whether an instrument trades, told on the connection rather than by the venue's list."""

    instrument_id: int
    is_trading: bool
    words: str = ""
    """The venue's own word for it."""


Fact = Funding | Mark | OpenInterest | InstrumentStatus
