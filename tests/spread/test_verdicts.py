"""Verdicts of viewers: refused where they mean nothing, told to all, and said where they cannot be kept."""

from pathlib import Path

import pytest
from decision_stage import DecisionStage
from waiting import wait_until

from arbsniper_tui.desk.verdict_file import VerdictFile
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.model.errors import StateError
from arbsniper_tui.model.verdict import Judgement, Verdict
from arbsniper_tui.runtime.state_folder import StateFolder
from arbsniper_tui.spread.identity_check import IdentityCheck
from arbsniper_tui.spread.state_keeper import StateKeeper
from arbsniper_tui.wire.messages import Done, Refused, SetVerdict


def instrument_of(detector: Detector) -> tuple[str, str]:
    leg = next(iter(detector.legs.shown.values()))
    return leg.venue, leg.instrument.symbol


@pytest.mark.parametrize(
    ("judgement", "multiplier"), [(Judgement.SAME, 2), (Judgement.MULTIPLIER, 1), (Judgement.MULTIPLIER, 10**13)]
)
def test_a_multiplier_that_means_nothing_is_refused(
    stage: DecisionStage, judgement: Judgement, multiplier: int
) -> None:
    reply = stage.ask(SetVerdict(*instrument_of(stage.detector), judgement, multiplier))
    assert isinstance(reply, Refused) and "multiplier" in reply.why
    assert stage.detector.identity.verdicts == {}


def test_a_verdict_is_in_force_and_an_event_tells_all_viewers(stage: DecisionStage) -> None:
    venue, symbol = instrument_of(stage.detector)
    before = stage.journal.last_seq
    assert stage.ask(SetVerdict(venue, symbol, Judgement.DIFFERENT)) == Done()
    IdentityCheck(stage.detector).check(0)
    (event,) = stage.desk.since(before)
    assert (event.event, event.detail) == ("settings", f"identity {venue} {symbol}: different coin")
    assert [each.leg.venue for each in stage.detector.identity.held()] == [venue]


def test_a_verdict_that_cannot_be_written_is_told_and_does_not_stop_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = VerdictFile(StateFolder("node"))
    file.keep(Verdict("kraken", "BTC/USDT", Judgement.SAME))
    file.path.write_text("nonsense")
    keeper = StateKeeper()

    def keep(symbol: str) -> None:
        verdict = Verdict("mexc", symbol, Judgement.DIFFERENT)
        keeper.put(lambda: file.keep(verdict), f"the verdict on mexc {symbol}")

    keep("WRT/USDT")
    wait_until(lambda: keeper.troubles)
    assert "the verdict on mexc WRT/USDT holds for this run only" in keeper.troubles.popleft()
    with pytest.raises(StateError):
        file.read()
    file.path.unlink()
    keep("LEO/USDT")
    keeper.close()
    wait_until(lambda: file.path.exists() and [each.symbol for each in file.read()] == ["LEO/USDT"])
