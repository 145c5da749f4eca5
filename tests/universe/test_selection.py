"""What patterns stand for, and why the rest is left out."""

from collections.abc import Mapping

from arbsniper_tui.config.settings import Conversion, Settings, SignalSettings, VenueSettings
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.universe.instruments import instruments_of
from arbsniper_tui.universe.selection import ListKey, Selection, candidates, select
from arbsniper_tui.venues.listing import Listing

ON = VenueSettings()
LISTED = Listing()


def selected(
    settings: Settings, lists: Mapping[ListKey, Mapping[str, Listing]], kept: frozenset[int] = frozenset()
) -> Selection:
    found = {key: [each for each in candidates(settings, key, listed) if each] for key, listed in lists.items()}
    return select(settings, found, kept, instruments_of(settings))


def names(instruments: tuple[Instrument, ...]) -> set[str]:
    return {f"{each.venue} {each.symbol}" for each in instruments}


def spot(venue: str, *listed: str, **others: Listing) -> dict[ListKey, dict[str, Listing]]:
    return {(venue, Market.SPOT): dict.fromkeys(listed, LISTED) | others}


def settings_for(*symbols: str, exclude: tuple[str, ...] = (), min_venues: int = 2, **more: object) -> Settings:
    venues = {"binance": ON, "kraken": ON, "okx": ON}
    return Settings(symbols, exclude=exclude, min_venues=min_venues, **({"venues": venues} | more))  # type: ignore[arg-type]  # by name


def test_a_pattern_brings_what_two_venues_list() -> None:
    lists = spot("binance", "BTCUSDT", "ETHUSDT", "ETHBTC") | spot("okx", "BTC-USDT", "SOL-USDT", "ETH-BTC")
    found = selected(settings_for("*/USDT"), lists)
    assert names(found.instruments) == {"binance BTC/USDT", "okx BTC/USDT"}
    assert found.left_out == {"on 1 venues of 2": ("binance ETH/USDT", "okx SOL/USDT")}
    assert found.in_words == "2 instruments, left out: 2 on 1 venues of 2"


def test_a_venue_and_one_that_shows_its_books_count_as_one() -> None:
    lists = (
        spot("binance", "BTCUSDT", "ETHUSDT") | spot("coindcx", "B-BTC_USDT", "B-ETH_USDT") | spot("okx", "ETH-USDT")
    )
    found = selected(settings_for("*/USDT", venues={"binance": ON, "coindcx": ON, "okx": ON}), lists)
    assert names(found.instruments) == {"binance ETH/USDT", "coindcx ETH/USDT", "okx ETH/USDT"}
    assert {each.venue: each.relays for each in found.instruments}["coindcx"] == "binance"
    assert found.left_out == {"on 1 venues of 2": ("binance BTC/USDT", "coindcx BTC/USDT")}


def test_the_number_of_venues_can_be_set() -> None:
    lists = spot("binance", "BTCUSDT", "ETHUSDT") | spot("okx", "BTC-USDT", "ETH-USDT") | spot("kraken", "BTC/USDT")
    found = selected(settings_for("*/USDT", min_venues=3), lists)
    assert names(found.instruments) == {"binance BTC/USDT", "okx BTC/USDT", "kraken BTC/USDT"}
    assert names(selected(settings_for("*/USDT", min_venues=1), spot("okx", "X-USDT")).instruments) == {"okx X/USDT"}


def test_what_is_excluded_is_left_out_with_that_reason() -> None:
    lists = spot("binance", "BTCUSDT", "ETHUSDT") | spot("okx", "BTC-USDT", "ETH-USDT")
    found = selected(settings_for("*/USDT", exclude=("ETH/*",)), lists)
    assert names(found.instruments) == {"binance BTC/USDT", "okx BTC/USDT"}
    assert found.left_out == {"excluded": ("binance ETH/USDT", "okx ETH/USDT")}


def test_leveraged_tokens_are_left_out_by_the_venues_mark_and_never_by_their_name() -> None:
    up = Listing(is_leveraged=True)
    lists = spot("binance", "JUPUSDT", BTCUPUSDT=up) | spot("okx", "JUP-USDT", "BTCUP-USDT")
    found = selected(settings_for("*/USDT"), lists)
    assert names(found.instruments) == {"binance JUP/USDT", "okx JUP/USDT"}
    assert found.left_out["leveraged tokens"] == ("binance BTCUP/USDT",)


def test_what_is_halted_does_not_join_and_what_is_in_stays() -> None:
    halted = {("okx", Market.SPOT): {"BTC-USDT": Listing(is_trading=False, words="suspend")}}
    lists = spot("binance", "BTCUSDT") | spot("kraken", "BTC/USDT")
    settings = settings_for("*/USDT")
    found = selected(settings, lists | halted)
    assert names(found.instruments) == {"binance BTC/USDT", "kraken BTC/USDT"}
    assert found.left_out == {"not trading: suspend": ("okx BTC/USDT",)}
    before = selected(settings, lists | spot("okx", "BTC-USDT"))
    kept = frozenset(each.id for each in before.instruments)
    assert names(selected(settings, lists | halted, kept).instruments) == names(before.instruments)


def test_a_coin_sold_by_the_thousand_is_the_coin_unless_it_is_listed_plain_too() -> None:
    perp = Market.PERP
    lists: dict[ListKey, dict[str, Listing]] = {
        ("binance", perp): {"1000PEPEUSDT": LISTED, "SHIBUSDT": LISTED, "1000SHIBUSDT": LISTED},
        ("okx", perp): {"PEPE-USDT-SWAP": LISTED, "SHIB-USDT-SWAP": LISTED},
    }
    found = selected(settings_for("*/USDT:USDT"), lists)
    assert {(each.venue_symbol, each.multiplier) for each in found.instruments} == {
        ("1000PEPEUSDT", 1000),
        ("PEPE-USDT-SWAP", 1),
        ("SHIBUSDT", 1),
        ("SHIB-USDT-SWAP", 1),
    }
    assert found.left_out == {"listed by the thousand, and plain too": ("binance SHIB/USDT:USDT",)}


def test_currencies_that_count_alike_are_asked_for_and_meet() -> None:
    lists = spot("binance", "BTCUSDT") | spot("kraken", "BTC/USD", "USDT/USD")
    settings = settings_for("*/USDT", quotes={"USD": Conversion("kraken:USDT/USD")})
    found = selected(settings, lists)
    assert names(found.instruments) == {"binance BTC/USDT", "kraken BTC/USD", "kraken USDT/USD"}
    by_symbol = {each.symbol: each for each in found.instruments}
    assert by_symbol["BTC/USD"].rate_id == by_symbol["USDT/USD"].id
    assert by_symbol["USDT/USD"].only_rate


def test_what_is_asked_for_by_name_stays_and_counts() -> None:
    lists = spot("binance", "BTCUSDT", "ETHUSDT") | spot("okx", "ETH-USDT")
    found = selected(settings_for("BTC/USDT", "ETH/*"), lists)
    assert {f"{venue} BTC/USDT" for venue in ("binance", "okx", "kraken")} <= names(found.instruments)
    assert {"binance ETH/USDT", "okx ETH/USDT"} <= names(found.instruments)


def test_spot_and_perpetual_meet_where_their_route_is_on() -> None:
    lists: dict[ListKey, dict[str, Listing]] = {
        ("binance", Market.SPOT): {"BTCUSDT": LISTED},
        ("okx", Market.PERP): {"BTC-USDT-SWAP": LISTED},
    }
    assert not selected(settings_for("*/USDT", "*/USDT:USDT"), lists).instruments
    mixed = settings_for("*/USDT", "*/USDT:USDT", signals=SignalSettings(routes=("spot-perp",)))
    assert names(selected(mixed, lists).instruments) == {"binance BTC/USDT", "okx BTC/USDT:USDT"}


def test_small_letters_are_kept_and_compared_without_their_case() -> None:
    lists = spot("kraken", "AAPLx/USD") | spot("okx", "AAPLx-USD")
    found = selected(settings_for("AAPL*/USD"), lists)
    assert names(found.instruments) == {"kraken AAPLx/USD", "okx AAPLx/USD"}
