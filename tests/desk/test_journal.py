"""Everything that is announced is numbered once, for viewers and for Redis alike."""

import pytest
from decision_bench import NO_SINK, DecisionBench, NotedPublisher, S

from arbsniper_tui.desk import journal
from arbsniper_tui.desk.journal import Journal


def test_numbers_have_no_gap_whatever_is_written(bench: DecisionBench) -> None:
    for signal in bench.opportunity():
        bench.journal.announce(signal, bench.now_ns)
    bench.journal.write("heartbeat", 5, bench.now_ns, signals=1)
    for signal in bench.quote(1, 99.0, 99.5):
        bench.journal.announce(signal, bench.now_ns)
    bench.journal.write_up()
    assert [event.event for event in bench.publisher.events] == ["open", "heartbeat", "close"]
    assert [event.seq for event in bench.publisher.events] == [1, 2, 3]
    assert [event["seq"] for event in bench.sink.events] == [1, 2, 3]
    assert bench.journal.last_seq == 3


def test_a_signal_goes_to_redis_at_once_and_its_event_when_written_up(bench: DecisionBench) -> None:
    for signal in bench.opportunity():
        bench.journal.announce(signal, bench.now_ns)
    assert (bench.sink.order, len(bench.journal.owed)) == (["signal"], 1)
    bench.journal.write_up()
    assert (bench.sink.order, len(bench.journal.owed)) == (["signal", "event open"], 0)


def test_a_close_is_an_event_and_no_signal(bench: DecisionBench) -> None:
    for signal in [*bench.opportunity(), *bench.quote(1, 99.0, 99.5)]:
        bench.journal.announce(signal, bench.now_ns)
    bench.journal.write_up()
    assert [signal["state"] for signal in bench.sink.signals] == ["open"]
    assert [event["event"] for event in bench.sink.events] == ["open", "close"]
    assert bench.sink.events[1]["signal"]["reason"] == "below threshold"


def test_an_event_carries_its_signal_field_for_field(bench: DecisionBench) -> None:
    for signal in bench.opportunity():
        bench.journal.announce(signal, bench.now_ns)
    bench.journal.write_up()
    assert bench.sink.events[0]["signal"] == bench.sink.signals[0]
    assert bench.sink.events[0]["timestamp"] == bench.sink.signals[0]["timestamp"]


def test_what_came_after_a_number_can_be_had_again(bench: DecisionBench) -> None:
    for number in range(5):
        bench.journal.write("heartbeat", number, bench.now_ns)
    assert [event.seq for event in bench.journal.since(0)] == [1, 2, 3, 4, 5]
    assert [event.seq for event in bench.journal.since(3)] == [4, 5]
    assert bench.journal.since(5) == bench.journal.since(500) == ()


def test_only_the_last_events_are_kept(bench: DecisionBench) -> None:
    for number in range(journal.EVENTS_KEPT + 10):
        bench.journal.write("heartbeat", number, bench.now_ns)
    kept = bench.journal.since(0)
    assert len(kept) == journal.EVENTS_KEPT
    assert (kept[0].seq, kept[-1].seq) == (11, journal.EVENTS_KEPT + 10)


def test_who_takes_over_goes_on_numbering(bench: DecisionBench) -> None:
    for signal in bench.opportunity():
        bench.journal.announce(signal, bench.now_ns)
    bench.journal.write("heartbeat", 5, bench.now_ns)
    memory = bench.memory_after_a_kill()
    assert (memory.event, memory.signal) == (2, 1)
    publisher = NotedPublisher()
    heir = Journal(publisher, NO_SINK, memory)  # type: ignore[arg-type]  # a noting stand-in
    heir.write("heartbeat", 6, bench.now_ns)
    assert [event.seq for event in publisher.events] == [3]
    assert [event.seq for event in heir.since(0)] == [3]


def test_a_number_is_noted_before_anyone_is_told(bench: DecisionBench, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []

    def announce(*told: object) -> bool:
        noted.append(bench.memory_after_a_kill().signal)
        return True

    monkeypatch.setattr(bench.sink, "announce", announce)
    for signal in bench.opportunity():
        bench.journal.announce(signal, bench.now_ns)
    assert noted == [1]


def test_a_replay_keeps_them_all(bench: DecisionBench) -> None:
    publisher = NotedPublisher()
    keeping = Journal(publisher, NO_SINK, bench.memory, keeps_all=True)  # type: ignore[arg-type]  # a noting stand-in
    for number in range(journal.EVENTS_KEPT + 10):
        keeping.write("heartbeat", number, S)
    assert len(keeping.since(0)) == journal.EVENTS_KEPT + 10
