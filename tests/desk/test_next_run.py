"""What a run of a node leaves to the next, and a killed worker to its heir: numbers, events, closes."""

import os
from collections.abc import Iterator

import msgspec
import pytest
from decision_stage import DecisionStage, S

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import EVENT_BYTES, SIZE, HeldRules, SpreadMemory
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file
from arbsniper_tui.spread.restart import close_left_open, send_again


@pytest.fixture
def descriptor() -> Iterator[int]:
    descriptor = create_anonymous_file(SIZE)
    yield descriptor
    os.close(descriptor)


class Worker:
    """A spread worker of a run, up to its first quote; it is killed by being left."""

    def __init__(self, stage: DecisionStage, descriptor: int, run: str) -> None:
        self.stage, self.descriptor = stage, descriptor
        stage.sink.signals.clear()
        stage.sink.events.clear()
        stage.publisher.events.clear()
        self.memory = SpreadMemory(descriptor, run)
        self.journal = Journal(
            lambda event: stage.desk.tell(event), stage.sink, self.memory, stage.survival, "desk-1", run
        )
        stage.detector.signal_seq = self.memory.signal
        send_again(self.memory, stage.sink, stage.desk, run)
        close_left_open(self.memory, self.journal, stage.detector, stage.now_ns)

    def open(self, opportunity_id: str) -> Signal:
        """Announce one, and write its event."""
        opened = msgspec.structs.replace(sample(self.stage), id=opportunity_id, seq=self.memory.signal + 1)
        self.journal.announce(opened, self.stage.now_ns)
        self.journal.write_up()
        return opened

    def heartbeat(self) -> None:
        self.journal.write("heartbeat", 1, self.stage.now_ns)

    @property
    def written(self) -> list[tuple[str, int, str]]:
        """Run, number and kind of each event."""
        return [(event.run, event.seq, event.event) for event in self.stage.publisher.events]


def sample(stage: DecisionStage) -> Signal:
    stage.quote(1, 100.0, 100.1)
    return stage.opportunity()[-1]


def test_node_and_run_stand_in_every_event_and_in_its_bytes(stage: DecisionStage, descriptor: int) -> None:
    worker = Worker(stage, descriptor, "r1")
    worker.open("a")
    worker.heartbeat()
    assert [(event["node"], event["run"], event["seq"]) for event in stage.sink.events] == [
        ("desk-1", "r1", 1),
        ("desk-1", "r1", 2),
    ]


def test_numbers_begin_at_1_with_each_run_and_go_on_within_it(stage: DecisionStage, descriptor: int) -> None:
    for run, numbers in (("r1", [1, 2]), ("r1", [3, 4]), ("r2", [1, 2]), ("r2", [3, 4])):
        worker = Worker(stage, descriptor, run)
        worker.heartbeat()
        worker.heartbeat()
        assert worker.written == [(run, number, "heartbeat") for number in numbers]


def test_each_worker_of_a_run_is_counted_so_that_their_ids_differ(descriptor: int) -> None:
    assert [SpreadMemory(descriptor, run).workers for run in ("r1", "r1", "r2", "r2")] == [1, 2, 1, 2]


def test_rules_that_a_viewer_set_end_with_the_run(descriptor: int) -> None:
    SpreadMemory(descriptor, "r1").rules = HeldRules(Rules(threshold_pct=2.0), 0)
    assert SpreadMemory(descriptor, "r1").rules == HeldRules(Rules(threshold_pct=2.0), 0)
    assert SpreadMemory(descriptor, "r2").rules is None


def test_what_a_dead_run_left_open_is_closed_by_the_next_in_its_own_numbering(
    stage: DecisionStage, descriptor: int
) -> None:
    dead = Worker(stage, descriptor, "r1")
    opened = dead.open("a")
    stage.now_ns += 3 * S
    dead.heartbeat()
    stage.now_ns += 3600 * S
    worker = Worker(stage, descriptor, "r2")
    (closed,) = stage.publisher.events
    assert closed.signal is not None
    assert (closed.run, closed.seq, closed.event) == ("r2", 1, "close")
    assert (closed.signal.id, closed.signal.seq, closed.signal.reason) == (opened.id, 0, "restart")
    assert closed.signal.duration_ms == 3000, "up to the dead run's last sign of life"
    assert stage.detector.resumable == {}, "what stands now is a new opportunity"
    Worker(stage, descriptor, "r3")
    assert worker.memory.left_open() == [] == stage.publisher.events


def test_a_worker_that_dies_before_it_closes_what_a_dead_run_left_changes_nothing(
    stage: DecisionStage, descriptor: int
) -> None:
    dead = Worker(stage, descriptor, "r1")
    dead.open("a")
    stage.now_ns += 2 * S
    dead.heartbeat()
    SpreadMemory(descriptor, "r2")
    stage.now_ns += 9 * S
    Worker(stage, descriptor, "r2")
    (closed,) = stage.publisher.events
    assert closed.signal is not None
    assert (closed.run, closed.signal.duration_ms) == ("r2", 2000)
    assert stage.detector.resumable == {}


def test_events_that_redis_had_not_confirmed_are_sent_again_byte_for_byte(
    stage: DecisionStage, descriptor: int
) -> None:
    dead = Worker(stage, descriptor, "r1")
    for _ in range(5):
        dead.heartbeat()
    dead.open("a")
    dead.memory.note_unconfirmed(2)
    written = dead.memory.events.newest(6)
    Worker(stage, descriptor, "r1")
    again = stage.sink.again
    assert [past.payload for past in again] == written
    assert [past.is_stored for past in again] == [True] * 4 + [False] * 2
    assert msgspec.json.decode(again[-1].signal)["id"] == "a"
    assert again[-1].event == "open"


def test_of_a_dead_run_only_what_redis_had_not_confirmed_is_sent(stage: DecisionStage, descriptor: int) -> None:
    dead = Worker(stage, descriptor, "r1")
    for _ in range(5):
        dead.heartbeat()
    dead.memory.note_unconfirmed(2)
    Worker(stage, descriptor, "r2")
    assert [msgspec.json.decode(past.payload, type=Event).seq for past in stage.sink.again] == [4, 5]


def test_viewers_can_ask_for_what_the_killed_worker_of_this_run_wrote(stage: DecisionStage, descriptor: int) -> None:
    Worker(stage, descriptor, "r1").heartbeat()
    Worker(stage, descriptor, "r2").heartbeat()
    stage.be_desk(is_replay=False)
    Worker(stage, descriptor, "r2").heartbeat()
    assert [(event.run, event.seq) for event in stage.desk.since(0)] == [("r2", 1), ("r2", 2)]


def test_what_was_overwritten_before_redis_confirmed_it_is_counted_and_told(
    stage: DecisionStage, descriptor: int, caplog: pytest.LogCaptureFixture
) -> None:
    dead = Worker(stage, descriptor, "r1")
    for _ in range(3):
        dead.memory.note_event(dead.memory.event + 1, b"x" * (EVENT_BYTES // 2 - 100))
    dead.memory.note_unconfirmed(3)
    worker = Worker(stage, descriptor, "r1")
    worker.heartbeat()
    assert "1 events that redis had not confirmed are lost: memory holds no more" in caplog.text
    assert stage.publisher.events[-1].lost == 1
    worker.memory.note_unconfirmed(0)
    stage.sink.events_lost = 5
    Worker(stage, descriptor, "r1").heartbeat()
    assert stage.publisher.events[-1].lost == 6


@pytest.mark.parametrize("state", ["open", "close"])
def test_a_kill_between_an_event_and_its_note_tells_nothing_twice(
    state: str, stage: DecisionStage, descriptor: int
) -> None:
    dead = Worker(stage, descriptor, "r1")
    if state == "open":
        dead.journal.announce(msgspec.structs.replace(sample(stage), id="a"), stage.now_ns)
        opened, _ = dead.journal.owed.popleft()
        dead.journal.tell(opened, stage.now_ns)
    else:
        opened = dead.open("a")
        dead.journal.tell(msgspec.structs.replace(opened, state="close"), stage.now_ns)
    Worker(stage, descriptor, "r1")
    assert [event.event for event in stage.publisher.events] == (["close"] if state == "open" else [])


def test_an_update_that_was_sent_and_not_told_is_told_before_the_close(stage: DecisionStage, descriptor: int) -> None:
    dead = Worker(stage, descriptor, "r1")
    opened = dead.open("a")
    dead.journal.announce(msgspec.structs.replace(opened, state="update", seq=2, spread_pct=3.0), stage.now_ns)
    Worker(stage, descriptor, "r1")
    told = [(event.event, event.signal.seq) for event in stage.publisher.events if event.signal is not None]
    assert told == [("update", 2), ("close", 2)]


def test_the_number_of_a_signal_that_nobody_saw_is_given_again(stage: DecisionStage, descriptor: int) -> None:
    dead = Worker(stage, descriptor, "r1")
    dead.open("a")
    stage.sink.is_up = False
    dead.journal.announce(msgspec.structs.replace(sample(stage), id="b", seq=2), stage.now_ns)
    worker = Worker(stage, descriptor, "r1")
    assert worker.memory.signal == stage.detector.signal_seq == 1


def test_what_another_version_wrote_is_not_read(descriptor: int, caplog: pytest.LogCaptureFixture) -> None:
    SpreadMemory(descriptor, "r1").give(17, 5)
    os.pwrite(descriptor, b"arbsnip0", 0)
    after = SpreadMemory(descriptor, "r1")
    assert (after.event, after.signal, after.is_new_run) == (0, 0, True)
    assert "written by another version" in caplog.text


def test_announcing_notes_the_opening_before_it_is_sent(stage: DecisionStage, descriptor: int) -> None:
    worker = Worker(stage, descriptor, "r1")
    noted: list[bool] = []

    def announce(payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        noted.append(any(left.was_sent for left in SpreadMemory(os.dup(descriptor), "r1").left_open()))
        return True

    stage.sink.announce = announce  # type: ignore[method-assign]  # looks at the file when the signal is sent
    worker.open("a")
    assert noted == [True]
