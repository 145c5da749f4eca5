"""What a user has said of a coin that one venue lists under the name of other venues' coin, and the words for it."""

from enum import StrEnum
from math import inf, log10

from msgspec import Struct

from arbsniper_tui.model.errors import UsageError

LARGEST_MULTIPLIER = 10**12
_NEAR_A_POWER = 1.1
"""A price is called a power of ten of another one when it lies within this factor of it."""
VERDICT_EXPECTED = f"same, different, or multiplier=N with N from 2 to {LARGEST_MULTIPLIER}"


class Judgement(StrEnum):
    """What a venue's coin is, beside that of its peers."""

    SAME = "same"
    DIFFERENT = "different"
    MULTIPLIER = "multiplier"
    """The same coin, of which the venue sells many as one."""


class Verdict(Struct, frozen=True):
    """One judgement of the user, and what it was made on."""

    venue: str
    symbol: str
    judgement: Judgement
    multiplier: int = 1
    """How many coins the venue sells as one; 1 unless that is the judgement."""
    ratio: float | None = None
    """The price beside that of its peers when this was said; None where nobody saw it."""
    said: str = ""
    """When, in UTC, as `2026-11-22 09:30`."""
    seen: str = ""
    """The prices that it was made on, for whoever reads the file."""

    @property
    def key(self) -> tuple[str, str]:
        return self.venue, self.symbol

    @property
    def in_words(self) -> str:
        if self.judgement is Judgement.MULTIPLIER:
            return f"{self.multiplier} coins sold as one"
        return f"{self.judgement.value} coin"


def read_judgement(text: str) -> tuple[Judgement, int]:
    """`same`, `different` or `multiplier=1000`, or the number alone; raises UsageError with what is accepted."""
    said = text.strip().lower()
    if said in ("same", "different"):
        return Judgement(said), 1
    number = said.removeprefix("multiplier").lstrip(" =")
    if number.isascii() and number.isdigit() and len(number) <= len(f"{LARGEST_MULTIPLIER}"):
        multiplier = int(number)
        if 2 <= multiplier <= LARGEST_MULTIPLIER:
            return Judgement.MULTIPLIER, multiplier
    raise UsageError(f"verdict {text!r}: expected {VERDICT_EXPECTED}")


def power_of_ten(ratio: float) -> int | None:
    """The exponent where a ratio is a power of ten other than one, as near as prices of two venues are; else None."""
    exponent = round(log10(ratio)) if 0.0 < ratio < inf else 0
    if exponent and 1.0 / _NEAR_A_POWER <= ratio / 10.0**exponent <= _NEAR_A_POWER:
        return exponent
    return None


def ratio_words(ratio: float) -> str:
    """A ratio of two prices with two digits: `25 x`, `1000 x` and `1/1000 of` for powers of ten."""
    exponent = power_of_ten(ratio)
    if exponent is not None:
        return f"{10**exponent} x" if exponent > 0 else f"1/{10**-exponent} of"
    return f"{two_digits(ratio):.15g} x"


def two_digits(ratio: float) -> float:
    """The ratio, rounded to what is worth showing, so that it does not change with each price."""
    return float(f"{ratio:.2g}")
