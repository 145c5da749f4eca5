"""Numbers as people type and read them."""

import re

# float() and int() would take `1_0` and the digits of every script as well, which are typed by mistake.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def read_number(text: str) -> float | None:
    """The number that `text` spells in plain decimal digits; None for anything else, `nan` and `inf` among it."""
    return float(text) if _NUMBER.fullmatch(text) else None


MOST_DECIMALS = 8
_SPECS = tuple(f",.{decimals}f" for decimals in range(MOST_DECIMALS + 1))


def number(value: float, decimals: int) -> str:
    """`64,211.10`: grouped in thousands, with at most eight decimals."""
    # Twice for each row of each frame of the screen: a made specification saves a fifth (docs/decisions/0020).
    return format(value, _SPECS[decimals])
