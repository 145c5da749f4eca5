"""The bounded memory that signals and events wait in."""

from arbsniper_tui.sinks.outgoing import Backlog, OutgoingSignal, Part


def signal(number: int) -> OutgoingSignal:
    return OutgoingSignal(number, b"%d" % number, number, 0)


class Waiting(Backlog[OutgoingSignal]):
    """A backlog of signals with these numbers, and the numbers of those that it dropped."""

    def __init__(self, limit: int, *numbers: int) -> None:
        self.dropped: list[int] = []
        super().__init__(
            Part.HISTORY, OutgoingSignal.store_command, limit, lambda dropped: self.dropped.append(dropped.number)
        )
        for number in numbers:
            self.add(signal(number))

    @property
    def numbers(self) -> list[int]:
        return [each.number for each in self.waiting]


def test_what_is_put_back_returns_to_its_place() -> None:
    backlog = Waiting(10, 4, 5)
    backlog.put_back([signal(2), signal(3)])
    assert backlog.numbers == [2, 3, 4, 5]
    backlog.put_back([])
    assert backlog.take(2)[1].number == 3
    backlog.put_back([signal(7), signal(2)])
    assert backlog.numbers == [2, 4, 5, 7]
    assert backlog.dropped == []


def test_a_full_backlog_drops_the_oldest() -> None:
    assert Waiting(3, 1, 2, 3, 4).dropped == [1]


def test_putting_back_too_much_drops_the_oldest() -> None:
    backlog = Waiting(3, 4, 5, 6)
    backlog.put_back([signal(2), signal(3)])
    assert backlog.dropped == [2, 3]
    assert backlog.numbers == [4, 5, 6]
