"""From the settings to instruments: which are asked for, which follow from that, and what each costs."""

import pytest

from arbsniper_tui.config.settings import Conversion, Settings, VenueSettings
from arbsniper_tui.model.instrument import Instrument, Market, instrument_key
from arbsniper_tui.universe.instruments import instruments_of, quotes_in_words

ON = VenueSettings()
AT_KRAKEN = Conversion("kraken:USDT/USD")


def names(found: tuple[Instrument, ...]) -> list[str]:
    return [f"{instrument.venue} {instrument.symbol}" for instrument in found]


def by_name(found: tuple[Instrument, ...]) -> dict[str, Instrument]:
    return dict(zip(names(found), found, strict=True))


def test_each_symbol_is_asked_of_each_venue_in_order() -> None:
    found = instruments_of(Settings(("BTC/USDT", "ETH/USDT"), venues={"okx": ON, "binance": ON}))
    assert names(found) == ["okx BTC/USDT", "okx ETH/USDT", "binance BTC/USDT", "binance ETH/USDT"]
    assert [each.id for each in found] == [instrument_key(each.venue, each.symbol) for each in found]
    assert [instrument.venue_symbol for instrument in found] == ["BTC-USDT", "ETH-USDT", "BTCUSDT", "ETHUSDT"]
    assert not any(instrument.implied or instrument.only_rate for instrument in found)


def test_an_instrument_carries_whose_book_its_venue_shows() -> None:
    found = by_name(instruments_of(Settings(("BTC/USDT",), venues={"binance": ON, "coindcx": ON})))
    assert [each.relays for each in found.values()] == ["", "binance"]
    assert [each.book_venue for each in found.values()] == ["binance", "binance"]


def test_a_venue_without_the_market_is_left_out_while_another_has_it() -> None:
    found = instruments_of(Settings(("BTC/USDT", "BTC/USDT:USDT"), venues={"coinbase": ON, "okx": ON}))
    assert names(found) == ["coinbase BTC/USDT", "okx BTC/USDT", "okx BTC/USDT:USDT"]


def test_a_symbol_without_a_market_is_passed_over() -> None:
    settings = Settings(
        ("BTC/USD", "BTC/USDT:USDT"), venues={"kraken": VenueSettings(symbols=("BTC/USDT:USDT", "BTC/USD"))}
    )
    assert names(instruments_of(settings)) == ["kraken BTC/USD"]


def test_a_venues_own_list_replaces_the_common_one() -> None:
    settings = Settings(("BTC/USDT",), venues={"okx": ON, "kraken": VenueSettings(symbols=("ETH/USD",))})
    assert names(instruments_of(settings)) == ["okx BTC/USDT", "kraken ETH/USD"]


def test_currencies_that_count_as_the_one_asked_for_are_implied() -> None:
    settings = Settings(("BTC/USDT",), quotes={"USD": "USDT", "USDC": "USDT"}, venues={"coinbase": ON})
    found = by_name(instruments_of(settings))
    assert list(found) == ["coinbase BTC/USDT", "coinbase BTC/USD", "coinbase BTC/USDC"]
    assert [each.implied for each in found.values()] == [False, True, True]
    assert {each.counted_quote for each in found.values()} == {"USDT"}
    assert {each.group for each in found.values()} == {"BTC/USDT"}


def test_a_venues_own_list_implies_nothing() -> None:
    settings = Settings(quotes={"USD": "USDT"}, venues={"coinbase": VenueSettings(symbols=("BTC/USDT",)), "okx": ON})
    assert "coinbase BTC/USD" not in names(instruments_of(settings))


def test_what_is_asked_for_and_implied_too_is_there_once_and_as_asked_for() -> None:
    settings = Settings(("BTC/USD", "BTC/USDT"), quotes={"USD": "USDT"}, venues={"coinbase": ON})
    found = by_name(instruments_of(settings))
    assert list(found) == ["coinbase BTC/USD", "coinbase BTC/USDT"]
    assert not any(each.implied for each in found.values())


def test_perpetuals_imply_the_inverse_one_in_dollars_and_stablecoins_in_their_own() -> None:
    settings = Settings(("BTC/USDT:USDT",), quotes={"USD": "USDT", "USDC": "USDT"}, venues={"okx": ON})
    found = by_name(instruments_of(settings))
    assert list(found) == ["okx BTC/USDT:USDT", "okx BTC/USD:BTC", "okx BTC/USDC:USDC"]
    assert {each.group for each in found.values()} == {"BTC/USDT:USDT"}


def test_the_fee_is_the_venues_own_unless_the_settings_say_otherwise() -> None:
    symbols = ("BTC/USDT", "BTC/USDT:USDT")
    venues = {"okx": ON, "binance": VenueSettings(taker_fee_pct=0.02), "kraken": VenueSettings(taker_fee_pct=0.0)}
    found = by_name(instruments_of(Settings(symbols, venues=venues)))
    assert {name: each.taker_fee_pct for name, each in found.items()} == {
        "okx BTC/USDT": 0.10,
        "okx BTC/USDT:USDT": 0.05,
        "binance BTC/USDT": 0.02,
        "binance BTC/USDT:USDT": 0.02,
        "kraken BTC/USDT": 0.0,
    }


def test_a_fee_may_be_set_for_one_market_alone() -> None:
    venues = {"okx": VenueSettings(taker_fee_pct={Market.SPOT: 0.08, Market.PERP: 0.03}), "binance": ON}
    found = by_name(instruments_of(Settings(("BTC/USDT", "BTC/USDT:USDT"), venues=venues)))
    assert (found["okx BTC/USDT"].taker_fee_pct, found["okx BTC/USDT:USDT"].taker_fee_pct) == (0.08, 0.03)


def test_a_live_rate_is_watched_for_itself_and_pointed_to_by_those_it_converts() -> None:
    settings = Settings(("BTC/USDT",), quotes={"USD": AT_KRAKEN}, venues={"coinbase": ON, "kraken": ON})
    found = by_name(instruments_of(settings))
    rate = found["kraken USDT/USD"]
    assert rate.only_rate and rate.rate_id is None
    for name in ("coinbase BTC/USD", "kraken BTC/USD"):
        assert (found[name].rate_id, found[name].rate_inverted) == (rate.id, True), name
        assert found[name].counted_quote == "USDT"
    for name in ("coinbase BTC/USDT", "kraken BTC/USDT"):
        assert found[name].rate_id is None, name
    assert len({each.id for each in found.values()}) == len(found)


def test_every_market_of_a_rate_is_watched_and_the_others_stand_behind_the_first() -> None:
    both = Conversion(("kraken:USDT/USD", "coinbase:USDT/USD"), 3000.0)
    found = by_name(instruments_of(Settings(("BTC/USDT",), quotes={"USD": both}, venues={"kraken": ON})))
    converted = found["kraken BTC/USD"]
    assert [rate.id for rate in converted.rates] == [found[f"{each} USDT/USD"].id for each in ("kraken", "coinbase")]
    assert converted.rate_max_age_ms == 3000.0
    assert found["coinbase USDT/USD"].only_rate


def test_a_rate_may_come_from_a_venue_that_is_not_on() -> None:
    settings = Settings(("BTC/USDT",), quotes={"USD": AT_KRAKEN}, venues={"coinbase": ON})
    found = by_name(instruments_of(settings))
    assert list(found) == ["coinbase BTC/USDT", "coinbase BTC/USD", "kraken USDT/USD"]
    assert found["kraken USDT/USD"].taker_fee_pct == 0.40


def test_a_rate_that_is_asked_for_as_a_symbol_takes_part_too() -> None:
    settings = Settings(("BTC/USD", "USDT/USD"), quotes={"USD": AT_KRAKEN}, venues={"kraken": ON, "coinbase": ON})
    found = by_name(instruments_of(settings))
    rate = found["kraken USDT/USD"]
    assert not rate.only_rate
    assert found["kraken BTC/USD"].rate_id == rate.id


@pytest.mark.parametrize("counted", [AT_KRAKEN, "USDT"])
def test_a_coin_is_not_counted_in_itself(counted: Conversion | str) -> None:
    venues = {"kraken": ON, "coinbase": ON}
    found = by_name(instruments_of(Settings(("BTC/USDT", "USDT/USD"), quotes={"USD": counted}, venues=venues)))
    for name in ("kraken USDT/USD", "coinbase USDT/USD"):
        assert (found[name].counted_quote, found[name].rate_id, found[name].group) == ("USD", None, "USDT/USD"), name


def test_a_rate_that_nothing_needs_is_not_watched() -> None:
    settings = Settings(("BTC/USDT",), quotes={"EUR": Conversion("kraken:EUR/USDT")}, venues={"binance": ON})
    venues_asked = names(instruments_of(settings))
    assert "binance BTC/EUR" in venues_asked and "kraken EUR/USDT" in venues_asked
    only_own = Settings(
        ("BTC/USDT",),
        quotes={"EUR": Conversion("kraken:EUR/USDT")},
        venues={"binance": VenueSettings(symbols=("BTC/USDT",))},
    )
    assert names(instruments_of(only_own)) == ["binance BTC/USDT"]


def test_a_rate_in_the_other_direction_is_multiplied_and_not_divided_by() -> None:
    settings = Settings(("BTC/USDT",), quotes={"EUR": Conversion("kraken:EUR/USDT")}, venues={"kraken": ON})
    found = by_name(instruments_of(settings))
    assert found["kraken BTC/EUR"].rate_inverted is False
    assert found["kraken BTC/EUR"].rate_id == found["kraken EUR/USDT"].id


def test_how_currencies_count_is_told_in_words() -> None:
    both = Conversion(("kraken:USDT/USD", "coinbase:USDT/USD"))
    assert quotes_in_words(Settings(quotes={"USDC": "USDT", "USD": both})) == (
        "USDC counts as USDT 1:1, assumed",
        "USD counts as USDT at the live rate of kraken:USDT/USD, else coinbase:USDT/USD",
    )
