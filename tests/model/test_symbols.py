"""Unified symbols and the groups that instruments belong to."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbsniper_tui.model.errors import SymbolError, UsageError
from arbsniper_tui.model.instrument import Instrument, Market, Symbol, instrument_key, parse_symbol

steady = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

coins = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("text", "market", "is_inverse"),
    [
        ("BTC/USDT", Market.SPOT, False),
        ("BTC/USDT:USDT", Market.PERP, False),
        ("BTC/USD:BTC", Market.PERP, True),
        ("1000PEPE/USDT:USDT", Market.PERP, False),
    ],
)
def test_a_symbol_tells_its_market(text: str, market: Market, is_inverse: bool) -> None:
    symbol = parse_symbol(text)
    assert (str(symbol), symbol.market, symbol.is_inverse) == (text, market, is_inverse)


@steady
@given(coins, coins, st.sampled_from(("", "base", "quote")))
def test_what_is_written_is_read_back(base: str, quote: str, settle: str) -> None:
    symbol = Symbol(base, quote, {"": "", "base": base, "quote": quote}[settle])
    assert parse_symbol(str(symbol)) == symbol


@pytest.mark.parametrize("text", ["btc/usdt", " BTC/USDT ", "Btc/uSDT"])
def test_case_and_blanks_around_do_not_matter(text: str) -> None:
    assert str(parse_symbol(text)) == "BTC/USDT"


@pytest.mark.parametrize(
    "text", ["", "BTC", "BTCUSDT", "BTC-USDT", "/USDT", "BTC/", "BTC/USDT:", "BTC/USDT/X", "BTC/US DT", "BTC/USDT:A:B"]
)
def test_what_is_no_symbol_is_refused_with_the_forms_accepted(text: str) -> None:
    with pytest.raises(SymbolError, match=r"BASE/QUOTE.*BTC/USDT.*BTC/USDT:USDT") as refused:
        parse_symbol(text)
    assert repr(text) in str(refused.value)
    assert isinstance(refused.value, UsageError)


def test_a_perpetual_settles_in_one_of_its_own_currencies() -> None:
    with pytest.raises(SymbolError, match="settles in USDT or in BTC, found ETH"):
        parse_symbol("BTC/USDT:ETH")


@steady
@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        symbol = parse_symbol(text)
    except SymbolError:
        return
    assert parse_symbol(str(symbol)) == symbol


@pytest.mark.parametrize(
    ("symbol", "counted", "group", "market"),
    [
        ("BTC/USDT", "USDT", "BTC/USDT", Market.SPOT),
        ("BTC/USD", "USDT", "BTC/USDT", Market.SPOT),
        ("BTC/USDT:USDT", "USDT", "BTC/USDT:USDT", Market.PERP),
        ("BTC/USD:BTC", "USDT", "BTC/USDT:USDT", Market.PERP),
    ],
)
def test_instruments_are_grouped_in_the_currency_that_counts(
    symbol: str, counted: str, group: str, market: Market
) -> None:
    instrument = Instrument(0, "okx", symbol, "", counted, 0.1)
    assert (instrument.group, instrument.market, instrument.base) == (group, market, "BTC")


def test_a_key_is_48_bits_of_venue_and_symbol_and_the_same_everywhere() -> None:
    assert instrument_key("okx", "BTC/USDT") == 0x5E651F12637C
    assert instrument_key("okx", "BTC/USDT") != instrument_key("okx", "BTC/USDT:USDT")
    assert 0 <= instrument_key("kraken", "BTC/USD") < 2**48


@pytest.mark.parametrize(("text", "read"), [("AAPLx/usd", "AAPLx/USD"), ("aaplx/usd", "AAPLX/USD")])
def test_a_base_in_both_kinds_of_letters_keeps_them(text: str, read: str) -> None:
    assert str(parse_symbol(text)) == read
