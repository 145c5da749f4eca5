"""Patterns of unified symbols: `*/USDT` is every coin against USDT, `BTC/*:*` every perpetual of BTC."""

import re
from functools import lru_cache

from arbsniper_tui.model.errors import SymbolError
from arbsniper_tui.model.instrument import Symbol

_PART = re.compile(r"[0-9A-Za-z*]+")


def is_pattern(text: str) -> bool:
    """Whether a text stands for several symbols."""
    return "*" in text


def parse_pattern(text: str) -> str:
    """Read a pattern, and return it as it is compared; raises SymbolError with the accepted forms."""
    pair, colon, settle = text.strip().upper().partition(":")
    parts = [*pair.split("/"), settle] if colon else pair.split("/")
    if len(parts) != 2 + bool(colon) or not all(_PART.fullmatch(part) for part in parts):
        raise SymbolError(
            f"symbol {text!r}: expected a symbol, or a pattern with * such as */USDT, BTC/* or */USDT:USDT"
        )
    return pair + colon + settle


def matches(pattern: str, symbol: Symbol) -> bool:
    """Whether a pattern stands for a symbol, among others. Letters are compared without their case; a pattern without
    a colon stands for spot alone."""
    return _compiled(pattern).fullmatch(str(symbol)) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> "re.Pattern[str]":
    return re.compile(re.escape(pattern).replace(r"\*", "[^/:]+"), re.IGNORECASE)
