"""`config check` and `config show`: what stands on stdout, what on stderr, and the exit code."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arbsniper_tui.cli.config_command import config_app
from arbsniper_tui.config import sources
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.venues import VENUES


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "user_config_path", lambda name: tmp_path / "users")
    return lambda *arguments, **environ: CliRunner(env=environ).invoke(config_app, arguments)


def written(toml: str) -> str:
    Path("f.toml").write_text(toml)
    return "f.toml"


def test_check_says_in_one_line_what_is_in_force(run):
    result = run("check", "--config", written("symbols = ['BTC/USDT', 'ETH/USDT']\n[venues.okx]\n[venues.kraken]"))
    assert result.exit_code == 0
    assert result.stdout == "ok: f.toml, 2 venues, 2 symbols, threshold 0.5% gross, Redis auto\n"
    assert result.stderr == ""


def test_check_without_a_file_says_so_and_counts_what_overrides_it(run):
    two_venues = ("--venue", "okx", "--venue", "kraken")
    result = run("check", "--threshold", "1.25", *two_venues, ARBSNIPER_SIGNALS__BASIS="net")
    assert result.stdout == (
        "ok: no file, 2 venues, 1 symbol, threshold 1.25% net, Redis auto, 4 keys from the environment or options\n"
    )


def test_check_refuses_what_the_run_refuses(run):
    for arguments in (["--symbol", "BTC/USDT:USDT", "--venue", "kraken"], ["--venue", "okx"]):
        result = run("check", *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert "expected" in result.stderr


def test_check_warns_of_what_can_signal_nothing_and_says_ok(run):
    toml = "symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[venues.okx]\n[venues.kraken]"
    result = run("check", "--config", written(toml))
    assert result.exit_code == 0 and result.stdout.startswith("ok: f.toml")
    assert result.stderr.startswith("warning: f.toml: symbols: found BTC/USDT:USDT on okx alone")


@pytest.mark.parametrize("verb", ["check", "show"])
def test_a_config_error_goes_to_stderr_with_exit_code_2(run, verb):
    result = run(verb, "--config", written("[signals]\nbasis = 'nett'"))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == 'f.toml: signals.basis: found "nett", expected gross or net; did you mean net?\n'


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--config", "none.toml"], "--config none.toml: found no such file"),
        (["--threshold", "abc"], "--threshold abc: "),
        (["--venue", "bibance"], "--venue bibance: "),
        (["--symbol", "BTCUSDT"], "--symbol BTCUSDT: "),
        (["--redis-url", "ftp://h"], "--redis-url ftp://h: "),
    ],
)
def test_a_wrong_option_is_named_on_stderr_with_exit_code_2(run, arguments, start):
    result = run("check", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(start)


def test_show_prints_every_key_with_value_and_origin(run):
    file = written("[signals]\nthreshold_pct = 0.3\n[venues.okx]\ntaker_fee_pct = 0.05")
    result = run("show", "--config", file, "--symbol", "eth/usdt", ARBSNIPER_UI__REFRESH_HZ="5")
    lines = [line.split("  # ") for line in result.stdout.splitlines()]
    origins = {text.strip(): origin for text, origin in lines}
    assert origins['symbols = ["ETH/USDT"]'] == "option --symbol"
    assert origins["signals.threshold_pct = 0.3"] == "file f.toml"
    assert origins['signals.basis = "gross"'] == "default"
    assert origins["ui.refresh_hz = 5"] == "environment ARBSNIPER_UI__REFRESH_HZ"
    assert origins["venues.okx.taker_fee_pct = 0.05"] == "file f.toml"
    okx = {str(market.market): market.ws_url for market in VENUES["okx"].markets}
    (ws_url,) = (text for text in origins if text.startswith("# venues.okx.ws_url"))
    assert all(f'{market} = "{url}"' for market, url in okx.items() if f"{market} = " in ws_url)
    assert origins[ws_url] == "default: the venue's own"


@pytest.mark.parametrize(
    "toml",
    [
        "",
        "[venues.okx]\n[venues.kraken]\ntaker_fee_pct = 0.2\nsymbols = ['BTC/USD']\n[quotes]\nUSD = 'USDT'",
        "symbols = ['BTC/USDT:USDT']\n[quotes]\nUSD = { convert = 'kraken:USDT/USD' }\n[venues.binance]\nws_url = 'ws://h:1'",
        "[venues.okx]\ntaker_fee_pct = { spot = 0.08, perp = 0.03 }\nws_url = { perp = 'ws://h:1' }\n[venues.binance]",
    ],
)
def test_what_show_prints_is_a_file_with_the_same_settings(run, toml):
    before = load_settings(Path(written(toml)), {}, {}).settings
    shown = run("show", "--config", "f.toml").stdout
    tomllib.loads(shown)
    assert load_settings(Path(written(shown)), {}, {}).settings == before


def test_show_tells_a_value_by_market_with_the_origin_of_each(run):
    file = written("[venues.okx]\ntaker_fee_pct = { spot = 0.08 }")
    result = run("show", "--config", file, ARBSNIPER_VENUES__OKX__WS_URL__PERP="ws://h:1")
    origins = dict(line.split("  # ") for line in result.stdout.splitlines() if "okx" in line)
    origins = {text.strip(): origin for text, origin in origins.items()}
    assert origins["venues.okx.taker_fee_pct.spot = 0.08"] == "file f.toml"
    assert origins["# venues.okx.taker_fee_pct.perp = 0.05"] == "default: the venue's own"
    assert origins['venues.okx.ws_url.perp = "ws://h:1"'] == "environment ARBSNIPER_VENUES__OKX__WS_URL__PERP"


def test_show_as_json_gives_the_value_in_force_of_every_key(run):
    result = run("show", "--json", "--config", written("[venues.okx]\n[quotes]\nUSD = { convert = 'kraken:USDT/USD' }"))
    rows = {row["key"]: row for row in json.loads(result.stdout)}
    assert rows["signals.max_quote_age_ms"] == {"key": "signals.max_quote_age_ms", "value": 5000, "origin": "default"}
    assert rows["quotes.USD"]["value"] == {"convert": "kraken:USDT/USD", "max_age_ms": 10000}
    assert rows["venues.okx"]["origin"] == "file f.toml"
    fees = {str(market.market): market.taker_fee_pct for market in VENUES["okx"].markets}
    assert rows["venues.okx.taker_fee_pct"]["value"] == fees
    assert rows["venues.okx.symbols"]["value"] == ["BTC/USDT"]


@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["check"]])
def test_no_password_is_printed(run, arguments):
    result = run(*arguments, "--redis-url", "redis://user:hunter2@h:1/0")
    assert result.exit_code == 0
    assert "hunter2" not in result.output
