"""How a metric is declared, and what the client library makes of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

_DOUBLINGS = range(21)
LE_S = tuple(8e-6 * 2**doubling for doubling in _DOUBLINGS)
"""The upper bounds of the buckets, in seconds: 8 us and each doubling of it, up to 8.4 s."""
_LE = (*map(floatToGoString, LE_S), "+Inf")


@dataclass(frozen=True, slots=True)
class Durations:
    """The counts of a histogram by doubling, as `Histogram.doublings` and stages tell them, and their sum."""

    doublings: Sequence[int]
    sum_s: float

    def buckets(self) -> list[tuple[str, float]]:
        """How many are at most as long as each bound; the last holds all."""
        counts = list(accumulate(self.doublings))
        return list(zip(_LE, [*counts[: len(LE_S)], counts[-1]], strict=True))


Labels = tuple[str, ...]
Value = float | Durations
Samples = Iterable[tuple[Labels, Value]]
S = TypeVar("S")


class Kind(StrEnum):
    """What Prometheus may do with the numbers."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Declared(Generic[S]):
    """One metric."""

    name: str
    kind: Kind
    words: str
    labels: tuple[str, ...]
    read: Callable[[S], Samples]
    """The values of its labels, and the number."""

    def family(self, seen: S) -> Metric:
        """What it is now."""
        found = self.read(seen)
        if self.kind is Kind.HISTOGRAM:
            histogram = HistogramMetricFamily(self.name, self.words, labels=self.labels)
            for labels, value in found:
                assert isinstance(value, Durations)
                histogram.add_metric(labels, value.buckets(), value.sum_s)
            return histogram
        make = CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily
        family = make(self.name, self.words, labels=self.labels)
        for labels, value in found:
            assert not isinstance(value, Durations)
            family.add_metric(labels, value)
        return family


def metric(kind: Kind, name: str, words: str, *labels: str) -> Callable[[Callable[[S], Samples]], Declared[S]]:
    """Declares what the function below it reads."""
    return lambda read: Declared(name, kind, words, labels, read)
