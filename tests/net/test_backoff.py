"""The waits between attempts."""

import random
from itertools import islice

import pytest

from arbsniper_tui.net.backoff import JITTER, LONGEST_S, delays_s

UNJITTERED = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0)


@pytest.mark.parametrize("seed", range(50))
def test_waits_double_to_30_s_and_stay_within_a_fifth_of_that(seed: int) -> None:
    for delay_s, middle_s in zip(delays_s(random.Random(seed)), UNJITTERED, strict=False):
        assert middle_s * (1 - JITTER) <= delay_s <= middle_s * (1 + JITTER)


def test_the_same_seed_waits_the_same() -> None:
    assert list(islice(delays_s(random.Random(3)), 9)) == list(islice(delays_s(random.Random(3)), 9))


def test_two_feeds_do_not_march_in_step() -> None:
    assert list(islice(delays_s(random.Random(1)), 9)) != list(islice(delays_s(random.Random(2)), 9))


def test_the_longest_wait_is_jittered_too() -> None:
    late = list(islice(delays_s(random.Random(5)), 100))[50:]
    assert len(set(late)) == len(late)
    assert min(late) < LONGEST_S < max(late)
