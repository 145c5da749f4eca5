"""Which source wins, where each value is said to come from, and what the defaults are."""

import re
from pathlib import Path

import msgspec
import pytest

from arbsniper_tui.config import sources
from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.settings import Conversion, Settings, VenueSettings
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import DEFAULT_VENUES, OPEN_VENUES, VENUES

SAMPLE = Path(__file__).parents[2] / "arbsniper.toml"


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path, monkeypatch):
    """No file of the checkout or of the user is found by chance."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "user_config_path", lambda name: tmp_path / "users" / name)


def load(toml="", environ=None, **options) -> Loaded:
    path = Path("written.toml")
    path.write_text(toml)
    return load_settings(path, environ or {}, {key.replace("__", "."): value for key, value in options.items()})


def test_without_any_source_the_defaults_hold_and_every_venue_with_books_of_its_own_is_on():
    loaded = load_settings(None, {}, {})
    assert loaded.path is None
    assert loaded.settings == Settings(venues={venue: VenueSettings() for venue in DEFAULT_VENUES})
    assert set(loaded.origins.values()) == {"default"}
    signals = loaded.settings.signals
    assert (signals.threshold_pct, signals.basis, signals.max_quote_age_ms, signals.cooldown_s) == (
        0.5,
        "gross",
        5000,
        0,
    )
    assert signals.routes == ("spot-spot", "perp-perp")
    assert loaded.settings.symbols == ("BTC/USDT",)
    assert loaded.settings.redis.url == "redis://127.0.0.1:6379/0"
    assert loaded.settings.redis.mode == "auto"
    assert loaded.settings.ui.refresh_hz == 10


def test_every_key_of_a_file_is_read():
    settings = load("""
        symbols = ["btc/usdt", "BTC/USDT:USDT", "BTC/USDT"]
        [signals]
        threshold_pct = 1
        basis = "net"
        routes = ["spot-perp"]
        max_quote_age_ms = 1500.5
        cooldown_s = 2
        [quotes]
        USD = "usdt"
        EUR = { convert = "Kraken:EUR/USDT" }
        [venues.binance]
        ws_url = "WS://127.0.0.1:9001/"
        rest_url = "http://127.0.0.1:9002/mirror/"
        taker_fee_pct = 0.02
        symbols = ["ETH/USDT"]
        [venues.okx]
        [redis]
        url = "unix:///run/redis.sock"
        mode = "off"
        [ui]
        refresh_hz = 30
    """).settings
    assert settings.symbols == ("BTC/USDT", "BTC/USDT:USDT")
    assert settings.signals.threshold_pct == 1.0
    assert settings.signals.routes == ("spot-perp",)
    assert settings.signals.max_quote_age_ms == 1500.5
    assert settings.quotes == {"USD": "USDT", "EUR": Conversion("kraken:EUR/USDT")}
    assert settings.venues == {
        "binance": VenueSettings("ws://127.0.0.1:9001", "http://127.0.0.1:9002/mirror", 0.02, ("ETH/USDT",)),
        "okx": VenueSettings(),
    }
    assert settings.redis.mode == "off"
    assert settings.ui.refresh_hz == 30


@pytest.mark.parametrize(
    "url", ["redis+sentinel://a:26379,b/mymaster/2?sentinel_password=x", "rediss+cluster://:pw@a,b"]
)
def test_sentinels_and_a_cluster_are_named_by_a_url(url):
    assert load(f"[redis]\nurl = '{url}'").settings.redis.url == url


def test_a_venue_that_shows_the_books_of_another_is_on_only_where_it_is_named():
    relaying = {venue for venue, each in VENUES.items() if any(market.relays for market in each.markets)}
    assert relaying == set(OPEN_VENUES) - set(DEFAULT_VENUES) == {"coindcx"}
    for options in ({"venues": ["coindcx", "okx"]}, {"venues.coindcx.taker_fee_pct": "0.1", "venues.okx": {}}):
        assert "coindcx" in load_settings(None, {}, options).settings.venues
    assert tuple(load_settings(None, {}, {}, default_venues=OPEN_VENUES).settings.venues) == OPEN_VENUES


def test_the_sample_file_works_as_it_is():
    loaded = load_settings(SAMPLE, {}, {})
    assert loaded.settings.symbols == ("BTC/USDT", "ETH/USDT")
    assert tuple(loaded.settings.venues) == DEFAULT_VENUES
    assert loaded.settings.quotes == {}
    assert all(venue == VenueSettings() for venue in loaded.settings.venues.values())


def test_the_sample_file_shows_the_defaults_of_every_other_key():
    sample, default = load_settings(SAMPLE, {}, {}).settings, Settings()
    shown = msgspec.structs.replace(default, symbols=sample.symbols, venues=sample.venues)
    assert sample == shown


def test_each_key_that_the_sample_shows_behind_a_number_sign_is_valid_alone():
    lines = SAMPLE.read_text().splitlines()
    commented = [number for number, line in enumerate(lines) if re.match(r"#\w", line)]
    settings = [load("\n".join([*lines[:n], lines[n].removeprefix("#"), *lines[n + 1 :]])).settings for n in commented]
    assert {"USD": "USDT"} in [each.quotes for each in settings]
    assert {"USD": Conversion("kraken:USDT/USD")} in [each.quotes for each in settings]
    assert {"spot": 0.08, "perp": 0.03} in [each.venues["binance"].taker_fee_pct for each in settings]
    assert "wss://data-stream.binance.vision" in [each.venues["binance"].ws_url for each in settings]


def test_an_option_wins_over_the_environment_which_wins_over_the_file():
    environ = {"ARBSNIPER_SIGNALS__THRESHOLD_PCT": "0.3", "ARBSNIPER_SIGNALS__COOLDOWN_S": "7"}
    loaded = load(
        "[signals]\nthreshold_pct = 0.9\ncooldown_s = 1\nbasis = 'net'", environ, signals__threshold_pct="0.2"
    )
    signals = loaded.settings.signals
    assert (signals.threshold_pct, signals.cooldown_s, signals.basis) == (0.2, 7, "net")
    assert loaded.origins["signals.threshold_pct"] == "option --threshold"
    assert loaded.origins["signals.cooldown_s"] == "environment ARBSNIPER_SIGNALS__COOLDOWN_S"
    assert loaded.origins["signals.basis"] == "file written.toml"
    assert loaded.origins["signals.routes"] == "default"


def test_options_not_given_change_nothing():
    assert load("", symbols=None, venues=[], signals__threshold_pct=None).settings == load("").settings


def test_the_venue_option_keeps_the_tables_of_those_it_names_and_drops_the_others():
    toml = "[venues.binance]\ntaker_fee_pct = 0.07\n[venues.okx]"
    loaded = load(toml, venues=["binance", "kraken"])
    assert loaded.settings.venues == {"binance": VenueSettings(taker_fee_pct=0.07), "kraken": VenueSettings()}
    assert loaded.origins["venues.binance"] == "file written.toml"
    assert loaded.origins["venues.kraken"] == "option --venue"
    assert not any(key.startswith("venues.okx") for key in loaded.origins)


def test_venues_can_be_chosen_in_the_environment():
    loaded = load("", {"ARBSNIPER_VENUES": "okx, kraken", "ARBSNIPER_VENUES__KRAKEN__TAKER_FEE_PCT": "0.2"})
    assert loaded.settings.venues == {"kraken": VenueSettings(taker_fee_pct=0.2), "okx": VenueSettings()}


def test_symbols_asked_for_later_hold_for_venues_with_a_list_of_their_own():
    toml = "symbols = ['BTC/USDT']\n[venues.coinbase]\nsymbols = ['BTC/USD']\n[venues.okx]"
    assert load(toml).settings.symbols_of("coinbase") == ("BTC/USD",)
    settings = load(toml, symbols=["eth/usdt", "ETH/USDT:USDT"]).settings
    assert list(settings.venues) == ["coinbase", "okx"]
    assert settings.symbols_of("coinbase") == settings.symbols_of("okx") == ("ETH/USDT", "ETH/USDT:USDT")


def test_a_venues_own_symbols_from_the_same_or_a_later_source_stand():
    environ = {"ARBSNIPER_SYMBOLS": "ETH/USDT", "ARBSNIPER_VENUES__OKX__SYMBOLS": "SOL/USDT"}
    assert load("", environ).settings.symbols_of("okx") == ("SOL/USDT",)


@pytest.mark.parametrize(
    ("toml", "environ", "mode", "origin"),
    [
        ("", {}, "url", "option --redis-url"),
        ("[redis]\nmode = 'auto'", {}, "auto", "file written.toml"),
        ("", {"ARBSNIPER_REDIS__MODE": "embedded"}, "embedded", "environment ARBSNIPER_REDIS__MODE"),
    ],
)
def test_a_redis_url_on_the_command_line_means_that_server_unless_a_mode_is_set(toml, environ, mode, origin):
    loaded = load(toml, environ, redis__url="redis://other:1/2")
    assert (loaded.settings.redis.url, loaded.settings.redis.mode) == ("redis://other:1/2", mode)
    assert loaded.origins["redis.mode"] == origin


def test_a_redis_url_in_the_environment_leaves_the_mode_alone():
    assert load("", {"ARBSNIPER_REDIS__URL": "redis://other:1"}).settings.redis.mode == "auto"


def test_a_currency_counts_as_the_word_of_the_last_source_says():
    toml = "[quotes]\nUSD = { convert = 'kraken:USDT/USD' }"
    by_word = load(toml, {"ARBSNIPER_QUOTES__USD": "usdc"}).settings
    assert by_word.quotes == {"USD": "USDC"}
    by_rate = load("[quotes]\nUSD = 'USDC'", {"ARBSNIPER_QUOTES__USD__CONVERT": "kraken:USDT/USD"}).settings
    assert by_rate.quotes == {"USD": Conversion("kraken:USDT/USD")}


def test_a_quote_currency_counts_as_itself_unless_it_is_named():
    settings = load("[quotes]\nUSD = 'USDT'\nEUR = { convert = 'kraken:EUR/USDT' }").settings
    assert [settings.counted_quote(currency) for currency in ("USD", "EUR", "USDT", "USDC")] == [
        "USDT", "USDT", "USDT", "USDC",
    ]  # fmt: skip


def test_a_conversion_names_its_markets_in_their_order():
    loaded = load("[quotes]\nUSD = { convert = ['kraken:USDT/USD', 'coinbase:usdt/usd'], max_age_ms = 2000 }")
    conversion = loaded.settings.quotes["USD"]
    assert isinstance(conversion, Conversion)
    assert [(venue, str(symbol)) for venue, symbol in conversion.markets] == [
        ("kraken", "USDT/USD"),
        ("coinbase", "USDT/USD"),
    ]
    assert conversion.max_age_ms == 2000
    conversion = Conversion("kraken:USDT/USD")
    assert [(venue, str(symbol)) for venue, symbol in conversion.markets] == [("kraken", "USDT/USD")]
    assert (conversion.counted("USD"), conversion.counted("USDT")) == ("USDT", "USD")


def test_all_markets_of_a_conversion_must_lead_to_one_currency():
    with pytest.raises(ConfigError, match="markets of USD and one other currency, the same in all of them"):
        load("[quotes]\nUSD = { convert = ['kraken:USDT/USD', 'coinbase:USDC/USD'] }")


def test_origins_name_every_key_in_force_in_the_order_of_the_file():
    keys = list(load("[quotes]\nUSD = 'USDT'\n[venues.okx]").origins)
    assert keys[0] == "symbols"
    assert (
        keys.index("quotes.USD") < keys.index("venues.okx") < keys.index("venues.okx.ws_url") < keys.index("redis.url")
    )
    assert keys[-1] == "ui.refresh_hz"


def test_everything_that_is_wrong_is_said_at_once_and_once():
    with pytest.raises(ConfigError) as caught:
        load("[signals]\nbasis = 'x'\n[venues.nope]\nws_url = 'a'\nrest_url = 'b'", signals__threshold_pct="abc")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert [word in line for word, line in zip(("basis", "nope", "--threshold"), lines, strict=True)] == [True] * 3


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        load("").settings.signals.threshold_pct = 2


def in_force(loaded: Loaded, venue: str, name: str) -> list[object]:
    """The value of each of a venue's markets."""
    return [getattr(loaded.settings.market_of(venue, each.market), name) for each in VENUES[venue].markets]


def test_a_fee_and_addresses_may_be_set_for_one_market_alone():
    loaded = load("""[venues.okx]
        taker_fee_pct = { spot = 0.08, perp = 0.03 }
        ws_url = { perp = "ws://127.0.0.1:9001" }
        [venues.binance]
        taker_fee_pct = 0.07
        rest_url = { spot = "http://127.0.0.1:9002/mirror/" }
    """)
    assert in_force(loaded, "okx", "taker_fee_pct") == [0.08, 0.03]
    assert in_force(loaded, "okx", "ws_url") == [VENUES["okx"].markets[0].ws_url, "ws://127.0.0.1:9001"]
    assert in_force(loaded, "binance", "taker_fee_pct") == [0.07, 0.07]
    assert in_force(loaded, "binance", "rest_url") == [
        "http://127.0.0.1:9002/mirror",
        VENUES["binance"].markets[1].rest_url,
    ]


def test_a_later_source_changes_one_market_or_all_of_them():
    by_market = "[venues.okx]\ntaker_fee_pct = { spot = 0.08, perp = 0.03 }"
    for_all = "[venues.okx]\ntaker_fee_pct = 0.1"
    one, every = "ARBSNIPER_VENUES__OKX__TAKER_FEE_PCT__PERP", "ARBSNIPER_VENUES__OKX__TAKER_FEE_PCT"
    assert in_force(load(by_market, {one: "0.02"}), "okx", "taker_fee_pct") == [0.08, 0.02]
    assert in_force(load(by_market, {every: "0.2"}), "okx", "taker_fee_pct") == [0.2, 0.2]
    assert in_force(load(for_all, {one: "0.02"}), "okx", "taker_fee_pct") == [0.1, 0.02]
    assert in_force(load("", {one: "0.02"}), "okx", "taker_fee_pct") == [VENUES["okx"].markets[0].taker_fee_pct, 0.02]
    assert in_force(load("", {one: "0.02", every: "0.2"}), "okx", "taker_fee_pct") == [0.2, 0.02]


def test_the_origin_of_a_value_by_market_is_told_for_each_market():
    environ = {"ARBSNIPER_VENUES__OKX__TAKER_FEE_PCT__PERP": "0.02"}
    origins = load("[venues.okx]\ntaker_fee_pct = 0.1", environ).origins
    assert origins["venues.okx.taker_fee_pct.spot"] == "file written.toml"
    assert origins["venues.okx.taker_fee_pct.perp"] == f"environment {next(iter(environ))}"
    assert "venues.okx.taker_fee_pct" not in origins
    assert origins["venues.okx.ws_url"] == "default"


def test_words_are_taken_in_any_case():
    toml = """[signals]
        basis = "NET"
        routes = ["Spot-Spot", "SPOT-PERP"]
        [venues.OKX]
        [redis]
        mode = "Off"
    """
    settings = load(toml).settings
    assert (settings.signals.basis, settings.signals.routes) == ("net", ("spot-spot", "spot-perp"))
    assert (list(settings.venues), settings.redis.mode) == (["okx"], "off")
    environ = {"ARBSNIPER_SIGNALS__BASIS": "Net", "ARBSNIPER_SIGNALS__ROUTES": "PERP-PERP, spot-spot"}
    assert load("", environ).settings.signals.routes == ("perp-perp", "spot-spot")
    assert load("", environ).settings.signals.basis == "net"
