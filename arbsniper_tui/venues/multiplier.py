"""Coins that venues sell by the thousand, such as 1000PEPE: which coin it is, and how many of it.

A table, because a name does not tell: 1INCH is a coin. From the contract pages of the venues: Binance and Bitget list
1000PEPE, Bybit SHIB1000, Phemex u1000PEPE, others kPEPE.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from arbsniper_tui.model.fact import Mark, OpenInterest
from arbsniper_tui.model.quote import Quote

_FACTORS = {
    "APU": (1000,),
    "BABYDOGE": (1_000_000,),
    "BOB": (1_000_000,),
    "BONK": (1000,),
    "BTT": (1000,),
    "CAT": (1000,),
    "CHEEMS": (1000, 1_000_000),
    "COQ": (10_000, 1000),
    "DOGS": (1000,),
    "ELON": (10_000, 1000),
    "FLOKI": (1000,),
    "LADYS": (10_000,),
    "LUNC": (1000,),
    "MOG": (1_000_000, 1000),
    "MUMU": (1000,),
    "NEIROCTO": (1000,),
    "PEIPEI": (1_000_000, 1000),
    "PEPE": (1000,),
    "QUBIC": (10_000, 1000),
    "RATS": (1000, 10_000),
    "SATS": (1000, 10_000),
    "SHIB": (1000,),
    "TOSHI": (1000,),
    "TURBO": (1000,),
    "WEN": (10_000, 1000),
    "WHY": (1000, 10_000),
    "X": (1000,),
    "XEC": (1000,),
}
"""Base coin -> how many of it are sold as one, the usual number first."""


class ScaledName(NamedTuple):
    """A name, and how many base coins one unit of it is."""

    name: str
    multiplier: int


def _forms(base: str, factor: int) -> list[str]:
    forms = [f"{factor}{base}", f"{base}{factor}", f"u{factor}{base}"]
    if factor == 1000:
        forms.append(f"k{base}")
    if factor == 1_000_000:
        forms.append(f"1M{base}")
    return forms


_NAMES = {
    base: [ScaledName(form, n) for n in factors for form in _forms(base, n)] for base, factors in _FACTORS.items()
}
_BASES = {each.name: ScaledName(base, each.multiplier) for base, names in _NAMES.items() for each in names}


def scaled_names(base: str) -> list[ScaledName]:
    """Under which names a coin may be sold by the thousand; none for most coins."""
    return _NAMES.get(base, [])


def unscaled(symbol: str) -> ScaledName:
    """A unified symbol with its coin in place of a name that means many of it."""
    name, slash, rest = symbol.partition("/")
    base, multiplier = _BASES.get(name, (name, 1))
    return ScaledName(f"{base}{slash}{rest}", multiplier)


def of_one_coin(quote: Quote, multipliers: Mapping[int, int]) -> Quote:
    """The quote of one base coin where its instrument, by id, is sold by the thousand; else the quote itself."""
    n = multipliers.get(quote.instrument_id)
    if n is None:
        return quote
    bid, ask = _price_of_one(quote.bid, n), _price_of_one(quote.ask, n)
    return replace(quote, bid=bid, bid_size=quote.bid_size * n, ask=ask, ask_size=quote.ask_size * n)


def fact_of_one_coin(fact: Mark | OpenInterest, multipliers: Mapping[int, int]) -> Mark | OpenInterest:
    """The same for what a venue says beside its quotes."""
    n = multipliers.get(fact.instrument_id)
    if n is None:
        return fact
    if isinstance(fact, OpenInterest):
        return replace(fact, coins=fact.coins * n)
    index = None if fact.index is None else _price_of_one(fact.index, n)
    return replace(fact, mark=_price_of_one(fact.mark, n), index=index)


def _price_of_one(price: float, multiplier: int) -> float:
    # The nearest number to the decimals that the venue wrote; a plain division may end beside it.
    return float(f"{price / multiplier:.15g}")
