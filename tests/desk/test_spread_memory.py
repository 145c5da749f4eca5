"""What a spread worker leaves to the one after it, however it died."""

import os
from collections.abc import Iterator

import msgspec
import pytest
from decision_stage import MS, DecisionStage

from arbsniper_tui.desk.memory import SIZE, SLOT_BYTES, SLOTS, HeldRules, SpreadMemory
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file
from arbsniper_tui.spread.restart import close_left_open


@pytest.fixture
def descriptor() -> Iterator[int]:
    descriptor = create_anonymous_file(SIZE)
    yield descriptor
    os.close(descriptor)


def written(signal: Signal) -> bytes:
    return msgspec.json.encode(signal)


def announced(stage: DecisionStage) -> Signal:
    """Bought at 100 on binance, sold at 101 on okx, and announced; its event is owed."""
    (signal,) = stage.opportunity()
    stage.journal.announce(signal, stage.now_ns)
    return signal


class Heir:
    """The worker after one that was killed, up to its first quote."""

    def __init__(self, killed: DecisionStage, *, has_redis: bool = True) -> None:
        self.stage = DecisionStage(killed.folder, heir_of=killed, has_redis=has_redis)
        self.stage.now_ns = killed.now_ns + 1500 * MS
        self.stage.detector.signal_seq = self.stage.memory.signal
        close_left_open(self.stage.memory, self.stage.journal, self.stage.detector, self.stage.now_ns)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Kind and opportunity of each event."""
        return [(each.event, each.signal.id if each.signal else "") for each in self.stage.publisher.events]


def test_numbers_go_on(descriptor: int) -> None:
    SpreadMemory(descriptor).give(17, 5)
    after = SpreadMemory(descriptor)
    assert (after.event, after.signal) == (17, 5)


def test_rules_that_were_set_stay_in_force(descriptor: int) -> None:
    assert SpreadMemory(descriptor).rules is None
    rules = Rules(threshold_pct=0.125, basis="net", cooldown_ns=7)
    SpreadMemory(descriptor).rules = HeldRules(Rules(threshold_pct=999.0), 0)
    SpreadMemory(descriptor).rules = HeldRules(rules, 3)
    assert SpreadMemory(descriptor).rules == HeldRules(rules, 3)


def test_rules_that_cannot_be_read_are_those_of_the_settings_again(descriptor: int) -> None:
    SpreadMemory(descriptor).rules = HeldRules(Rules(threshold_pct=2.0), 0)
    os.pwrite(descriptor, b"\xff" * 40, 260)
    assert SpreadMemory(descriptor).rules is None


def test_more_than_fit_are_left_out_and_places_are_used_again(stage: DecisionStage, descriptor: int) -> None:
    (signal,) = stage.opportunity()
    memory = SpreadMemory(descriptor)
    many = [msgspec.structs.replace(signal, id=f"node-{number}") for number in range(SLOTS + 3)]
    for number, each in enumerate(many):
        memory.note_open(each, written(each), number)
    assert len(SpreadMemory(descriptor).left_open()) == SLOTS
    for each in many[:10]:
        memory.note_closed(each.id)
    memory.note_open(many[-1], written(many[-1]), 5)
    assert len(SpreadMemory(descriptor).left_open()) == SLOTS - 10 + 1


def test_one_too_large_for_its_place_harms_no_other(
    stage: DecisionStage, descriptor: int, caplog: pytest.LogCaptureFixture
) -> None:
    (signal,) = stage.opportunity()
    memory = SpreadMemory(descriptor)
    large = msgspec.structs.replace(signal, id="large")
    for _ in range(2):
        memory.note_open(large, b"x" * SLOT_BYTES, 1)
    memory.note_open(signal, written(signal), 1)
    assert [left.signal.id for left in SpreadMemory(descriptor).left_open()] == [signal.id]
    assert [record.getMessage() for record in caplog.records] == [
        "an opportunity takes 2048 bytes where 2024 have room: it would have no close after a kill"
    ]


def test_an_update_too_large_for_its_place_leaves_what_was_noted_and_harms_no_other(
    stage: DecisionStage, descriptor: int
) -> None:
    (signal,) = stage.opportunity()
    memory = SpreadMemory(descriptor)
    both = [msgspec.structs.replace(signal, id=f"node-{number}") for number in range(2)]
    for number, each in enumerate(both):
        memory.note_open(each, written(each), number)
    grown = msgspec.structs.replace(both[1], spread_pct=9.0)
    memory.note_open(grown, b"x" * SLOT_BYTES, 5)
    left = SpreadMemory(descriptor).left_open()
    assert [each.signal for each in left] == both
    assert [each.best_spread_pct for each in left] == [signal.spread_pct, 9.0]


def test_more_open_than_there_are_places_is_said_once(
    stage: DecisionStage, descriptor: int, caplog: pytest.LogCaptureFixture
) -> None:
    (signal,) = stage.opportunity()
    memory = SpreadMemory(descriptor)
    for number in range(SLOTS + 3):
        each = msgspec.structs.replace(signal, id=f"node-{number}")
        memory.note_open(each, written(each), number)
    assert [record.getMessage() for record in caplog.records] == [
        f"more than {SLOTS} opportunities are open: some would have no close after a kill"
    ]


class TestAfterAKill:
    def test_what_was_open_is_closed_with_how_long_it_stood_and_its_best(self, stage: DecisionStage) -> None:
        opened = announced(stage)
        stage.journal.write_up()
        heir = Heir(stage)
        assert heir.told == [("close", opened.id)]
        (closed,) = heir.stage.sink.events
        assert closed["signal"]["reason"] == "restart"
        assert (closed["signal"]["duration_ms"], closed["signal"]["best_spread_pct"]) == (1500, 1.0)
        assert closed["seq"] == 2
        assert heir.stage.memory_after_a_kill().left_open() == []

    def test_what_still_stands_opens_under_a_new_id_in_events_only(self, stage: DecisionStage) -> None:
        opened = announced(stage)
        stage.journal.write_up()
        heir = Heir(stage)
        again = announced(heir.stage)
        heir.stage.journal.write_up()
        assert (again.resumed_from, again.seq) == (opened.id, opened.seq)
        assert heir.told == [("close", opened.id), ("open", again.id)]
        assert heir.stage.sink.signals == []

    def test_it_is_closed_once_more_if_the_heir_is_killed_too(self, stage: DecisionStage) -> None:
        announced(stage)
        stage.journal.write_up()
        first = Heir(stage)
        again = announced(first.stage)
        first.stage.journal.write_up()
        second = Heir(first.stage)
        assert second.told == [("close", again.id)]

    def test_an_opening_that_was_published_and_not_yet_told_is_told_before_its_close(
        self, stage: DecisionStage
    ) -> None:
        opened = announced(stage)
        heir = Heir(stage)
        assert heir.told == [("open", opened.id), ("close", opened.id)]
        assert announced(heir.stage).resumed_from == opened.id

    def test_what_nobody_heard_of_is_forgotten_and_announced_when_it_stands(self, stage: DecisionStage) -> None:
        stage.sink.is_up = False
        opened = announced(stage)
        heir = Heir(stage)
        assert heir.told == []
        again = announced(heir.stage)
        assert again.id != opened.id
        assert [signal["id"] for signal in heir.stage.sink.signals] == [again.id]

    def test_what_was_told_and_never_sent_is_closed_and_announced_anew(self, stage: DecisionStage) -> None:
        stage.sink.is_up = False
        opened = announced(stage)
        stage.journal.write_up()
        heir = Heir(stage)
        again = announced(heir.stage)
        assert heir.told == [("close", opened.id)]
        assert [signal["id"] for signal in heir.stage.sink.signals] == [again.id]

    def test_without_redis_what_was_told_is_not_told_as_new(self, stage: DecisionStage) -> None:
        alone = DecisionStage(stage.folder, has_redis=False)
        opened = announced(alone)
        alone.journal.write_up()
        heir = Heir(alone, has_redis=False)
        assert announced(heir.stage).resumed_from == opened.id
        alone.close()

    def test_what_was_closed_in_time_stays_closed(self, stage: DecisionStage) -> None:
        announced(stage)
        for signal in stage.quote(1, 100.0, 100.1):
            stage.journal.announce(signal, stage.now_ns)
        stage.journal.write_up()
        assert Heir(stage).told == []

    def test_a_close_that_was_not_yet_told_is_told(self, stage: DecisionStage) -> None:
        opened = announced(stage)
        stage.journal.write_up()
        for signal in stage.quote(1, 100.0, 100.1):
            stage.journal.announce(signal, stage.now_ns)
        assert Heir(stage).told == [("close", opened.id)]

    def test_the_best_spread_is_that_of_all_that_was_announced(self, stage: DecisionStage) -> None:
        announced(stage)
        for bid in (103.0, 101.5):
            stage.now_ns += 300 * MS
            for signal in stage.quote(1, bid, bid + 0.1):
                stage.journal.announce(signal, stage.now_ns)
        stage.journal.write_up()
        heir = Heir(stage)
        assert heir.stage.sink.events[-1]["signal"]["best_spread_pct"] == 3.0


def test_a_resumed_opening_is_an_event_and_no_signal(stage: DecisionStage) -> None:
    stage.detector.resumable = {(0, 1): "before-1"}
    announced(stage)
    stage.journal.write_up()
    assert stage.sink.signals == []
    assert stage.sink.events[0]["signal"]["resumed_from"] == "before-1"
