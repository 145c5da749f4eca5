"""How long a piece of work takes that is too short for one look at the clock."""

import statistics
from collections.abc import Callable
from time import perf_counter_ns

_ROUNDS = 9
_LEAST_PER_ROUND = 2000
"""Shorter work is done several times a round."""


def _nothing() -> None:
    return


def median_us(
    work: Callable[[], None],
    count: int,
    *,
    between: Callable[[], object] = _nothing,
    clock: Callable[[], int] = perf_counter_ns,
) -> float:
    """The median over rounds of what one of `count` takes; `between` runs after each time, and is not counted."""
    times = max(1, _LEAST_PER_ROUND // count)
    rounds = []
    for _ in range(_ROUNDS):
        spent_ns = 0
        for _ in range(times):
            started_ns = clock()
            work()
            spent_ns += clock() - started_ns
            between()
        rounds.append(spent_ns / (times * count) / 1000)
    return round(statistics.median(rounds), 2)
