"""What is said of each thing that can be wrong: where, which key, what was found, what was expected, what is near."""

import re
from pathlib import Path

import pytest

from arbsniper_tui.config import keys
from arbsniper_tui.config.given import nearest, redacted, shown
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.config.venue_names import NAMED_VENUES
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import VENUES


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(toml="", environ=None, options=None) -> str:
    path = Path("f.toml")
    path.write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ or {}, options or {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("toml", "key", "near"),
    [
        ("[signals]\ntreshold_pct = 1", "signals.treshold_pct", "signals.threshold_pct"),
        ("[signals]\nThreshold_pct = 1", "signals.Threshold_pct", "signals.threshold_pct"),
        ("threshold_pct = 1", "threshold_pct", "signals.threshold_pct"),
        ("[signals]\nsymbols = ['A/B']", "signals.symbols", "symbols, above the first [table]"),
        ("symbol = ['A/B']", "symbol", "symbols"),
        ("redis_url = 'x'", "redis_url", "redis.url"),
        ("[venues.okx]\nwsurl = 'x'", "venues.okx.wsurl", "venues.okx.ws_url"),
        ("[quotes.USD]\nconverted = 'x'", "quotes.USD.converted", "quotes.USD.convert"),
        ("[ui]\nrefresh = 5", "ui.refresh", "ui.refresh_hz"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_valid_one(toml, key, near):
    message = refused(toml)
    assert message.startswith(f"f.toml: found unknown key {key} = ")
    assert message.endswith(f"; did you mean {near}?")
    assert "expected one of" in message


def test_an_unknown_key_that_is_like_none_lists_those_there_are():
    message = refused("[redis]\nzzz = 1")
    assert message == "f.toml: found unknown key redis.zzz = 1, expected one of url, mode, embedded_port"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ARBSNIPER_REDIS_URL", "ARBSNIPER_REDIS__URL"),
        ("ARBSNIPER_SIGNALS__THRESHOLD", "ARBSNIPER_SIGNALS__THRESHOLD_PCT"),
        ("ARBSNIPER_SYMBOL", "ARBSNIPER_SYMBOLS"),
        ("ARBSNIPER_VENUES__OKX__FEE_PCT", "ARBSNIPER_VENUES__OKX__TAKER_FEE_PCT"),
    ],
)
def test_an_unknown_variable_is_an_error_with_the_nearest_valid_name(name, near):
    message = refused("", {name: "x"})
    assert message.startswith(f"environment {name}: found unknown key")
    assert message.endswith(f"; did you mean {near}?")


def test_a_variable_that_is_like_none_is_an_error_too():
    assert "environment ARBSNIPER_QQ: found unknown key qq" in refused("", {"ARBSNIPER_QQ": "1"})


@pytest.mark.parametrize("venue", sorted(set(NAMED_VENUES) - set(VENUES)) or ["none left"])
def test_a_venue_that_is_named_but_not_supported_yet_has_its_own_sentence(venue):
    if venue == "none left":
        pytest.skip("every named venue has an adapter")
    sentence = f"{venue} is not supported by this version yet, expected one of {', '.join(VENUES)}"
    assert refused(f"[venues.{venue}]") == f"f.toml: venues.{venue}: {sentence}"
    assert refused("", {}, {"venues": [venue]}) == f"--venue {venue}: venues: {sentence}"


def test_an_unknown_venue_is_an_error_with_the_nearest_one():
    expected = f'found unknown venue "binanse", expected one of {", ".join(VENUES)}; did you mean binance?'
    assert refused("[venues.binanse]") == f"f.toml: venues.binanse: {expected}"
    assert refused("", {}, {"venues": ["okx", "binanse"]}) == f"--venue okx --venue binanse: venues: {expected}"
    assert refused("", {"ARBSNIPER_VENUES__BINANSE__WS_URL": "ws://h"}).endswith(expected)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[signals]\nthreshold_pct = 'abc'", 'signals.threshold_pct: found "abc", expected a percentage from 0 to 100'),
        ("[signals]\nthreshold_pct = '0.5'", 'signals.threshold_pct: found "0.5", expected a percentage'),
        ("[signals]\nthreshold_pct = -0.1", "found -0.1, expected"),
        ("[signals]\nthreshold_pct = 100.5", "found 100.5, expected a percentage from 0 to 100"),
        ("[signals]\nthreshold_pct = nan", "found nan, expected"),
        ("[signals]\nthreshold_pct = inf", "found inf, expected"),
        ("[signals]\nthreshold_pct = true", "found true, expected"),
        ("[signals]\nthreshold_pct = [1]", "found a list, expected"),
        ("[node]\nname = ['x']", "node.name: found a list, expected 1 to 64 letters"),
        ("[node]\nname = 5", "node.name: found 5, expected 1 to 64 letters"),
        ("[otel]\nendpoint = true", "otel.endpoint: found true, expected a URL"),
        (f"[signals]\nthreshold_pct = 1{'0' * 400}", "expected a percentage"),
        ("[signals]\nthreshold_pct = 2020-01-01", "found 2020-01-01 (date), expected"),
        ("[signals.threshold_pct]\nx = 1", "signals.threshold_pct: found a table, expected one value"),
        ("[signals]\nmax_quote_age_ms = 0", "found 0, expected a number of ms above 0"),
        ("[signals]\ncooldown_s = -1", "found -1, expected a number of seconds, at least 0"),
        ("[signals]\nbasis = 'Nett'", 'found "Nett", expected gross or net; did you mean net?'),
        ("[signals]\nbasis = 1", "found 1, expected gross or net"),
        ("[signals]\nroutes = ['spot-spto']", "did you mean spot-spot?"),
        ("[signals]\nroutes = ['perp-spot']", 'found "perp-spot", expected a list of spot-spot, perp-perp, spot-perp'),
        ("[signals]\nroutes = ['perp-spot']", "did you mean spot-perp?"),
        ("[signals]\nroutes = []", "found an empty list, expected a list of"),
        ("[signals]\nroutes = 'spot-spot'", 'found "spot-spot", expected a list of'),
        ("symbols = 'BTC/USDT'", 'symbols: found "BTC/USDT", expected a list of symbols'),
        ("symbols = []", "symbols: found an empty list"),
        ("symbols = [1]", "symbols: found 1, expected a list of symbols"),
        ("symbols = ['']", "symbols: symbol ''"),
        ("symbols = ['BTCUSDT']", "expected BASE/QUOTE for spot"),
        ("symbols = ['BTCUSDT']", "did you mean BTC/USDT?"),
        ("symbols = ['eth-usd']", "did you mean ETH/USD?"),
        ("symbols = ['BTC/USDT:ETH']", "settles in USDT or in BTC, found ETH"),
        ("[venues.okx]\nsymbols = ['X']", "venues.okx.symbols: symbol 'X'"),
        (
            "[venues.okx]\ntaker_fee_pct = 101",
            "venues.okx.taker_fee_pct: found 101, expected a percentage from 0 to 100",
        ),
        (
            "[venues.okx]\ntaker_fee_pct = { spot = 101 }",
            "venues.okx.taker_fee_pct.spot: found 101, expected a percentage",
        ),
        (
            "[venues.okx]\ntaker_fee_pct = { spto = 1 }",
            "unknown key venues.okx.taker_fee_pct.spto = 1, expected one of spot, perp",
        ),
        ("[venues.okx]\ntaker_fee_pct = { spto = 1 }", "did you mean venues.okx.taker_fee_pct.spot?"),
        ("[venues.okx]\ntaker_fee_pct = {}", "venues.okx.taker_fee_pct: found an empty table, expected a percentage"),
        (
            "[venues.kraken]\ntaker_fee_pct = { perp = 1 }",
            "venues.kraken.taker_fee_pct.perp: kraken has no perp market, expected",
        ),
        ("[venues.okx]\nws_url = { perp = 'h:1' }", "venues.okx.ws_url.perp: found"),
        ("[venues.okx]\nws_url = { perp = { x = 'h' } }", "venues.okx.ws_url.perp: found a table, expected one value"),
        ("[venues.okx]\nws_url = 'https://h:8443'", "venues.okx.ws_url: found"),
        ("[venues.okx]\nws_url = 'https://h:8443'", "did you mean wss://h:8443?"),
        ("[venues.okx]\nws_url = 'h:8443'", "did you mean wss://h:8443?"),
        ("[venues.okx]\nws_url = 'ws://h:8443/ws/v5'", "no path, which the adapter adds; did you mean ws://h:8443?"),
        ("[venues.okx]\nws_url = 'ws://h:99999'", "expected ws:// or wss://"),
        ("[venues.okx]\nws_url = 'ws://h:abc'", "expected ws:// or wss://"),
        (
            "[venues.okx]\nws_url = 'wss://ws..okx.com'",
            'no path, which the adapter adds ("ws..okx.com" is no valid host',
        ),
        ("[venues.okx]\nrest_url = 'https://.okx.com'", '(".okx.com" is no valid host name)'),
        (f"[venues.okx]\nws_url = 'wss://{'a' * 64}.com'", "is no valid host name)"),
        ("[redis]\nurl = 'redis://a..b'", '("a..b" is no valid host name)'),
        ("[venues.okx]\nws_url = 'ws://'", "expected ws:// or wss://"),
        ("[venues.okx]\nws_url = 'ws://a b'", "expected ws:// or wss://"),
        ("[venues.okx]\nws_url = ''", 'found "", expected ws:// or wss://'),
        ("[venues.okx]\nws_url = 5", "found 5, expected ws:// or wss://"),
        ("[venues.okx]\nrest_url = 'ws://h'", "did you mean http://h?"),
        ("[[venues.okx]]", "venues.okx: found a list, expected a table [venues.okx]"),
        ("venues = ['okx']", "venues: found a list, expected a table for each venue"),
        ("[venues]\nokx = true", "venues.okx: found true, expected a table [venues.okx]"),
        ("[quotes]\nUSD = 1", "quotes.USD: found 1, expected a currency"),
        ("[quotes]\nUSD = 'USD'", "expected another currency than USD itself"),
        ("[quotes]\nUSD = {}", "quotes.USD: found an empty table, expected a currency"),
        ("[quotes]\n'U D' = 'USDT'", 'found "U D", expected currencies by their code'),
        ("[quotes]\nUSD = { convert = 'USDT/USD' }", "expected VENUE:BASE/QUOTE"),
        ("[quotes]\nUSD = { convert = 'krakn:USDT/USD' }", "did you mean kraken?"),
        ("[quotes]\nUSD = { convert = 'kraken:USDTUSD' }", "quotes.USD.convert: found"),
        ("[quotes]\nUSD = { convert = 'kraken:USDT/EUR' }", "a spot market of USD"),
        ("[quotes]\nUSD = { convert = 'okx:USDT/USD:USD' }", "a spot market of USD"),
        (
            "[quotes]\nUSD = 'USDT'\nUSDT = 'USDC'",
            'quotes.USD: found "USDT", expected a currency that counts as no other',
        ),
        ("[redis]\nmode = 'embeded'", "expected auto, url, embedded or off; did you mean embedded?"),
        ("[redis]\nurl = 'localhost:6379'", "did you mean redis://localhost:6379?"),
        ("[redis]\nurl = 'http://h'", "expected redis://HOST:PORT/DATABASE"),
        ("[redis]\nurl = 'redis://'", "expected redis://HOST:PORT/DATABASE"),
        ("[redis]\nurl = 'redis://h/first'", "where DATABASE is a number"),
        ("[redis]\nurl = 'redis://h/٣'", "where DATABASE is a number"),
        ("[redis]\nurl = 'unix://'", "unix:///PATH"),
        ("[redis]\nurl = 'redis+sentinel://h:26379'", "redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE"),
        ("[redis]\nurl = 'redis+cluster://h:0'", "redis+cluster://HOST:PORT,HOST:PORT"),
        ("[redis]\nembedded_port = 65536", "redis.embedded_port: found 65536, expected a port from 1 to 65535, or 0"),
        ("[redis]\nembedded_port = -1", "expected a port from 1 to 65535, or 0 for none"),
        ("[redis]\nembedded_port = 6390.0", "expected a port from 1 to 65535, or 0 for none"),
        ("[redis]\nembedded_port = true", "expected a port from 1 to 65535, or 0 for none"),
        ("[redis]\nembedded_port = '6390'", "expected a port from 1 to 65535, or 0 for none"),
        ("redis = 'redis://h'", 'redis: found "redis://h", expected a table [redis] with url, mode, embedded_port'),
        ("[ui]\nrefresh_hz = 0.5", "found 0.5, expected a number from 1 to 30"),
        ("[ui]\nrefresh_hz = 31", "found 31, expected a number from 1 to 30"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_was_expected(toml, message):
    said = refused(toml)
    assert said.startswith("f.toml: ")
    assert message in said


def test_every_key_refuses_a_table_in_the_place_of_its_value():
    for pattern in keys.KEYS:
        if any(other[:-1] == pattern for other in keys.KEYS):
            continue
        name = {"venues": "okx", "quotes": "USD", "alerts": "mine"}.get(pattern[0], "")
        path = ".".join(name if part == keys.ANY else part for part in pattern)
        assert f"{path}: found a table, expected one value" in refused(f"[{path}]\nx = 1")


@pytest.mark.parametrize("text", ["abc", "-1", "101", "nan", "inf", "", "0,5", "true", "1 %", "1_0", "٣", "0x10", "1e"])
def test_a_threshold_option_that_is_no_percentage_is_named_by_its_option(text):
    said = refused("", {}, {"signals.threshold_pct": text})
    assert said.startswith(f"--threshold {text}: signals.threshold_pct: found ")
    assert "expected a percentage from 0 to 100" in said


@pytest.mark.parametrize("text", ["101", "1_0", "٣", "nan", "0x10"])
def test_a_threshold_has_the_same_range_and_spelling_in_the_environment(text):
    said = refused("", {"ARBSNIPER_SIGNALS__THRESHOLD_PCT": text})
    assert said.startswith("environment ARBSNIPER_SIGNALS__THRESHOLD_PCT: signals.threshold_pct: found ")
    assert "expected a percentage from 0 to 100" in said


@pytest.mark.parametrize("text", ["0.3", ".3", "+0.3", "3e-1"])
def test_a_threshold_option_may_be_spelled_as_people_do(text):
    assert load_settings(None, {}, {"signals.threshold_pct": text}).settings.signals.threshold_pct == 0.3


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("BTC/USDT", ("BTC/USDT",)),
        ("BTC/USDT, eth/usdt,", ("BTC/USDT", "ETH/USDT")),
        ('["BTC/USDT", "BTC/USD:BTC"]', ("BTC/USDT", "BTC/USD:BTC")),
    ],
)
def test_a_list_in_the_environment_is_comma_separated_or_toml(text, symbols):
    assert load_settings(None, {"ARBSNIPER_SYMBOLS": text}, {}).settings.symbols == symbols


def test_a_bad_value_in_the_environment_is_named_by_its_variable():
    said = refused("", {"ARBSNIPER_SIGNALS__BASIS": "nit"})
    assert said.startswith('environment ARBSNIPER_SIGNALS__BASIS: signals.basis: found "nit", expected gross or net')


def test_no_message_repeats_a_password():
    url = "http://user:hunter2@host/0?password=hunter3"
    for said in (
        refused(f"[redis]\nurl = '{url}'"),
        refused("", {"ARBSNIPER_REDIS__URL": url}),
        refused("", {}, {"redis.url": url}),
        refused("[redis]\nurl = 'user:hunter2@host'\n"),
        refused(f"[venues.okx]\nws_url = '{url}'"),
        refused(f"redis_url = '{url}'"),
        refused("", {}, {"redis.url": "unixs:///tmp/x?password=hunter2"}),
        refused("[venues.okx]\nws_url = 'wss://user:hunter2@host/path'"),
        refused("[venues.okx]\nrest_url = 'https://user:hunter2@host?a=b'"),
        refused("[venues.okx]\nrest_url = 'https://user:123#hunter2@host'"),
        refused("[venues.okx]\nrest_url = 'https://host?api_key=hunter2'"),
        refused('[redis]\nurl = "redis://:hunter2@host'),
        refused('[redis]\nurl = "redis://host/0?password=hunter2'),
        refused('[redis]\nurl = "redis://host/0"\npassword = "hunter2 hunter3'),
        refused('redis = { "api-token" = "hunter2'),
        refused('[redis]\npassword = "hunter2"'),
        refused("[venues.okx]\napi_secret = ['hunter2']\napiKey = 'hunter2'"),
        refused("", {"ARBSNIPER_REDIS__PASSWORD": "hunter2"}),
        refused("", {"ARBSNIPER_REDIS": "password=hunter2"}),
    ):
        assert not re.search("hunter[23]|123", said), said


def test_a_key_that_may_hold_a_secret_is_named_without_its_value():
    assert "found unknown key redis.password, expected one of url" in refused('[redis]\npassword = "hunter2"')
    assert 'found unknown key redis.host = "a", expected' in refused('[redis]\nhost = "a"')
    assert 'found `url = "redis://***@host`, expected TOML' in refused('[redis]\nurl = "redis://:hunter2@host')


def test_control_characters_of_a_value_are_shown_and_not_obeyed():
    assert shown("\x1b[2J\n") == '"\\x1b[2J\\n"'


def test_a_long_text_is_cut_in_a_message():
    assert shown("x" * 500) == f'"{"x" * 60}…"'


def test_the_nearest_name_is_found_whatever_its_case_and_none_when_nothing_is_close():
    assert nearest("KRAKN", ["kraken", "okx"]) == "kraken"
    assert nearest("zzz", ["kraken", "okx"]) == ""


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("redis://:pa@ss@h:1/0", "redis://***@h:1/0"),
        ("redis://h:1/0?password=p&db=1", "redis://h:1/0?password=***&db=1"),
        ("redis://h:1/0", "redis://h:1/0"),
        ("text", "text"),
    ],
)
def test_a_url_is_shown_without_its_password(url, safe):
    assert redacted(url) == safe
