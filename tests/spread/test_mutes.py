"""A viewer mutes a route: it closes, makes no signal, and is kept for later runs."""

from pathlib import Path

import pytest
from decision_stage import DecisionStage
from waiting import wait_until

from arbsniper_tui.desk.mute_file import MuteFile
from arbsniper_tui.model.instrument import instrument_key
from arbsniper_tui.runtime.state_folder import StateFolder
from arbsniper_tui.spread.mutes import Mutes
from arbsniper_tui.spread.state_keeper import StateKeeper
from arbsniper_tui.wire.messages import Done, Refused, SetMute

ROUTE = (("binance", "BTC/USDT"), ("okx", "BTC/USDT"))


def test_a_muted_route_closes_and_opens_again_when_it_is_heard_again(stage: DecisionStage) -> None:
    stage.journal.announce_all(stage.opportunity())
    assert stage.ask(SetMute(0, 1, True)) == Done()
    stage.journal.announce_all(stage.requests.take_signals())
    stage.journal.write_up()
    assert [event.event for event in stage.desk.since(0)] == ["open", "settings", "close"]
    assert stage.desk.since(0)[1].detail == "muted: binance BTC/USDT -> okx BTC/USDT"
    assert stage.ask(SetMute(0, 1, False)) == Done()
    assert [signal.state for signal in stage.requests.take_signals()] == ["open"]


def test_a_route_that_is_not_watched_is_refused(stage: DecisionStage) -> None:
    assert isinstance(stage.ask(SetMute(0, 99, True)), Refused)


def test_mutes_are_kept_and_in_force_in_the_next_run(
    stage: DecisionStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file, keeper = MuteFile(StateFolder("quay")), StateKeeper()
    Mutes(stage.detector, stage.journal, keeper, file, set()).set(SetMute(0, 1, True), stage.now_ns)
    keeper.close()
    # A disk that is slow is not waited for.
    wait_until(lambda: file.read() == {ROUTE})
    Mutes(stage.detector, stage.journal, StateKeeper(), file, file.read())
    assert stage.detector.muted == {tuple(instrument_key(*leg) for leg in ROUTE)}
