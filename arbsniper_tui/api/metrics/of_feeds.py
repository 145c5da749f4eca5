"""Metrics of venues: what their connections do, and how old their quotes are. By venue and market, never by symbol."""

from collections.abc import Callable, Iterator
from typing import Any

from arbsniper_tui.api.metrics.declared import Declared, Kind, Labels, Samples, metric
from arbsniper_tui.api.metrics.seen import Seen
from arbsniper_tui.model.health import FeedHealth, FeedState

_PLACE = ("venue", "market")


def _sums(of_feed: Callable[[FeedHealth], float]) -> Callable[[Seen], Samples]:
    """Of the connections of each place."""

    def read(seen: Seen) -> Iterator[tuple[Labels, float]]:
        for place, feeds in seen.feeds.items():
            yield place, sum(map(of_feed, feeds))

    return read


def _largest_s(of_feed: Callable[[FeedHealth], float | None]) -> Callable[[Seen], Samples]:
    """In seconds, of milliseconds; nothing where no connection of a place tells it."""

    def read(seen: Seen) -> Iterator[tuple[Labels, float]]:
        for place, feeds in seen.feeds.items():
            if told := [ms for feed in feeds if (ms := of_feed(feed)) is not None]:
                yield place, max(told) / 1000

    return read


def _counter(name: str, words: str, of_feed: Callable[[FeedHealth], float]) -> Declared[Seen]:
    return Declared(f"arbsniper_{name}_total", Kind.COUNTER, words, _PLACE, _sums(of_feed))


@metric(
    Kind.COUNTER,
    "arbsniper_dropped_total",
    "Frames and quotes that took no part, by reason, such as crossed or unreadable.",
    *_PLACE,
    "reason",
)
def dropped(seen: Seen) -> Samples:
    for place, feeds in seen.feeds.items():
        for reason in sorted({reason for feed in feeds for reason in feed.dropped}):
            yield (*place, reason), sum(feed.dropped.get(reason, 0) for feed in feeds)


@metric(Kind.GAUGE, "arbsniper_connections", "Connections to venues, by state.", *_PLACE, "state")
def connections(seen: Seen) -> Samples:
    for place, feeds in seen.feeds.items():
        for state in FeedState:
            yield (*place, state.value), sum(feed.state is state for feed in feeds)


@metric(Kind.GAUGE, "arbsniper_instruments_live", "Instruments whose newest quote takes part.", *_PLACE)
def live(seen: Seen) -> Samples:
    for place, found in seen.instruments.items():
        yield place, found.live


@metric(
    Kind.GAUGE,
    "arbsniper_instruments_waiting",
    "Instruments without a quote that takes part, by reason, such as stale or frozen.",
    *_PLACE,
    "reason",
)
def waiting(seen: Seen) -> Samples:
    for place, found in seen.instruments.items():
        for code, count in sorted(found.waiting.items()):
            yield (*place, code.value), count


@metric(
    Kind.GAUGE,
    "arbsniper_quote_age_median_seconds",
    "Age of the newest quote, by its receipt: half of the instruments have a younger one.",
    *_PLACE,
)
def median_age(seen: Seen) -> Samples:
    for place, found in seen.instruments.items():
        if found.ages_s:
            yield place, found.ages_s[len(found.ages_s) // 2]


@metric(
    Kind.GAUGE,
    "arbsniper_quote_age_max_seconds",
    "Age of the oldest of the newest quotes. A market where nothing trades grows old in peace.",
    *_PLACE,
)
def oldest_age(seen: Seen) -> Samples:
    for place, found in seen.instruments.items():
        if found.ages_s:
            yield place, found.ages_s[-1]


def _reconnects(feed: FeedHealth) -> int:
    return max(0, feed.connects - 1)


FEED_METRICS: tuple[Declared[Any], ...] = (
    _counter("frames", "Frames received.", lambda feed: feed.frames),
    _counter("received_bytes", "Bytes received.", lambda feed: feed.bytes),
    _counter("quotes", "Quotes that took part.", lambda feed: feed.quotes),
    dropped,
    _counter("conflated_quotes", "Quotes that a newer one of the same instrument replaced before they were taken.",
             lambda feed: feed.conflated),
    _counter("reconnects", "Connections made after the first one, those before a venue's daily end among them.",
             _reconnects),
    connections,
    Declared("arbsniper_not_served", Kind.GAUGE, "Instruments that the venue does not serve.", _PLACE,
             _sums(lambda feed: len(feed.rejected))),
    Declared("arbsniper_ping_seconds", Kind.GAUGE, "Round trip of the last ping, the longest of the connections.",
             _PLACE, _largest_s(lambda feed: feed.rtt_ms)),
    Declared("arbsniper_lag_seconds", Kind.GAUGE,
             "How much later data come than at their best, by the venue's own time; the largest of the connections.",
             _PLACE, _largest_s(lambda feed: feed.lag_ms)),
    live,
    waiting,
    median_age,
    oldest_age,
)  # fmt: skip
