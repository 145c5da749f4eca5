"""Everything that is announced is numbered once, for viewers and for Redis alike."""

import pytest
from decision_stage import NO_SINK, DecisionStage, S

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.viewer_desk import EVENTS_KEPT
from arbsniper_tui.model.signal import Event


def test_numbers_have_no_gap_whatever_is_written(stage: DecisionStage) -> None:
    for signal in stage.opportunity():
        stage.journal.announce(signal, stage.now_ns)
    stage.journal.write("heartbeat", 5, stage.now_ns, signals=1)
    for signal in stage.quote(1, 99.0, 99.5):
        stage.journal.announce(signal, stage.now_ns)
    stage.journal.write_up()
    assert [event.event for event in stage.publisher.events] == ["open", "heartbeat", "close"]
    assert [event.seq for event in stage.publisher.events] == [1, 2, 3]
    assert [event["seq"] for event in stage.sink.events] == [1, 2, 3]
    assert stage.journal.last_seq == 3


def test_a_signal_goes_to_redis_at_once_and_its_event_when_written_up(stage: DecisionStage) -> None:
    for signal in stage.opportunity():
        stage.journal.announce(signal, stage.now_ns)
    assert (stage.sink.order, len(stage.journal.owed)) == (["signal"], 1)
    stage.journal.write_up()
    assert (stage.sink.order, len(stage.journal.owed)) == (["signal", "event open"], 0)


def test_a_close_is_an_event_and_no_signal(stage: DecisionStage) -> None:
    for signal in [*stage.opportunity(), *stage.quote(1, 99.0, 99.5)]:
        stage.journal.announce(signal, stage.now_ns)
    stage.journal.write_up()
    assert [signal["state"] for signal in stage.sink.signals] == ["open"]
    assert [event["event"] for event in stage.sink.events] == ["open", "close"]
    assert stage.sink.events[1]["signal"]["reason"] == "below threshold"


def test_an_event_carries_its_signal_field_for_field(stage: DecisionStage) -> None:
    for signal in stage.opportunity():
        stage.journal.announce(signal, stage.now_ns)
    stage.journal.write_up()
    assert stage.sink.events[0]["signal"] == stage.sink.signals[0]
    assert stage.sink.events[0]["timestamp"] == stage.sink.signals[0]["timestamp"]


def test_what_came_after_a_number_can_be_had_again(stage: DecisionStage) -> None:
    for number in range(5):
        stage.journal.write("heartbeat", number, stage.now_ns)
    assert [event.seq for event in stage.desk.since(0)] == [1, 2, 3, 4, 5]
    assert [event.seq for event in stage.desk.since(3)] == [4, 5]
    assert stage.desk.since(5) == stage.desk.since(500) == ()


def test_only_the_last_events_are_kept(stage: DecisionStage) -> None:
    for number in range(EVENTS_KEPT + 10):
        stage.journal.write("heartbeat", number, stage.now_ns)
    kept = stage.desk.since(0)
    assert len(kept) == EVENTS_KEPT
    assert (kept[0].seq, kept[-1].seq) == (11, EVENTS_KEPT + 10)


def test_who_takes_over_goes_on_numbering(stage: DecisionStage) -> None:
    for signal in stage.opportunity():
        stage.journal.announce(signal, stage.now_ns)
    stage.journal.write("heartbeat", 5, stage.now_ns)
    memory = stage.memory_after_a_kill()
    assert (memory.event, memory.signal) == (2, 1)
    told: list[Event] = []
    heir = Journal(told.append, NO_SINK, memory, stage.survival)
    heir.write("heartbeat", 6, stage.now_ns)
    assert [event.seq for event in told] == [3]


def test_a_number_is_noted_before_anyone_is_told(stage: DecisionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []

    def announce(*told: object) -> bool:
        noted.append(stage.memory_after_a_kill().signal)
        return True

    monkeypatch.setattr(stage.sink, "announce", announce)
    for signal in stage.opportunity():
        stage.journal.announce(signal, stage.now_ns)
    assert noted == [1]


def test_a_replay_keeps_them_all(stage: DecisionStage) -> None:
    stage.be_desk(is_replay=True)
    for number in range(EVENTS_KEPT + 10):
        stage.journal.write("heartbeat", number, S)
    assert len(stage.desk.since(0)) == EVENTS_KEPT + 10
