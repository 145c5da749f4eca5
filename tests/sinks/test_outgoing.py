"""The bounded memory that signals and events wait in."""

from arbsniper_tui.sinks.outgoing import Backlog, Batch, OutgoingSignal, unwritten


def signal(number: int) -> OutgoingSignal:
    return OutgoingSignal(number, b"%d" % number, number)


def numbers(backlog: Backlog[OutgoingSignal]) -> list[int]:
    return [each.number for each in backlog.take(len(backlog))]


def test_what_is_put_back_returns_to_its_place_and_is_not_doubled() -> None:
    backlog: Backlog[OutgoingSignal] = Backlog(10)
    waiting = [signal(number) for number in (4, 5)]
    for each in waiting:
        backlog.add(each)
    backlog.put_back([signal(2), signal(3), waiting[0]])
    assert numbers(backlog) == [2, 3, 4, 5]
    assert backlog.lost == 0


def test_putting_back_too_much_drops_the_oldest() -> None:
    backlog: Backlog[OutgoingSignal] = Backlog(3)
    for number in (4, 5, 6):
        backlog.add(signal(number))
    backlog.put_back([signal(2), signal(3)])
    assert backlog.lost == 2
    assert numbers(backlog) == [4, 5, 6]


def test_a_batch_writes_each_command_of_a_signal_once() -> None:
    batch, one = Batch(0), signal(1)
    for _ in range(2):
        batch.publish(one)
        batch.store(one)
    assert len(batch.in_flight) == 2


def test_taking_back_marks_only_the_unanswered_command() -> None:
    batch, one = Batch(0), signal(1)
    batch.publish(one)
    batch.store(one)
    assert unwritten(batch.in_flight[1:]) == [one]
    assert one.published
    assert not one.stored
