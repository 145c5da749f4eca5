"""Metrics of the API process: what it answers, and whether it hears the node."""

from dataclasses import dataclass
from typing import Any

from arbsniper_tui.api.metrics.declared import Declared, Durations, Kind, Samples, metric
from arbsniper_tui.api.traffic import Traffic


@dataclass(frozen=True, slots=True)
class SeenHere:
    """What the process knows without the node."""

    is_node_up: bool
    missed_events: int
    connections: int
    traffic: Traffic


@metric(
    Kind.GAUGE,
    "arbsniper_node_up",
    "1 while the node answers the API process, 0 while it does not: then nothing is told of it.",
)
def node_up(seen: SeenHere) -> Samples:
    yield (), seen.is_node_up


@metric(
    Kind.COUNTER,
    "arbsniper_api_requests_total",
    "Requests by method, path and status; a path that there is not is called other, and the status is empty where the "
    "caller left before the answer.",
    "method",
    "path",
    "code",
)
def requests(seen: SeenHere) -> Samples:
    return sorted(seen.traffic.answers.items())


@metric(
    Kind.HISTOGRAM,
    "arbsniper_api_request_duration_seconds",
    "From the head of a request to the last byte that the system took of its answer.",
    "path",
)
def request_durations(seen: SeenHere) -> Samples:
    for path, histogram in sorted(seen.traffic.durations.items()):
        yield (path,), Durations(histogram.doublings(), histogram.sum_ns / 1e9)


@metric(Kind.GAUGE, "arbsniper_api_connections", "Open connections to the API.")
def connections(seen: SeenHere) -> Samples:
    yield (), seen.connections


@metric(Kind.COUNTER, "arbsniper_api_missed_events_total", "Events that the API process could not read in time.")
def missed_events(seen: SeenHere) -> Samples:
    yield (), seen.missed_events


API_METRICS: tuple[Declared[Any], ...] = tuple(each for each in vars().values() if isinstance(each, Declared))
