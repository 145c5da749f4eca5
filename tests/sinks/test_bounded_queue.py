"""The bounded memory that messages wait in, whatever kind of sink they are for."""

from typing import NamedTuple

from arbsniper_tui.sinks.bounded_queue import BoundedQueue


class Message(NamedTuple):
    """A message of a sink that is not Redis."""

    number: int


class Waiting(BoundedQueue[Message]):
    """A queue of messages with these numbers, and the numbers of those that it dropped."""

    def __init__(self, limit: int, *numbers: int) -> None:
        self.dropped: list[int] = []
        super().__init__(limit, lambda dropped: self.dropped.append(dropped.number))
        for number in numbers:
            self.add(Message(number))

    @property
    def numbers(self) -> list[int]:
        return [each.number for each in self.waiting]


def test_what_is_put_back_returns_to_its_place() -> None:
    queue = Waiting(10, 4, 5)
    queue.put_back([Message(2), Message(3)])
    assert queue.numbers == [2, 3, 4, 5]
    queue.put_back([])
    assert queue.take(2)[1].number == 3
    queue.put_back([Message(7), Message(2)])
    assert queue.numbers == [2, 4, 5, 7]
    assert queue.dropped == []


def test_no_more_is_taken_than_waits() -> None:
    assert [each.number for each in Waiting(3, 1, 2).take(5)] == [1, 2]


def test_a_full_queue_drops_the_oldest() -> None:
    assert Waiting(3, 1, 2, 3, 4).dropped == [1]


def test_putting_back_too_much_drops_the_oldest() -> None:
    queue = Waiting(3, 4, 5, 6)
    queue.put_back([Message(2), Message(3)])
    assert queue.dropped == [2, 3]
    assert queue.numbers == [4, 5, 6]
