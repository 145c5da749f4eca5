"""Never more than so many in any span."""

from random import Random

from arbsniper_tui.net.rate_limit import RateLimit


def test_the_first_ones_do_not_wait_and_the_next_waits_for_the_oldest_to_be_over() -> None:
    limit = RateLimit(3, 10.0)
    for at_s in (100.0, 101.0, 102.0):
        assert limit.wait_s(at_s) == 0.0
        limit.note(at_s)
    assert limit.wait_s(103.0) == 7.0
    assert limit.wait_s(110.0) == 0.0


def test_no_span_has_more_wherever_it_begins() -> None:
    limit, rng = RateLimit(5, 1.0), Random(3)
    now_s, done_s = 0.0, []
    while len(done_s) < 500:
        now_s += limit.wait_s(now_s) or rng.choice((0.0, 0.01, 0.3))
        if not limit.wait_s(now_s):
            limit.note(now_s)
            done_s.append(now_s)
    assert all(later - earlier >= 1.0 - 1e-9 for earlier, later in zip(done_s, done_s[5:], strict=False))
