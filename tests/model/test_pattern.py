"""Patterns of symbols."""

import pytest

from arbsniper_tui.model.errors import SymbolError
from arbsniper_tui.model.instrument import parse_symbol
from arbsniper_tui.model.pattern import is_pattern, matches, parse_pattern


@pytest.mark.parametrize(
    ("pattern", "symbol", "stands"),
    [
        ("*/USDT", "BTC/USDT", True),
        ("*/USDT", "BTC/USDC", False),
        ("*/USDT", "BTC/USDT:USDT", False),
        ("BTC/*", "BTC/EUR", True),
        ("BTC/*", "WBTC/EUR", False),
        ("*/USDT:USDT", "BTC/USDT:USDT", True),
        ("*/*:*", "BTC/USD:BTC", True),
        ("*/USD", "AAPLx/USD", True),
        ("AAPL*/USD", "AAPLx/USD", True),
    ],
)
def test_it_stands_for(pattern: str, symbol: str, stands: bool) -> None:
    assert is_pattern(pattern)
    assert matches(parse_pattern(pattern), parse_symbol(symbol)) is stands


def test_it_is_read_without_case_and_blanks() -> None:
    assert parse_pattern(" */usdt ") == "*/USDT"


@pytest.mark.parametrize("text", ["*", "*/", "*/USDT:", "*/USDT/EUR", "B.*/USDT", "*:USDT", "[*]/USDT"])
def test_what_is_none_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(SymbolError, match="expected a symbol, or a pattern"):
        parse_pattern(text)
