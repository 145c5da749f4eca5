"""Coins that are sold by the thousand."""

import pytest

from arbsniper_tui.model.fact import Mark, OpenInterest
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.multiplier import ScaledName, fact_of_one_coin, of_one_coin, scaled_names, unscaled


@pytest.mark.parametrize(
    ("name", "coin"),
    [
        ("1000PEPE/USDT:USDT", ("PEPE/USDT:USDT", 1000)),
        ("kPEPE/USDC:USDC", ("PEPE/USDC:USDC", 1000)),
        ("SHIB1000/USDT:USDT", ("SHIB/USDT:USDT", 1000)),
        ("u1000PEPE/USDT:USDT", ("PEPE/USDT:USDT", 1000)),
        ("1MBABYDOGE/USDT", ("BABYDOGE/USDT", 1_000_000)),
        ("10000SATS/USDT:USDT", ("SATS/USDT:USDT", 10_000)),
    ],
)
def test_a_name_of_the_table_is_so_many_of_its_coin(name: str, coin: tuple[str, int]) -> None:
    assert unscaled(name) == coin


@pytest.mark.parametrize(
    "name", ["1INCH/USDT", "BTC/USDT:USDT", "1000NOSUCH/USDT", "KAS/USDT", "KPEPE/USDT", "100PEPE/USDT"]
)
def test_a_digit_or_a_letter_alone_says_nothing(name: str) -> None:
    assert unscaled(name) == (name, 1)


def test_a_coin_is_looked_for_under_its_plain_name_first() -> None:
    names = VENUES["binance"].spellings(parse_symbol("PEPE/USDT:USDT"))
    assert names[:2] == [ScaledName("PEPEUSDT", 1), ScaledName("1000PEPEUSDT", 1000)]
    assert VENUES["binance"].spellings(parse_symbol("BTC/USDT")) == [ScaledName("BTCUSDT", 1)]
    assert scaled_names("BTC") == []


def test_a_venues_name_tells_the_coin_and_how_many_of_it() -> None:
    assert VENUES["binance"].read_name("1000PEPEUSDT", Market.PERP) == ("PEPE/USDT:USDT", 1000)
    assert VENUES["binance"].unified("1000PEPEUSDT", Market.PERP) == "PEPE/USDT:USDT"


def test_prices_and_sizes_are_those_of_one_coin_and_never_rounded() -> None:
    # 0.0121101 / 1000 is 1.2110100000000001e-05.
    quote = of_one_coin(Quote(7, 0.0121101, 3.5, 0.0121103, 20.0, 5, 6), {7: 1000})
    assert quote == Quote(7, 1.21101e-05, 3500.0, 1.21103e-05, 20000.0, 5, 6)
    other = Quote(8, 1.5, 1.0, 2.0, 1.0)
    assert of_one_coin(other, {7: 1000}) is other


def test_so_are_mark_index_and_open_interest() -> None:
    assert fact_of_one_coin(Mark(7, 0.0121101, None, 3), {7: 1000}) == Mark(7, 1.21101e-05, None, 3)
    assert fact_of_one_coin(Mark(7, 0.5, 0.25), {7: 1000}) == Mark(7, 0.0005, 0.00025)
    assert fact_of_one_coin(OpenInterest(7, 2.5), {7: 1000}) == OpenInterest(7, 2500.0)
    assert fact_of_one_coin(Mark(8, 0.5), {7: 1000}) == Mark(8, 0.5)
