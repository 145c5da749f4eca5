"""What viewers had saved: where it stands, and what counts before it."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from arbsniper_tui.config.load import Loaded
from arbsniper_tui.config.saved import SavedSettings, load_kept
from arbsniper_tui.model.errors import ConfigError, StateError
from arbsniper_tui.runtime.state_folder import StateFolder

NODE = '[node]\nname = "saver"\n'


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedSettings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    Path("arbsniper.toml").write_text(NODE + "[signals]\nthreshold_pct = 0.3\n")
    return SavedSettings(StateFolder("saver"))


def loaded(**options: str) -> Loaded:
    return load_kept(None, {key.replace("__", "."): value for key, value in options.items()})


def test_what_is_saved_counts_before_the_file_and_behind_environment_and_options(
    saved: SavedSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loaded().settings.signals.threshold_pct == 0.3
    saved.change({"signals.threshold_pct": "0.4", "symbols": "BTC/USDT,ETH/USDT"})
    assert loaded().settings.signals.threshold_pct == 0.4
    assert loaded().settings.symbols == ("BTC/USDT", "ETH/USDT")
    assert loaded().origins["signals.threshold_pct"].startswith("saved ")
    monkeypatch.setenv("ARBSNIPER_SIGNALS__THRESHOLD_PCT", "0.5")
    assert loaded().settings.signals.threshold_pct == 0.5
    assert loaded(signals__threshold_pct="0.6").settings.signals.threshold_pct == 0.6


def test_settings_and_alerts_have_a_file_each_for_their_user_alone(saved: SavedSettings) -> None:
    texts = {"alerts.rules.wide.min_zscore": "3", "alerts.rules.wide.to": '["bell"]', "signals.basis": "net"}
    saved.change(texts)
    folder = StateFolder("saver").path
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "settings.toml": 0o600,
        "alerts.toml": 0o600,
    }
    assert saved.read() == texts
    assert loaded().settings.alerts.rules["wide"].min_zscore == 3.0


def test_what_is_forgotten_takes_what_is_below_it_along(saved: SavedSettings) -> None:
    saved.change({"alerts.rules.wide.min_zscore": "3", "alerts.rules.wider.min_zscore": "2"})
    saved.change({"alerts.rules.wide": None})
    assert saved.read() == {"alerts.rules.wider.min_zscore": "2"}


@pytest.mark.parametrize("text", ["no toml", "[saved]\nx = 1", "[else]\n", '"key" = "value"'])
def test_a_file_that_cannot_be_read_is_named(saved: SavedSettings, text: str) -> None:
    saved.change({"signals.basis": "net"})
    file = StateFolder("saver").path / "settings.toml"
    file.write_text(text)
    with pytest.raises(StateError, match=r"settings\.toml: expected \[saved\]"):
        saved.read()
    with pytest.raises(ConfigError, match=r"settings\.toml"):
        loaded()


def test_a_saved_value_that_does_not_fit_any_more_is_named_with_its_file(saved: SavedSettings) -> None:
    saved.change({"signals.threshold_pct": "much"})
    with pytest.raises(ConfigError, match=r"settings\.toml: signals\.threshold_pct: found \"much\""):
        loaded()
    assert os.environ["XDG_STATE_HOME"] in str(StateFolder("saver").path)


def test_what_two_save_at_the_same_time_is_all_there(saved: SavedSettings) -> None:
    def save(keys: Sequence[str]) -> None:
        for key in keys:
            saved.change({key: "1"})

    halves = [f"one.key{number}" for number in range(40)], [f"two.key{number}" for number in range(40)]
    writers = [threading.Thread(target=save, args=(keys,)) for keys in halves]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert saved.read().keys() == {*halves[0], *halves[1]}
