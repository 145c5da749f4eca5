"""Sizes in contracts, turned into base coins with no more digits than the venue's numbers have."""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from math import inf

import msgspec

from arbsniper_tui.model.errors import UNREADABLE, BadFrame
from arbsniper_tui.model.fact import OrderLimits
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.venues.listing import Listing

_CONTRACT_PARTS = 1e6
_COIN_PARTS = 1e8
# As frames are read: Python's own float() takes "1_000" and the digits of every script.
_NUMBER = partial(msgspec.convert, type=float, strict=False)


def positive(*factors: str) -> float | None:
    """The product of numbers that a venue's list writes as texts, exact in decimals; None where one of them is missing
    or not positive."""
    product = Decimal(1)
    for factor in factors:
        if positive_number(factor) is None:
            return None
        product *= Decimal(factor)
    return float(product)


def contract_size(*factors: str) -> float | None:
    """The product of the factors by which a venue's list gives its contract size, as `positive` gives it."""
    return positive(*factors)


def positive_number(number: str | float | None) -> float | None:
    """A step, minimum or the like of a venue's list; None where it is empty, no number or not above 0."""
    try:
        found = _NUMBER(number)
    except UNREADABLE:
        return None
    return found if 0.0 < found < inf else None


def in_coins(contracts: float, contract_size: float) -> float:
    """Contracts as base coins, with no more decimals than the two numbers have: the plain product of 10.96 and 0.01
    is 0.10960000000000002. Exact while it has at most 15 digits."""
    units, parts = _ratio(contract_size)
    return (contracts * _CONTRACT_PARTS + 0.5) // 1.0 * units / parts


def in_coins_inverse(contracts: float, contract_size: float, price: float) -> float:
    """Contracts of quote currency as base coins, to eight decimals; 0 without a price."""
    return (contracts * contract_size / price * _COIN_PARTS + 0.5) // 1.0 / _COIN_PARTS if price else 0.0


def unknown_size(instrument: Instrument) -> BadFrame:
    """What to raise for contracts whose size the venue's list does not tell."""
    return BadFrame(
        f"expected its contract size in the list of instruments (--instruments), found {instrument.venue_symbol!r}"
    )


def sizes_in_coins(
    listing: Listing | None, instrument: Instrument, bid: float, bid_size: float, ask: float, ask_size: float
) -> tuple[float, float]:
    """Both sizes of a quote in contracts as base coins. Raises BadFrame where the contract size is not known."""
    if listing is None or (contract_size := listing.contract_size) is None:
        raise unknown_size(instrument)
    if listing.is_inverse:
        return in_coins_inverse(bid_size, contract_size, bid), in_coins_inverse(ask_size, contract_size, ask)
    units, parts = _ratio(contract_size)
    return (
        (bid_size * _CONTRACT_PARTS + 0.5) // 1.0 * units / parts,
        (ask_size * _CONTRACT_PARTS + 0.5) // 1.0 * units / parts,
    )


@lru_cache(maxsize=4096)
def _ratio(contract_size: float) -> tuple[int, int]:
    """Coins in a millionth of a contract, as two whole numbers, so that only their division rounds."""
    return (Fraction(repr(contract_size)) / int(_CONTRACT_PARTS)).as_integer_ratio()


def order_limits(listing: Listing, instrument: Instrument) -> OrderLimits | None:
    """What orders a venue takes. Of an inverse contract the smallest size is a smallest worth, and lots are no fixed
    number of coins. None where the contract size is not known."""
    if (contract_size := listing.contract_size) is None:
        return None
    tick = float(Fraction(repr(listing.tick or 0.0)) / instrument.multiplier)
    min_worth = listing.min_worth or 0.0
    if listing.is_inverse:
        least_worth = max(min_worth, (listing.min_size or 0.0) * contract_size)
        return OrderLimits(instrument.id, tick, 0.0, 0.0, least_worth)
    lot, min_size = (
        in_coins(size or 0.0, contract_size) * instrument.multiplier for size in (listing.lot, listing.min_size)
    )
    return OrderLimits(instrument.id, tick, lot, min_size, min_worth)
