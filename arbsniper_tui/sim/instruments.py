"""What a simulated venue lists: symbols, tick and lot sizes, contract sizes."""

from math import floor, log10
from zlib import crc32

from msgspec import Struct

from arbsniper_tui.model.instrument import Market

_OPENING_PRICES = {
    "BTC": 64_000.0,
    "ETH": 3_200.0,
    "SOL": 150.0,
    "XRP": 2.1,
    "DOGE": 0.19,
    "ADA": 0.72,
    "LINK": 15.2,
    "LTC": 88.0,
    "AVAX": 24.0,
    "DOT": 4.3,
    "PEPE": 0.0000115,
}
_SOLD_BY_THE_THOUSAND = frozenset(("PEPE", "SHIB", "BONK", "FLOKI"))


class SimInstrument(Struct, frozen=True):
    """One instrument on one simulated venue. Prices are counted in ticks and sizes in lots, both whole numbers."""

    market: Market
    base: str
    quote: str
    venue_symbol: str
    price_digits: int
    """One tick is 10 ** -price_digits of the quote currency."""
    size_digits: int
    """One lot is 10 ** -size_digits base coins, or contracts where there is a contract."""
    contract: float = 0.0
    """What one contract is: base coins, or USD for an inverse one; 0 where sizes are in base coins."""
    inverse: bool = False
    multiplier: int = 1
    """How many coins the venue sells as one; prices and sizes are of these."""
    id: int = 0
    """Its place among the instruments of all venues."""
    venue: str = ""
    weight: float = 1.0
    """How often the venue's quotes change, next to those of other venues."""
    spread: float = 0.1e-4
    """A usual spread as a fraction of the price, for a large coin."""

    @property
    def symbol(self) -> str:
        """The unified symbol."""
        settle = self.base if self.inverse else self.quote
        return f"{self.base}/{self.quote}" + (f":{settle}" if self.market is Market.PERP else "")

    def price_text(self, ticks: int) -> str:
        """A price with all the digits of its tick."""
        return f"{ticks / 10**self.price_digits:.{self.price_digits}f}"

    def size_text(self, lots: int) -> str:
        """A size with all the digits of its lot."""
        return f"{lots / 10**self.size_digits:.{self.size_digits}f}"

    @property
    def tick_text(self) -> str:
        return step_text(self.price_digits)

    @property
    def lot_text(self) -> str:
        return step_text(self.size_digits)


def step_text(digits: int) -> str:
    """10 ** -digits in plain decimals."""
    return f"{10.0**-digits:.{digits}f}"


def opening_price(base: str) -> float:
    """The first price of a coin in USDT; for a coin nobody has named, one between 0.01 and 100 that follows from
    its letters."""
    known = _OPENING_PRICES.get(base)
    if known is not None:
        return known
    return float(10.0 ** (crc32(base.encode()) / 2**32 * 4 - 2))


def contract_coins(base: str) -> float:
    """Base coins in one linear contract: a power of ten worth between 70 and 700 USDT at the opening price."""
    return float(10.0 ** floor(log10(700.0 / opening_price(base))))


def perp_multiplier(base: str) -> int:
    """How many of a coin venues usually sell as one on their perpetual markets: 1000 of the cheapest."""
    return 1000 if base in _SOLD_BY_THE_THOUSAND else 1


def magnitude(base: str) -> int:
    """The power of ten of a coin's opening price."""
    return floor(log10(opening_price(base)))


def spot(
    base: str, quote: str, venue_symbol: str, *, least_digits: int = 2, most_digits: int = 12, size_digits: int = 8
) -> SimInstrument:
    """A coin against a currency; prices have at least `least_digits` decimals, and at most `most_digits`."""
    price_digits = min(most_digits, max(least_digits, 4 - magnitude(base)))
    return SimInstrument(Market.SPOT, base, quote, venue_symbol, price_digits, size_digits)


def stablecoin(venue_symbol: str, *, size_digits: int = 8) -> SimInstrument:
    """USDT against USD."""
    return SimInstrument(Market.SPOT, "USDT", "USD", venue_symbol, 5, size_digits)


def linear(
    base: str, venue_symbol: str, *, size_digits: int, contract: float = 0.0, quote: str = "USDT", multiplier: int = 1
) -> SimInstrument:
    """A perpetual in USDT or `quote`; sizes are in coins, or in contracts of `contract` coins."""
    price_digits = max(1, 4 - floor(log10(opening_price(base) * multiplier)))
    return SimInstrument(
        Market.PERP, base, quote, venue_symbol, price_digits, size_digits, contract, multiplier=multiplier
    )


def inverse(base: str, venue_symbol: str, *, contract: float) -> SimInstrument:
    """A perpetual in USD that is settled in the coin; one contract is `contract` USD."""
    return SimInstrument(Market.PERP, base, "USD", venue_symbol, 1, 0, contract, inverse=True)
