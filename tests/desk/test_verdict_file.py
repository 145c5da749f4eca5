"""The file of verdicts: what is written can be read by people and by the next run, and no trouble loses what stands."""

from pathlib import Path

import pytest

from arbsniper_tui.desk.verdict_file import VerdictFile
from arbsniper_tui.model.errors import StateError
from arbsniper_tui.model.verdict import Judgement, Verdict
from arbsniper_tui.runtime.state_folder import StateFolder

SAME = Verdict("mexc", "WRT/USDT", Judgement.SAME, 1, 25.0625, "2026-11-22 09:30", "mexc 25 USDT; gate 1 USDT")
MANY = Verdict("gate", "PEPE/USDT:USDT", Judgement.MULTIPLIER, 1000)
OTHER = Verdict("mexc", "LEO/USDT", Judgement.DIFFERENT, seen='a name that a venue wrote: "\\\x7f\n\u202e"')


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VerdictFile:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return VerdictFile(StateFolder("node"))


def test_no_file_holds_no_verdict(file: VerdictFile) -> None:
    assert file.read() == []
    assert not file.path.exists()


def test_what_is_kept_is_read_again_field_for_field(file: VerdictFile) -> None:
    for each in (SAME, MANY, OTHER):
        file.keep(each)
    assert {each.key: each for each in file.read()} == {each.key: each for each in (SAME, MANY, OTHER)}


def test_it_reads_as_people_write(file: VerdictFile) -> None:
    file.keep(MANY)
    written = file.path.read_text()
    assert written.endswith('["gate"."PEPE/USDT:USDT"]\nverdict = "multiplier=1000"\n')
    assert written.startswith("# ")


def test_a_later_verdict_replaces_one_and_keeps_what_was_written_by_hand(file: VerdictFile) -> None:
    file.keep(SAME)
    file.path.write_text(file.path.read_text() + '[okx."ABC/USDT"]\nverdict = "different"\n')
    file.keep(Verdict("mexc", "WRT/USDT", Judgement.DIFFERENT))
    judged = {each.key: each.judgement for each in file.read()}
    assert judged == {("mexc", "WRT/USDT"): Judgement.DIFFERENT, ("okx", "ABC/USDT"): Judgement.DIFFERENT}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("verdict =", "mend it"),
        ('mexc = "same"', "mend it"),
        ('[mexc."WRT/USDT"]\n', "verdict"),
        ('[mexc."WRT/USDT"]\nverdict = "same"\nrati = 2\n', "rati"),
        ('[mexc."WRT/USDT"]\nverdict = "multiplier=1"\n', "N from 2"),
        ('[mexc."WRT/USDT"]\nverdict = "multiplier=99999999999999999999"\n', "N from 2"),
        ('[mexc."WRT/USDT"]\nverdict = "same"\nratio = -1.0\n', "ratio"),
        ('[mexc."WRT/USDT"]\nverdict = "same"\nratio = nan\n', "ratio"),
        ('[mexc.WRT]\nverdict = "same"\n', "BASE/QUOTE"),
    ],
)
def test_what_is_no_verdict_is_said_with_its_place_and_left_as_it_is(file: VerdictFile, text: str, said: str) -> None:
    file.keep(SAME)
    file.path.write_text(text)
    with pytest.raises(StateError, match="identity.toml") as caught:
        file.read()
    assert said in str(caught.value)
    with pytest.raises(StateError):
        file.keep(MANY)
    assert file.path.read_text() == text
