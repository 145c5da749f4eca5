"""Rules and targets of alerts: how they are written, what is wrong with them, and that no secret is ever shown."""

from pathlib import Path

import pytest

from arbsniper_tui.config.alert_needs import INSTALL, secret_of, unmet_need
from arbsniper_tui.config.alert_settings import AlertRule, AlertTargetSettings
from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.recorded import recorded_settings
from arbsniper_tui.config.show import settings_lines, settings_rows
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.universe.settings_check import objections

WRITTEN = """
[alerts]
quiet_hours = "23:00 - 7:00"
[alerts.rules.all]
[alerts.rules.btc]
symbols = ["btc/usdt", "ETH/*"]
price_above = 70000
to = ["bell", "phone"]
[alerts.rules.hooked]
min_net_spread_pct = 0.3
to = ["hook"]
[alerts.targets.phone]
url = "tgram://123:hidden-token/555"
[alerts.targets.hook]
webhook = "https://user:hidden-word@example.org/hidden-path?key=hidden-key"
secret = "hidden-secret"
"""


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Loaded:
    path = folder / "f.toml"
    path.write_text(text)
    return load_settings(path, environ or {}, {})


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(folder, text)
    return str(raised.value)


def test_rules_and_targets_are_tables_by_name(tmp_path: Path) -> None:
    alerts = load(tmp_path, WRITTEN).settings.alerts
    assert alerts.quiet_hours == "23:00-07:00"
    assert alerts.rules["all"] == AlertRule()
    assert alerts.rules["btc"] == AlertRule(symbols=("BTC/USDT", "ETH/*"), price_above=70000.0, to=("bell", "phone"))
    assert alerts.targets["phone"] == AlertTargetSettings(url="tgram://123:hidden-token/555")


def test_a_secret_and_a_bound_may_come_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "ARBSNIPER_ALERTS__TARGETS__HOOK__SECRET": "from-outside",
        "ARBSNIPER_ALERTS__RULES__HOOKED__MIN_NET_SPREAD_PCT": "0.7",
    }
    loaded = load(tmp_path, WRITTEN, environ)
    assert loaded.settings.alerts.targets["hook"].secret == "from-outside"
    assert loaded.settings.alerts.rules["hooked"].min_net_spread_pct == 0.7
    assert loaded.origins["alerts.targets.hook.secret"] == "environment ARBSNIPER_ALERTS__TARGETS__HOOK__SECRET"


def test_what_is_shown_and_recorded_holds_nothing_hidden_and_the_rules_can_be_read_back(tmp_path: Path) -> None:
    loaded = load(tmp_path, WRITTEN)
    shown = "\n".join(line for line in settings_lines(loaded) if line.startswith("alerts."))
    assert "hidden" not in shown + str(settings_rows(loaded)) + recorded_settings(loaded.settings)
    assert 'url = "tgram://***"' in shown and 'webhook = "https://example.org/***"' in shown
    assert load(tmp_path, shown).settings.alerts.rules == loaded.settings.alerts.rules


@pytest.mark.parametrize(
    "text",
    [
        '[alerts.targets.phone]\nurll = "tgram://123:hidden-token/555"',
        '[alerts.target.phone]\nurl = "tgram://123:hidden-token/555"',
        '[alerts.targets.phone]\nurl = "hidden-token"',
        '[alerts.targets.phone]\nurl = "tgram://123:hidden-token/555',
        '[alerts.targets.phone]\nurl = "https://hooks.example.org/hidden-token',
        '[alerts.targets.hook]\nwebhook = "htps://example.org/hidden-path"\nsecret = "hidden"',
        '[alerts.targets.hook]\nwebhook = ["https://example.org/hidden-path"]\nsecret = "hidden"',
        '[alerts.targets.hook]\nsecret = "hidden',
        '[alerts.targets]\nphone = "tgram://123:hidden-token/555"',
        'redis = "tgram://123:hidden-token/555"',
    ],
)
def test_what_is_said_of_a_fault_holds_nothing_hidden(tmp_path: Path, text: str) -> None:
    assert "hidden" not in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[alerts]\nquiet_hours = "25:00-07:00"', 'expected two times of day as in "23:00-07:00", or "" for none'),
        ('[alerts]\nquiet_hours = "07:00-7:00"', "expected two times of day"),
        ("[alerts]\nquiet_hours = 5", "expected two times of day"),
        (
            "[[alerts.rules]]\nprice_above = 1",
            "alerts.rules: found a list, expected a table [alerts.rules]",
        ),
        ("[alerts.rules.Big]\ncooldown_s = 1", 'found "Big", expected tables by names of yours, of small letters'),
        (
            "[alerts.rules.a]\nprice_above = 1\nvenue_down_s = 3\nsymbols = ['BTC/USDT']",
            "alerts.rules.a.price_above: found 1.0, expected it in a rule of its own: venue_down_s says what",
        ),
        (
            "[alerts.rules.a]\nfunding_above_pct = 1\nmin_zscore = 3",
            "alerts.rules.a.min_zscore: found 3.0",
        ),
        ("[alerts.rules.a]\nprice_above = 1", "alerts.rules.a: found no symbols, expected some beside price_above"),
        ("[alerts.rules.a]\nto = ['bel']", 'alerts.rules.a.to: found "bel", expected bell, desktop or a table'),
        ("[alerts.rules.a]\nto = ['bel']", "did you mean bell?"),
        ("[alerts.targets.bell]\nurl = 'tgram://x'", "found a name that is taken"),
        ("[alerts.targets.a]\nsecret = 'x'", "found neither url nor webhook, expected one"),
        ("[alerts.targets.a]", "found neither url nor webhook, expected one"),
        ("[alerts.targets.a]\nurl = 'x://y'\nwebhook = 'http://h'\nsecret = 's'", "found both url and webhook"),
        ("[alerts.targets.a]\nwebhook = 'http://h'", "found 0 secrets, expected one to sign the webhook with"),
        ("[alerts.targets.a]\nurl = 'x://y'\nsecret = 's'", "found a secret beside url"),
    ],
)
def test_a_fault_is_named_with_what_was_expected(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("word\n")
    assert secret_of(AlertTargetSettings(webhook="http://h", secret_file=str(file))) == "word"
    for content in (b"", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match="expected a file with a secret"):
            secret_of(AlertTargetSettings(webhook="http://h", secret_file=str(file)))


def test_a_run_is_refused_where_a_rule_needs_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arbsniper_tui.config.alert_needs.find_spec", lambda name: None)
    (found,) = [each for each in objections(load(tmp_path, WRITTEN)) if each.refuses]
    assert str(found) == (f"alerts.targets.phone: the library apprise is not installed, which reaches it: {INSTALL}")
    missing = AlertTargetSettings(webhook="http://h", secret_file=str(tmp_path / "none"))
    assert "cannot be read (No such file or directory), expected a file with a secret" in unmet_need(missing)
