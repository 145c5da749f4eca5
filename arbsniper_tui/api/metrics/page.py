"""The page /metrics."""

import time
from collections.abc import Callable, Iterator

from litestar import Response, get
from litestar.connection import Request
from litestar.datastructures import State
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.health_reader import READ_EVERY_S, HealthReader
from arbsniper_tui.api.metrics.of_api import API_METRICS, SeenHere
from arbsniper_tui.api.metrics.of_feeds import FEED_METRICS
from arbsniper_tui.api.metrics.of_node import NODE_METRICS
from arbsniper_tui.api.metrics.seen import look
from arbsniper_tui.api.source import Source
from arbsniper_tui.api.traffic import Traffic

OF_NODE = (*NODE_METRICS, *FEED_METRICS)
METRICS = (*API_METRICS, *OF_NODE)


class NodeCollector(Collector):
    """Reads the newest snapshot. Of a node that does not answer it tells nothing but that."""

    def __init__(self, reader: Source, health: HealthReader, crowd: Crowd, traffic: Traffic) -> None:
        self._reader = reader
        self._health = health
        self._crowd = crowd
        self._traffic = traffic

    def collect(self) -> Iterator[Metric]:
        snapshot = self._reader.latest
        # Of many nodes each tells its own.
        instruments = self._reader.instruments if snapshot.intro is not None else {}
        seen = look(snapshot, instruments, self._health.health, self._health.processes)
        here = SeenHere(seen is not None, snapshot.missed, self._crowd.size, self._traffic)
        yield from (each.family(here) for each in API_METRICS)
        if seen is not None:
            yield from (each.family(seen) for each in OF_NODE)


class MetricsPage:
    """The collector's numbers as text, made at most once a second."""

    def __init__(self, collector: Collector, clock: Callable[[], float] = time.monotonic) -> None:
        # A registry of its own: what libraries register by themselves is no part of this page.
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)
        self._clock = clock
        self._made: tuple[float, str, bytes] | None = None
        """When, in which format, and the text: the last alone, for callers may name many formats."""

    def text(self, accepted: str) -> tuple[str, bytes]:
        """The content type that fits this header Accept, and the text."""
        try:
            encode, content_type = choose_encoder(accepted)
        except (TypeError, ValueError):  # the library compares versions that are no numbers
            encode, content_type = choose_encoder("")
        now_s = self._clock()
        if self._made is None or now_s - self._made[0] >= READ_EVERY_S or self._made[1] != content_type:
            self._made = now_s, content_type, encode(self._registry)
        return content_type, self._made[2]


@get("/metrics", sync_to_thread=False)
def metrics(state: State, request: Request[None, None, State]) -> Response[bytes]:
    """The node in the text format of Prometheus, or in that of OpenMetrics where it is asked for."""
    page: MetricsPage = state.metrics
    content_type, text = page.text(request.headers.get("accept", ""))
    return Response(text, headers={"content-type": content_type})
