"""Histograms against exact quantiles, and the rows that are drawn from them."""

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbsniper_tui.latency.histogram import BUCKETS, Histogram, lower_us
from arbsniper_tui.latency.stages import STAGES, Stages

steady = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

US = 1000
LONGEST_US = 2**26  # a little over a minute

# Drawn by their logarithm, so that every size is met.
durations_ns = st.integers(0, 26).flatmap(lambda bits: st.integers(0, 2**bits)).map(lambda us: us * US)
shares = st.sampled_from((0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0))


def of(durations: list[int]) -> Histogram:
    histogram = Histogram()
    for duration_ns in durations:
        histogram.record(duration_ns)
    return histogram


def exact_us(durations: list[int], share: float) -> float:
    ordered = sorted(durations)
    rank = next(rank for rank in range(1, len(ordered) + 1) if rank >= share * len(ordered))
    return ordered[rank - 1] / US


@steady
@given(st.lists(durations_ns, min_size=1, max_size=200), shares)
def test_a_quantile_is_right_within_an_eighth_or_the_clocks_microsecond(durations: list[int], share: float) -> None:
    exact = exact_us(durations, share)
    assert of(durations).quantile_us(share) == pytest.approx(exact, rel=1 / 8, abs=1.0)


@steady
@given(st.lists(durations_ns, min_size=1, max_size=50))
def test_quantiles_never_fall_and_never_pass_the_longest(durations: list[int]) -> None:
    histogram = of(durations)
    quantiles = [histogram.quantile_us(step / 50) for step in range(51)]
    assert quantiles == sorted(quantiles)
    assert quantiles[-1] <= histogram.max_ns / US == max(durations) / US


@steady
@given(st.integers(0, LONGEST_US))
def test_every_duration_falls_into_the_bucket_that_holds_it(us: int) -> None:
    bucket = of([us * US]).counts.index(1)
    assert lower_us(bucket) <= us < lower_us(bucket + 1)


def test_buckets_meet_without_gap_or_overlap() -> None:
    edges = [lower_us(bucket) for bucket in range(BUCKETS + 1)]
    assert edges == sorted(set(edges))
    assert edges[0] == 0
    assert edges[-1] > 60_000_000
    assert all((upper - lower) * 8 <= max(lower, 8) for lower, upper in zip(edges, edges[1:], strict=False))


@pytest.mark.parametrize("duration_ns", [-1, -(10**12), 10**15, 2**80])
def test_what_lies_outside_is_counted_at_the_end(duration_ns: int) -> None:
    histogram = of([duration_ns])
    assert histogram.count == 1
    assert histogram.counts[0 if duration_ns < 0 else BUCKETS - 1] == 1
    assert histogram.sum_ns == max(0, duration_ns)


def test_memory_does_not_grow_with_what_is_counted() -> None:
    histogram = Histogram()
    before = sys.getsizeof(histogram.counts), len(histogram.counts)
    for duration_ns in range(0, 10**9, 10**5):
        histogram.record(duration_ns)
    assert (sys.getsizeof(histogram.counts), len(histogram.counts)) == before
    assert histogram.count == 10**4
    assert not hasattr(histogram, "__dict__")


def test_nothing_counted_is_zero() -> None:
    assert Histogram().quantile_us(0.5) == 0.0
    assert set(Histogram().doublings()) == {0}


@steady
@given(st.lists(durations_ns, max_size=50))
def test_the_drawn_counts_are_by_doubling_and_leave_nothing_out(durations: list[int]) -> None:
    doublings = of(durations).doublings()
    assert sum(doublings) == len(durations)
    for number, count in enumerate(doublings):
        lower, upper = (0 if number == 0 else 8 << (number - 1)), 8 << number
        assert count == sum(lower <= duration_ns // US < upper for duration_ns in durations)


def test_one_row_a_stage_in_the_order_of_the_way() -> None:
    stages = Stages()
    for us in (10, 20, 30, 1000):
        stages.bus.record(us * US)
    rows = stages.rows()
    assert tuple(row.name for row in rows) == STAGES
    bus = rows[STAGES.index("bus")]
    assert (bus.count, bus.max_us, sum(bus.counts), bus.sum_us) == (4, 1000.0, 4, 1060.0)
    assert bus.p50_us == pytest.approx(20, rel=1 / 8)
    assert bus.p99_us == pytest.approx(1000, rel=1 / 8)
    assert {row.count for row in rows if row.name != "bus"} == {0}
