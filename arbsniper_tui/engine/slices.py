"""Work in slices: the deciding loop looks for quotes between two of them, so that none waits for the whole work."""

from collections.abc import Generator
from typing import TypeVar

Value = TypeVar("Value")

Sliced = Generator[None, None, Value]
"""Yields after each slice, some 0.1 ms of work, and returns the result. What it reads may change between two slices."""


def at_once(work: Sliced[Value]) -> Value:
    """The result, without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: Value = end.value
            return value
