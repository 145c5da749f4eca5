"""What becomes of an opportunity: its route is priced again, and what stood is counted and told after the close."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from decision_stage import MS, DecisionStage

from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.view import SurvivalRow

PASSED_NS = 20 * MS


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[DecisionStage]:
    stage = DecisionStage(tmp_path)
    yield stage
    stage.close()


def events(stage: DecisionStage) -> list[Event]:
    stage.journal.write_up()
    return [each for each in stage.desk.since(0) if each.event in ("open", "close", "survival")]


def pass_ms(stage: DecisionStage, ms: int) -> None:
    for _ in range(0, ms, 10):
        stage.now_ns += 10 * MS
        stage.rounds.make(stage.now_ns, PASSED_NS)


def test_a_close_tells_what_is_known_and_the_event_survival_follows_with_all(stage: DecisionStage) -> None:
    stage.journal.announce_all(stage.opportunity())
    pass_ms(stage, 100)
    stage.journal.announce_all(stage.quote(1, 100.8, 101.1))
    pass_ms(stage, 150)
    stage.journal.announce_all(stage.quote(1, 100.1, 101.1))
    assert [each.event for each in events(stage)] == ["open", "close"]
    pass_ms(stage, 2000)
    opened, closed, survival = events(stage)
    assert closed.signal is not None and opened.signal is not None
    assert closed.signal.survival_pct == (1.0, 0.8)
    assert survival.survival_pct == (1.0, 0.8, 0.1, 0.1)
    assert (survival.id, survival.seq) == (opened.signal.id, 3)
    assert stage.survival.all_rows() == (SurvivalRow(0, 1, 1, (1, 1, 0, 0)),)


def test_of_an_opportunity_that_stands_longer_the_survival_follows_its_close_at_once(stage: DecisionStage) -> None:
    stage.journal.announce_all(stage.opportunity())
    pass_ms(stage, 2100)
    assert [each.event for each in events(stage)] == ["open"]
    stage.journal.announce_all(stage.quote(1, 100.1, 101.1))
    _, closed, survival = events(stage)
    assert survival.survival_pct == (1.0, 1.0, 1.0, 1.0)
    assert closed.signal is not None and closed.signal.survival_pct == survival.survival_pct


def test_a_leg_without_a_price_has_no_spread_then(stage: DecisionStage) -> None:
    stage.journal.announce_all(stage.opportunity())
    stage.journal.announce_all(stage.detector.withdraw(1, Reason(ReasonCode.DISCONNECTED), stage.now_ns))
    pass_ms(stage, 2100)
    assert events(stage)[-1].survival_pct == (None, None, None, None)


def test_a_node_that_ends_tells_what_it_knows(stage: DecisionStage) -> None:
    stage.journal.announce_all(stage.opportunity())
    pass_ms(stage, 60)
    stage.journal.announce_all(stage.quote(1, 100.1, 101.1))
    stage.rounds.end(stage.now_ns)
    assert events(stage)[-1].survival_pct == (1.0, None, None, None)
