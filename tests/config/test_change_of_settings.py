"""What two values of the settings differ in, and what of that a running node takes."""

from pathlib import Path

from arbsniper_tui.config.change import applicable, changes_between
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.config.settings import Settings

BEFORE = """
symbols = ["BTC/USDT"]
[signals]
threshold_pct = 0.5
[quotes]
USD = { convert = "kraken:USDT/USD", max_age_ms = 9000 }
[redis]
url = "redis://me:swordfish@127.0.0.1:6379/0"
[venues.okx]
taker_fee_pct = 0.1
[venues.acme]
external = true
taker_fee_pct = 0.2
[alerts.rules.wide]
min_net_spread_pct = 0.1
"""


def loaded(folder: Path, text: str) -> Settings:
    file = folder / "arbsniper.toml"
    file.write_text(text)
    return load_settings(file, {}, {}).settings


def lines(before: Settings, after: Settings) -> list[str]:
    return [each.in_words for each in changes_between(before, after)]


def test_equal_settings_differ_in_nothing(tmp_path: Path) -> None:
    assert lines(loaded(tmp_path, BEFORE), loaded(tmp_path, BEFORE)) == []


def test_each_key_stands_once_with_both_values_and_what_becomes_of_it(tmp_path: Path) -> None:
    before = loaded(tmp_path, BEFORE)
    after = loaded(
        tmp_path,
        BEFORE.replace("threshold_pct = 0.5", 'threshold_pct = 0.7\nroutes = ["spot-spot"]')
        .replace("max_age_ms = 9000", "max_age_ms = 8000")
        .replace("[venues.okx]\ntaker_fee_pct = 0.1", "[venues.kraken]")
        .replace("[alerts.rules.wide]\nmin_net_spread_pct = 0.1", ""),
    )
    assert lines(before, after) == [
        "signals.threshold_pct: 0.5 -> 0.7: applied",
        "signals.routes: spot-spot, perp-perp -> spot-spot: needs a restart",
        "quotes.USD.max_age_ms: 9000.0 -> 8000.0: applied",
        "venues.okx: on -> off: applied",
        "venues.kraken: off -> on: applied",
        "alerts.rules.wide: a table -> none: applied",
    ]


def test_what_needs_a_restart_stays_as_it_is(tmp_path: Path) -> None:
    running = loaded(tmp_path, BEFORE)
    wanted = loaded(
        tmp_path,
        BEFORE.replace("kraken:USDT/USD", "coinbase:USDT/USD")
        .replace("max_age_ms = 9000", "max_age_ms = 8000")
        .replace('symbols = ["BTC/USDT"]', 'symbols = ["ETH/USDT"]')
        .replace("taker_fee_pct = 0.2", "taker_fee_pct = 0.3")
        .replace("taker_fee_pct = 0.1", "taker_fee_pct = 0.15"),
    )
    told = lines(running, wanted)
    assert "venues.acme.taker_fee_pct: 0.2 -> 0.3: needs a restart" in told
    assert "venues.acme.symbols: BTC/USDT -> ETH/USDT: needs a restart" in told
    settings = applicable(running, wanted)
    assert settings.symbols == ("ETH/USDT",)
    assert settings.symbols_of("acme") == ("BTC/USDT",)
    assert settings.venues["acme"].taker_fee_pct == 0.2 and settings.venues["okx"].taker_fee_pct == 0.15
    (usd,) = settings.quotes.values()
    assert not isinstance(usd, str) and (usd.convert, usd.max_age_ms) == ("kraken:USDT/USD", 8000)
    assert settings.redis == running.redis


def test_no_password_is_told(tmp_path: Path) -> None:
    before = loaded(tmp_path, BEFORE)
    after = loaded(tmp_path, BEFORE.replace("swordfish", "starfish"))
    (line,) = lines(before, after)
    assert line.startswith("redis.url") and "fish" not in line
