"""The bounded memory in which a sink keeps messages until they are delivered. Knows no server."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """A message with its place in the order of arrival at the sink."""

    @property
    def number(self) -> int: ...


T = TypeVar("T", bound=Numbered)


class BoundedQueue(Generic[T]):
    """At most `limit` messages in order of arrival. The oldest beyond that go to `on_drop`, which counts them."""

    def __init__(self, limit: int, on_drop: Callable[[T], object]) -> None:
        self._limit = limit
        self._on_drop = on_drop
        self.waiting: deque[T] = deque()

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, message: T) -> None:
        self.waiting.append(message)
        if len(self.waiting) > self._limit:
            self._on_drop(self.waiting.popleft())

    def put_back(self, taken: Sequence[T]) -> None:
        """Return messages that were not delivered to their places in the order."""
        newest = max((message.number for message in taken), default=0)
        older = []
        while self.waiting and self.waiting[0].number < newest:
            older.append(self.waiting.popleft())
        self.waiting.extendleft(sorted((*taken, *older), key=lambda message: message.number, reverse=True))
        while len(self.waiting) > self._limit:
            self._on_drop(self.waiting.popleft())

    def remove(self, messages: Iterable[T]) -> None:
        """Forget these, wherever they stand."""
        numbers = {message.number for message in messages}
        self.waiting = deque(message for message in self.waiting if message.number not in numbers)

    def take(self, most: int) -> list[T]:
        """Remove the oldest messages, at most this many."""
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
