"""The file of muted routes: read as it was written, mended by hand, refused where it is broken."""

from pathlib import Path

import pytest

from arbsniper_tui.desk.mute_file import NAME, MuteFile
from arbsniper_tui.model.errors import StateError
from arbsniper_tui.runtime.state_folder import StateFolder

ROUTES = {
    (("binance", "BTC/USDT"), ("okx", "BTC/USDT:USDT")),
    (("kraken", "AAPLx/USD"), ("gate", "AAPLx/USDT")),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return StateFolder("quay")


def test_what_is_written_is_read_and_a_person_can_read_it(folder: StateFolder) -> None:
    file = MuteFile(folder)
    assert file.read() == set()
    file.write(ROUTES)
    assert file.read() == ROUTES
    assert '    "binance BTC/USDT -> okx BTC/USDT:USDT",\n' in file.path.read_text()
    file.write(())
    assert file.read() == set()


@pytest.mark.parametrize("text", ["routes = [", 'routes = "x"', 'routes = ["binance BTC/USDT"]', "muted = []"])
def test_a_broken_file_is_refused_with_what_was_expected(folder: StateFolder, text: str) -> None:
    folder.write(NAME, text)
    with pytest.raises(StateError, match=r'expected routes = \["VENUE SYMBOL -> VENUE SYMBOL"\]'):
        MuteFile(folder).read()
