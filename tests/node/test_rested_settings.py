"""A settings file that is being written is read again when nobody writes it any more, on a clock of the test's own."""

import logging
from pathlib import Path

import pytest

from arbsniper_tui.config.load import load_settings
from arbsniper_tui.config.origin import SettingsOrigin
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.node.running_settings import RESTS_S, RESTS_WITHIN_S, RunningSettings

VENUES = ("binance", "kraken")
TEXT = 'symbols = ["BTC/USDT"]\n[redis]\nmode = "off"\n[signals]\nmax_quote_age_ms = 6000\nthreshold_pct = 0.7\n'


class Reloading:
    """The settings of a node that was asked to read them again; `applied` are the thresholds that its workers got."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 1000.0
        self.file = folder / "arbsniper.toml"
        self.file.write_text('symbols = ["BTC/USDT"]\n[redis]\nmode = "off"\n')
        loaded = load_settings(self.file, {}, {}, default_venues=VENUES)
        origin = SettingsOrigin(self.file, {}, VENUES, file=loaded.file)
        self.applied: list[float] = []
        self.running = RunningSettings(loaded.settings, origin, None, self._apply, list, lambda: self.now_s)
        self.running.ask_reload()

    def _apply(self, settings: Settings, *_: object) -> tuple[str, ...]:
        self.applied.append(settings.signals.threshold_pct)
        return ()

    def pump(self, after_s: float) -> None:
        self.now_s += after_s
        self.running.pump()


@pytest.fixture
def reloading(tmp_path: Path) -> Reloading:
    return Reloading(tmp_path)


def test_a_file_that_is_being_written_is_read_when_it_rests(
    reloading: Reloading, caplog: pytest.LogCaptureFixture
) -> None:
    # Empty first, as an editor leaves it for a moment: by this every venue would be on.
    for end in range(0, len(TEXT), 10):
        reloading.file.write_text(TEXT[:end])
        reloading.pump(RESTS_S - 0.01)
    reloading.file.write_text(TEXT)
    reloading.pump(0.1)
    reloading.pump(RESTS_S - 0.01)
    assert reloading.applied == []
    reloading.pump(0.02)
    assert reloading.applied == [0.7]
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_a_file_that_never_rests_is_refused_and_a_later_one_is_read(
    reloading: Reloading, caplog: pytest.LogCaptureFixture
) -> None:
    began_s = reloading.now_s
    while "changes all the time" not in caplog.text:
        assert reloading.now_s <= began_s + RESTS_WITHIN_S + 0.2
        reloading.file.write_text(reloading.file.read_text() + "#")
        reloading.pump(0.1)
    assert reloading.applied == []
    reloading.file.write_text(TEXT)
    reloading.running.ask_reload()
    reloading.pump(0.1)
    reloading.pump(0.1)
    reloading.pump(RESTS_S)
    assert reloading.applied == [0.7]
