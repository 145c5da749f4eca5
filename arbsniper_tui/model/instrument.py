"""What is traded where: unified symbols, markets, and the instruments of a node."""

from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct

from arbsniper_tui.model.errors import SymbolError


class Market(StrEnum):
    """Which kind of instrument a symbol names."""

    SPOT = "spot"
    PERP = "perp"


class Symbol(Struct, frozen=True):
    """A unified symbol in parts: `BTC/USDT` spot, `BTC/USDT:USDT` linear, `BTC/USD:BTC` inverse perpetual."""

    base: str
    quote: str
    settle: str = ""

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}:{self.settle}" if self.settle else f"{self.base}/{self.quote}"

    @property
    def market(self) -> Market:
        return Market.PERP if self.settle else Market.SPOT

    @property
    def is_inverse(self) -> bool:
        """Settled in the base coin: one contract is an amount of the quote currency."""
        return self.settle == self.base


@lru_cache(maxsize=8192)
def parse_symbol(text: str) -> Symbol:
    """Read a unified symbol; raises SymbolError with the accepted forms.

    Letters are read as capitals, but for a base that begins with two of them and goes on in small ones: AAPLx/USD.
    """
    pair, _, settle = text.strip().partition(":")
    base, slash, quote = pair.partition("/")
    base, quote = base if base[:2].isupper() else base.upper(), quote.upper()
    settle = base if settle.upper() == base.upper() else settle.upper()
    parts = (base, quote, settle) if ":" in text else (base, quote)
    if not slash or not all(part.isalnum() for part in parts):
        raise SymbolError(
            f"symbol {text!r}: expected BASE/QUOTE for spot (BTC/USDT), "
            "BASE/QUOTE:SETTLE for a perpetual (BTC/USDT:USDT)"
        )
    if settle and settle not in (base, quote):
        raise SymbolError(f"symbol {text!r}: a perpetual settles in {quote} or in {base}, found {settle}")
    return Symbol(base, quote, settle)


def instrument_key(venue: str, symbol: str) -> int:
    """The id of a unified symbol on a venue: 48 bits, the same in every process, run and node. Whoever collects
    instruments refuses two with one id."""
    return int.from_bytes(blake2b(f"{venue} {symbol}".encode(), digest_size=6).digest(), "big")


class Rate(Struct, frozen=True, array_like=True, gc=False):
    """A market whose live price converts prices."""

    id: int
    """Its instrument."""
    is_inverted: bool
    """The market is COUNTED/OWN (USDT/USD), so that prices in the own currency are divided by it."""


class Instrument(Struct, frozen=True):
    """One symbol on one venue."""

    id: int
    """What every message names it by: `instrument_key` where it comes from the settings."""
    venue: str
    symbol: str
    """Unified form, as `parse_symbol` reads it."""
    venue_symbol: str
    """As the venue spells it in frames."""
    counted_quote: str
    """The quote currency that this one counts as, by `[quotes]`."""
    taker_fee_pct: float
    implied: bool = False
    """Not asked for by name, but counted as one that was: it is no fault where the venue does not list it."""
    rate_id: int | None = None
    """The instrument whose live rate converts this one's prices; None: prices count 1:1."""
    rate_inverted: bool = False
    """The rate's market is COUNTED/QUOTE (USDT/USD), so that prices are divided by it."""
    other_rates: tuple[Rate, ...] = ()
    """Those that take its place while it is not there or too old, in this order."""
    rate_max_age_ms: float = 10_000.0
    """An older rate converts nothing."""
    only_rate: bool = False
    """Watched for its rate alone: it takes part in no route."""
    multiplier: int = 1
    """How many base coins the venue sells as one, such as 1000 for 1000PEPE. Quotes are of one base coin."""
    by_verdict: int = 1
    """The part of `multiplier` that the user told; the rest is read from the venue's name."""
    relays: str = ""
    """The venue whose book this venue shows here as its own; empty for a book of its own."""

    @property
    def market(self) -> Market:
        return Market.PERP if ":" in self.symbol else Market.SPOT

    @property
    def rates(self) -> tuple[Rate, ...]:
        """All markets that can convert its prices, the preferred one first."""
        return () if self.rate_id is None else (Rate(self.rate_id, self.rate_inverted), *self.other_rates)

    @property
    def is_assumed(self) -> bool:
        """Whether its own currency counts as another one for one, on the user's word alone."""
        return self.rate_id is None and self.native_quote != self.counted_quote

    @property
    def book_venue(self) -> str:
        """Where its quotes are made: they say nothing new beside those of an instrument with the same book venue."""
        return self.relays or self.venue

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def native_quote(self) -> str:
        """The currency that the venue shows its prices in."""
        return self.symbol.partition("/")[2].partition(":")[0]

    @property
    def group(self) -> str:
        """The symbol of the routes it belongs to, in the currency that counts: BTC/USD counted as USDT gives
        BTC/USDT."""
        base, quote = self.base, self.counted_quote
        if self.market is Market.SPOT:
            return f"{base}/{quote}"
        return f"{base}/{quote}:{quote}"


class InstrumentChange(Struct, frozen=True):
    """Instruments that are watched from now on, and ids of those that are not any more."""

    added: tuple[Instrument, ...] = ()
    removed: tuple[int, ...] = ()
