"""What the exporter makes of a collector that is none: it keeps no more than it may, and counts what is lost."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from collector import Collector
from test_spans import made
from waiting import wait_until

from arbsniper_tui.traces.exporter import MOST_ANSWER_BYTES, MOST_HELD, STUCK_AFTER_S, TraceExporter
from arbsniper_tui.traces.spans import spans_of

SPANS = len(spans_of(made()))


@contextmanager
def exporting(collector: Collector, clock: Callable[[], float] = time.monotonic) -> Iterator[TraceExporter]:
    exporter = TraceExporter(collector.endpoint, "node-1", clock)
    try:
        yield exporter
    finally:
        collector.may_answer.set()
        exporter.close()


def counts(exporter: TraceExporter) -> list[int]:
    """Spans sent, and lost where there are some."""
    return [int(each) for each in re.findall(r"\d+", exporter.words.replace(",", ""))]


def wait_for_words(exporter: TraceExporter, words: str) -> None:
    wait_until(lambda: exporter.words == words, lambda: exporter.words)


def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    with Collector() as collector, exporting(collector) as exporter:
        good, collector.answer = collector.answer, b"x" * (MOST_ANSWER_BYTES + 1)
        exporter.take(made())
        wait_for_words(exporter, f"0 spans sent, {SPANS} lost")
        collector.answer = good
        exporter.take(made())
        wait_for_words(exporter, f"{SPANS} spans sent, {SPANS} lost")


def test_spans_that_are_redirected_are_not_sent() -> None:
    with Collector() as collector, exporting(collector) as exporter:
        collector.status = 307
        exporter.take(made())
        wait_for_words(exporter, f"0 spans sent, {SPANS} lost")


def test_every_span_that_a_collector_holds_up_is_sent_or_counted_as_lost() -> None:
    with Collector() as collector, exporting(collector) as exporter:
        collector.may_answer.clear()
        for _ in range(MOST_HELD):
            exporter.take(made())
        assert counts(exporter)[-1] > 0
        collector.may_answer.set()
        wait_until(lambda: sum(counts(exporter)) == MOST_HELD * SPANS, lambda: exporter.words)
        assert counts(exporter)[0] > 0


def test_a_batch_that_is_not_even_given_up_is_noticed() -> None:
    looks = count(step=2 * STUCK_AFTER_S)
    with Collector() as collector, exporting(collector, lambda: next(looks)) as exporter:
        collector.may_answer.clear()
        assert not exporter.is_stuck
        exporter.take(made())
        wait_until(lambda: exporter.is_stuck)
        collector.may_answer.set()
        wait_until(lambda: not exporter.is_stuck)
