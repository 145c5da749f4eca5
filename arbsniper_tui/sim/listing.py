"""What each simulated venue lists: symbols, tick and lot sizes, contract sizes."""

from collections.abc import Iterable
from math import floor, log10
from zlib import crc32

from msgspec import Struct

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.plan import SIMULATED, SimPlan

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
}
_COINBASE_USDT = ("BTC", "ETH", "SOL")
_LEAST_PRICE_DIGITS = {"binance": 2, "coinbase": 2, "kraken": 1, "okx": 1}
INVERSE_CONTRACT_USD = 100.0


class Listing(Struct, frozen=True):
    """One instrument on one simulated venue. Prices are counted in ticks and sizes in lots, both whole numbers."""

    id: int
    """Its place among the listings of all venues."""
    venue: str
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


def list_instruments(plan: SimPlan) -> tuple[Listing, ...]:
    """Every listing of the plan's venues, in order of `id`. Raises UsageError for a venue without a simulation."""
    listings: list[Listing] = []
    for venue in plan.venues:
        if venue not in SIMULATED:
            raise UsageError(f"venue {venue!r} has no simulation; expected one of {', '.join(SIMULATED)}")
        for base in plan.bases:
            for quote in _spot_quotes(venue, base):
                listings.append(_spot(len(listings), venue, base, quote))
        if venue in ("coinbase", "kraken"):
            listings.append(_stablecoin(len(listings), venue))
        for base in plan.bases if venue in ("binance", "okx") else ():
            listings.append(_linear(len(listings), venue, base))
        if venue == "okx" and "BTC" in plan.bases:
            listings.append(_inverse(len(listings)))
    return tuple(listings)


def _spot_quotes(venue: str, base: str) -> Iterable[str]:
    if venue == "kraken":
        return ("USD", "USDT")
    if venue == "coinbase":
        return ("USD", "USDT") if base in _COINBASE_USDT else ("USD",)
    return ("USDT",)


def _magnitude(base: str) -> int:
    return floor(log10(opening_price(base)))


def _price_digits(base: str, least: int) -> int:
    return max(least, 4 - _magnitude(base))


def _spelled(venue: str, base: str, quote: str) -> str:
    separator = {"binance": "", "kraken": "/"}.get(venue, "-")
    return f"{base}{separator}{quote}"


def _spot(listing_id: int, venue: str, base: str, quote: str) -> Listing:
    return Listing(
        id=listing_id,
        venue=venue,
        market=Market.SPOT,
        base=base,
        quote=quote,
        venue_symbol=_spelled(venue, base, quote),
        price_digits=_price_digits(base, _LEAST_PRICE_DIGITS[venue]),
        size_digits=min(8, max(0, _magnitude(base) + 1)) if venue == "binance" else 8,
    )


def _stablecoin(listing_id: int, venue: str) -> Listing:
    return Listing(
        id=listing_id,
        venue=venue,
        market=Market.SPOT,
        base="USDT",
        quote="USD",
        venue_symbol=_spelled(venue, "USDT", "USD"),
        price_digits=5,
        size_digits=2 if venue == "coinbase" else 8,
    )


def _linear(listing_id: int, venue: str, base: str) -> Listing:
    in_contracts = venue == "okx"
    return Listing(
        id=listing_id,
        venue=venue,
        market=Market.PERP,
        base=base,
        quote="USDT",
        venue_symbol=f"{base}-USDT-SWAP" if in_contracts else f"{base}USDT",
        price_digits=_price_digits(base, 1),
        size_digits=2 if in_contracts else max(0, _magnitude(base) - 1),
        contract=contract_coins(base) if in_contracts else 0.0,
    )


def _inverse(listing_id: int) -> Listing:
    return Listing(
        id=listing_id,
        venue="okx",
        market=Market.PERP,
        base="BTC",
        quote="USD",
        venue_symbol="BTC-USD-SWAP",
        price_digits=1,
        size_digits=0,
        contract=INVERSE_CONTRACT_USD,
        inverse=True,
    )
