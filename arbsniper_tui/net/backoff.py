"""How long to wait before the next attempt."""

import random
from collections.abc import Iterator

FIRST_S = 1.0
LONGEST_S = 30.0
JITTER = 0.2


def delays_s(rng: random.Random, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> Iterator[float]:
    """1, 2, 4 ... 30 s by default, each shortened or lengthened by up to a fifth, so that feeds do not reconnect all at
    once."""
    delay_s = first_s
    while True:
        yield delay_s * (1.0 + rng.uniform(-JITTER, JITTER))
        delay_s = min(delay_s * 2.0, longest_s)
