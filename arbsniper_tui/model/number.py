"""Numbers as people type them."""

import re

# float() and int() would take `1_0` and the digits of every script as well, which are typed by mistake.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def read_number(text: str) -> float | None:
    """The number that `text` spells in plain decimal digits; None for anything else, `nan` and `inf` among it."""
    return float(text) if _NUMBER.fullmatch(text) else None
