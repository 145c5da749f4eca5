"""A setting that viewers change in steps, between what was asked for and what is in force. Pure."""

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Dial(Generic[Value]):
    """Counts from the value last asked for, so that quick presses add up before the node has answered."""

    def __init__(self, patience: float) -> None:
        """`patience`: after so many calls of `follow` a value that has not come into force is given up."""
        self._patience = patience
        self._asked: tuple[Value] | None = None
        self._looks = 0

    def ask(self, value: Value) -> Value:
        """Remember what is being asked for; returns it."""
        self._asked, self._looks = (value,), 0
        return value

    def from_here(self, in_force: Value) -> Value:
        """What the next step counts from."""
        return in_force if self._asked is None else self._asked[0]

    def follow(self, in_force: Value) -> None:
        """Take note of what is in force; what was asked for is then done, or after a while given up."""
        self._looks += 1
        if self._asked == (in_force,) or self._looks > self._patience:
            self._asked = None
