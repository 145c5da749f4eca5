"""How long to wait before the next attempt."""

import random
from collections.abc import Iterator

FIRST_S = 1.0
LONGEST_S = 30.0
JITTER = 0.2


def delays_s(rng: random.Random) -> Iterator[float]:
    """1, 2, 4 ... 30 s, each shortened or lengthened by up to a fifth, so that reconnects do not march in step."""
    delay_s = FIRST_S
    while True:
        yield delay_s * (1.0 + rng.uniform(-JITTER, JITTER))
        delay_s = min(delay_s * 2.0, LONGEST_S)
