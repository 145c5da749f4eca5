"""What /metrics tells: right numbers under well-formed names, few series however many symbols, and of a real node."""

import re
from collections import Counter
from itertools import product
from typing import Any

import pytest
from api_stage import ApiStage
from made_node import api_on
from msgspec import structs
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from ui.builder import snapshot as busy_node

from arbsniper_tui.api.app import PATHS
from arbsniper_tui.api.health_reader import READ_EVERY_S
from arbsniper_tui.api.metrics.declared import LE_S, Declared, Durations, Kind
from arbsniper_tui.api.metrics.of_api import API_METRICS, SeenHere
from arbsniper_tui.api.metrics.page import METRICS, OF_NODE, MetricsPage
from arbsniper_tui.api.metrics.seen import Seen, look
from arbsniper_tui.api.traffic import OTHER, Traffic
from arbsniper_tui.latency.histogram import Histogram
from arbsniper_tui.model.health import FeedHealth, FeedState, WorkerHealth
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import QuoteRow, RouteCounts
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session import derived
from arbsniper_tui.session.health import health_of, pids_of
from arbsniper_tui.session.snapshot import Snapshot

MOST_SERIES = 20_000
VENUES = tuple(f"venue{number}" for number in range(12))
STATUSES = (200, 304, 400, 401, 403, 404, 405, 421, 429, 503)


def seen_in(snapshot: Snapshot) -> Seen:
    processes = {pid: ProcessReading(2**20, is_stopped=False, cpu_s=1.5) for pid in pids_of(snapshot)}
    status = snapshot.status
    assert status is not None
    instruments = derived.instruments_of(snapshot)
    seen = look(snapshot, instruments, health_of(snapshot, processes, status.clock_ms), processes)
    assert seen is not None
    return seen


def values(seen: Any, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric, by the values of its labels."""
    (declared,) = (each for each in METRICS if each.name == name)
    family: Metric = declared.family(seen)
    return {tuple(each.labels[label] for label in declared.labels): each.value for each in family.samples}


def crowded(symbols: int) -> Snapshot:
    """Twelve venues with as many symbols in two markets, on which everything happens that can be counted."""
    snapshot = busy_node()
    assert snapshot.intro is not None and snapshot.status is not None
    now_ms = snapshot.status.clock_ms
    codes = tuple(ReasonCode)
    instruments, rows, feeds = [], {}, {}
    for venue, market in product(VENUES, Market):
        ids = range(len(instruments), len(instruments) + symbols)
        for i in ids:
            symbol = f"C{i}/USDT:USDT" if market is Market.PERP else f"C{i}/USDT"
            instruments.append(Instrument(i, venue, symbol, symbol, "USDT", 0.1))
            reason = None if i % 2 else Reason(codes[i // 2 % len(codes)])
            rows[i] = QuoteRow(i, 1.0, 1.0, 2.0, 1.0, now_ms - i, None, reason, quotes=9)
        for number in range(1, 5):
            name = f"{venue} {market.value}" + (f" {number}" if number > 1 else "")
            feeds[name] = FeedHealth(
                name,
                venue,
                FeedState.LIVE,
                instrument_ids=tuple(ids),
                connects=3,
                frames=100,
                quotes=90,
                bytes=10_000,
                dropped={code.value: 2 for code in codes},
                rtt_ms=20.0 * number,
                lag_ms=5.0,
                conflated=4,
            )
    snapshot.intro = structs.replace(snapshot.intro, instruments=tuple(instruments))
    snapshot.quotes, snapshot.feeds = rows, feeds
    snapshot.workers = {f"feed-{n}": WorkerHealth(f"feed-{n}", 100 + n, up=True, restarts=n) for n in range(12)}
    snapshot.route_counts = RouteCounts(3, dict.fromkeys(codes, 10))
    return snapshot


def busy_traffic() -> SeenHere:
    traffic = Traffic()
    for handler, status in product(PATHS, STATUSES):
        for path in handler.paths:
            traffic.count("GET", path, status, 1_000_000)
    return SeenHere(is_node_up=True, missed_events=0, connections=200, traffic=traffic)


def series_of(symbols: int) -> Counter[str]:
    """How many series each metric has."""
    seen, here = seen_in(crowded(symbols)), busy_traffic()
    families = [*(each.family(seen) for each in OF_NODE), *(each.family(here) for each in API_METRICS)]
    return Counter({family.name: len(family.samples) for family in families})


def test_the_series_follow_from_venues_and_not_from_symbols() -> None:
    series = series_of(300)
    assert series == series_of(2 * len(ReasonCode))
    assert series.total() < MOST_SERIES / 2


def test_numbers_of_connections_are_summed_by_venue_and_market() -> None:
    seen = seen_in(crowded(3))
    place = ("venue0", "perp")
    assert values(seen, "arbsniper_frames_total")[place] == 400
    assert values(seen, "arbsniper_quotes_total")[place] == 360
    assert values(seen, "arbsniper_conflated_quotes_total")[place] == 16
    assert values(seen, "arbsniper_reconnects_total")[place] == 8
    assert values(seen, "arbsniper_dropped_total")[*place, "crossed"] == 8
    assert values(seen, "arbsniper_connections")[*place, "live"] == 4
    assert values(seen, "arbsniper_connections")[*place, "down"] == 0
    assert values(seen, "arbsniper_ping_seconds")[place] == pytest.approx(0.08)
    assert len(values(seen, "arbsniper_frames_total")) == 24


def test_instruments_are_counted_by_whether_they_take_part_and_by_age() -> None:
    snapshot = crowded(4)
    snapshot.quotes[0] = structs.replace(snapshot.quotes[0], ts_recv_ms=0.0, reason=None)
    del snapshot.quotes[2]
    seen = seen_in(snapshot)
    place = ("venue0", "spot")
    assert values(seen, "arbsniper_instruments_live")[place] == 2
    assert values(seen, "arbsniper_instruments_waiting")[*place, "no_data"] == 2
    assert values(seen, "arbsniper_quote_age_max_seconds")[place] == pytest.approx(0.003)
    assert values(seen, "arbsniper_quote_age_median_seconds")[place] == pytest.approx(0.003)
    del snapshot.quotes[1], snapshot.quotes[3]
    assert place not in values(seen_in(snapshot), "arbsniper_quote_age_max_seconds"), "no age without a quote"


def test_routes_are_told_by_gate_and_reason_and_processes_by_worker() -> None:
    snapshot = crowded(2)
    snapshot.route_counts = RouteCounts(1, {ReasonCode.GROSS_BELOW: 7, ReasonCode.STALE: 2})
    seen = seen_in(snapshot)
    assert values(seen, "arbsniper_routes_waiting") == {("threshold", "gross_below"): 7, ("fresh", "stale"): 2}
    assert values(seen, "arbsniper_process_cpu_seconds_total")["supervisor",] == 1.5
    assert values(seen, "arbsniper_worker_restarts_total")["feed-3",] == 3
    snapshot.route_counts = None
    assert not values(seen_in(snapshot), "arbsniper_routes_waiting")


def test_a_histogram_tells_what_was_measured() -> None:
    histogram = Histogram()
    for us in (5, 9, 100, 10**8):
        histogram.record(us * 1000)
    buckets = dict(Durations(histogram.doublings(), histogram.sum_ns / 1e9).buckets())
    assert buckets["8e-06"] == 1 and buckets["1.6e-05"] == 2 and buckets["0.000128"] == 3
    assert buckets["8.388608"] == 3, "a hundred seconds are longer than the longest bound"
    assert buckets["+Inf"] == 4 and len(buckets) == len(LE_S) + 1


@pytest.mark.parametrize("declared", METRICS, ids=lambda each: each.name)
def test_a_name_keeps_to_the_conventions(declared: Declared[Any]) -> None:
    assert re.fullmatch("arbsniper_[a-z_]+", declared.name)
    assert (declared.kind is Kind.COUNTER) == declared.name.endswith("_total")
    assert declared.words.endswith(".") and not re.search("_(ms|us|pct|percent|kb|mb)(_|$)", declared.name)


def test_no_caller_makes_a_series_of_its_own() -> None:
    traffic = Traffic()
    for number in range(100):
        traffic.count(f"M{number}", "", 404, 1000)
    traffic.count("GET", "/v1/best/{symbol}", None, 1000)
    assert traffic.answers == {(OTHER, OTHER, "404"): 100, ("GET", "/v1/best/{symbol}", ""): 1}


async def test_requests_are_counted_by_the_path_that_answered_them() -> None:
    async with api_on(busy_node()) as client:
        for path in ("/v1/best/BTC-USDT", "/v1/best/ETH-USDT", "/v1/best/x", "/nowhere", "/else/where"):
            await client.get(path)
        await client.get("/v1/prices", headers={"Host": "example.org"})
        text = (await client.get("/metrics")).text
    counted = {
        (sample.labels["path"], sample.labels["code"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "arbsniper_api_requests_total"
    }
    assert counted == {
        ("/v1/best/{symbol}", "200"): 2,
        ("/v1/best/{symbol}", "400"): 1,
        ("other", "404"): 2,
        ("other", "421"): 1,
    }


def test_the_page_is_made_once_a_second_however_many_ask() -> None:
    now_s = 100.0
    made: list[Metric] = []

    class Counting(Collector):
        def collect(self) -> list[Metric]:
            made.append(GaugeMetricFamily("made", "How often.", len(made)))
            return made[-1:]

    page = MetricsPage(Counting(), lambda: now_s)
    first = page.text("")
    assert page.text("text/plain") == first
    assert page.text("application/openmetrics-text; version=1.0.0")[1].endswith(b"# EOF\n")
    assert (page.text(""), len(made)) == (page.text(""), 3)
    now_s += READ_EVERY_S
    assert page.text("") != first and len(made) == 4


async def test_openmetrics_is_answered_where_it_is_asked_for() -> None:
    async with api_on(busy_node()) as client:
        plain = await client.get("/metrics")
        asked = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert plain.headers["Content-Type"].count("charset") == 1
    assert asked.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in open_metrics_families(asked.text)}
    assert names >= {"arbsniper_quotes", "arbsniper_stage_duration_seconds", "arbsniper_node_ready"}
    assert len(list(text_string_to_metric_families(plain.text))) == len(METRICS)


@pytest.mark.parametrize(
    "accepted",
    [
        "application/openmetrics-text; version=abc",
        "text/plain; version=1.x; escaping=?",
        f"text/plain; version={'9' * 5000}",
        ";;=,,version",
        "*/*",
    ],
)
async def test_a_format_that_there_is_not_gets_the_plain_one(accepted: str) -> None:
    async with api_on(busy_node()) as client:
        answer = await client.get("/metrics", headers={"Accept": accepted})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_a_real_node_tells_what_happened(stage: ApiStage) -> None:
    stage.open()
    stage.close_opportunity()

    def told() -> dict[str, float]:
        families = text_string_to_metric_families(stage.get("/metrics").text)
        return {f"{each.name}{sorted(each.labels.items())}": each.value for one in families for each in one.samples}

    signals, frames = "arbsniper_signals_total[]", "arbsniper_frames_total[('market', 'spot'), ('venue', 'kraken')]"
    stage.node.wait_for(lambda: told().get(signals, 0) >= 1 and told().get(frames, 0) >= 1)
    for name in (
        "arbsniper_stage_duration_seconds_count[('stage', 'total')]",
        "arbsniper_process_resident_memory_bytes[('worker', 'spread')]",
        "arbsniper_process_cpu_seconds_total[('worker', 'supervisor')]",
        "arbsniper_api_request_duration_seconds_count[('path', '/metrics')]",
    ):
        stage.node.wait_for(lambda name=name: told().get(name, 0) > 0)
    stage.quote_until(
        lambda: told().get("arbsniper_routes_waiting[('gate', 'threshold'), ('reason', 'gross_below')]") == 2
    )
