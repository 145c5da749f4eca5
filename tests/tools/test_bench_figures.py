"""The arithmetic of the benchmark: times of `ps`, quantiles of drawn buckets, what a subscriber heard."""

import os
import time
from io import StringIO

import pytest
from rich.console import Console

from arbsniper_tui.cli.tables import print_report
from arbsniper_tui.latency.histogram import Histogram
from arbsniper_tui.tools.benchmark.arrivals import summary
from arbsniper_tui.tools.benchmark.measured_node import quantile_us
from arbsniper_tui.tools.benchmark.processor import cpu_s, seconds_of
from arbsniper_tui.tools.benchmark.report import Cost, Load, Machine, Report, Stage, UiCost, WorkerCpu
from arbsniper_tui.tools.benchmark.rounds import median_us


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [("0:00.25", 0.25), ("01:02", 62.0), ("00:01:02", 62.0), ("1-02:03:04", 93784.0), ("", 0.0)],
)
def test_the_times_of_ps_are_read_on_every_system(shown, seconds):
    assert seconds_of(shown) == seconds


def test_the_processor_time_of_a_process_grows_as_it_works():
    before = cpu_s(os.getpid())
    assert before == pytest.approx(time.process_time(), abs=0.5)
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    assert cpu_s(os.getpid()) > before


def test_a_process_that_is_gone_has_used_nothing():
    assert cpu_s(2**22 + 1) == 0.0


@pytest.mark.parametrize("us", [3, 9, 60, 100, 800, 5000])
def test_a_quantile_of_drawn_buckets_is_within_its_doubling(us):
    histogram = Histogram()
    for _ in range(100):
        histogram.record(us * 1000)
    counts = list(histogram.doublings())
    assert us / 2 <= quantile_us(counts, 0.5) <= max(us * 2, 8)


def test_quantiles_grow_with_their_share_and_nothing_counted_is_zero():
    counts = [10, 50, 30, 9, 1]
    found = [quantile_us(counts, share) for share in (0.05, 0.5, 0.9, 0.99, 1.0)]
    assert found == sorted(found) and found[-1] == 128.0
    assert quantile_us([0, 0], 0.5) == 0.0


def test_the_whole_milliseconds_of_a_receipt_are_made_up_for():
    heard = summary([0.7, 0.8, 0.9, 5.5])
    assert heard is not None
    assert (heard.signals, heard.p50_ms, heard.p99_ms) == (4, 0.35, 5.0)
    early = summary([0.2])
    assert early is not None and early.p50_ms == 0.0
    assert summary([]) is None


def test_the_table_shows_every_figure_with_its_unit():
    stages = (Stage("parse", 10, 21.4, 12_500.0), Stage("publish", 0, 0.0, 0.0))
    cpu = (WorkerCpu("feed", 3.5, 60.0), WorkerCpu("spread", 2.5, 40.5))
    loads = tuple(Load(name, 400.0, 3.0, 561.4, 7, stages, cpu, None) for name in ("demo", "high"))
    report = Report(
        "0.1", Machine("Linux", "3.11", 2), (Cost("gate", 1.934, "quote"),), loads, UiCost(120, 36, 3, 4.6, 26.3)
    )
    screen = StringIO()
    print_report(report, Console(file=screen, width=160))
    text = screen.getvalue()
    for words in ("21 us", "12 ms", "3.5 %", "561", "100.5 us", "4.6 %", "26.3 KiB/s", "1.93 us", "120x36", "2 CPUs"):
        assert words in text, words


def test_the_time_of_one_is_that_of_all_without_what_happens_between():
    clock = iter(range(0, 10**9, 7000))
    between: list[int] = []

    def work() -> None:
        next(clock)

    us = median_us(work, 500, between=lambda: between.append(next(clock)), clock=lambda: next(clock))
    assert us == pytest.approx(14.0 / 500, abs=0.01)
    assert between
