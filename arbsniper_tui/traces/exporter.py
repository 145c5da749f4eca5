"""Sends spans to a collector, from a thread of the library: whoever hands them over never waits."""

import io
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import set_span_in_context

from arbsniper_tui import __version__
from arbsniper_tui.model.trace import SignalTrace
from arbsniper_tui.traces.spans import attributes_of, spans_of

_log = logging.getLogger(__name__)

SEND_EVERY_MS = 1000
GIVEN_UP_AFTER_S = 5.0
"""A batch that the collector has not taken by then is lost."""
STUCK_AFTER_S = 30.0
"""A batch that is not even given up by then: the collector sends its answer a byte at a time."""
MOST_ANSWER_BYTES = 64 * 1024
LAST_WORDS_S = 1.0
MOST_HELD = 4096
"""Spans that wait for the collector; the newest go beyond that."""


class _ShortAnswers(requests.Session):  # the kind of session that the library takes
    """Does not read an answer without end into memory, and does not take a redirection for a word of the collector."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = super().send(request, **(options | {"stream": True}))
        content = response.raw.read(MOST_ANSWER_BYTES + 1)
        if response.is_redirect or len(content) > MOST_ANSWER_BYTES:
            response.close()
            raise requests.RequestException("expected the short answer of a collector")
        response.raw = io.BytesIO(content)
        return response


class _Counting(SpanExporter):
    """Counts what the collector takes, and says when that changes: the library's own lines hold addresses."""

    def __init__(self, inner: SpanExporter, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._clock = clock
        self.sent = self.lost = 0
        self.since_s: float | None = None
        """When the batch left that is on its way."""
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.since_s = self._clock()
        result = self._inner.export(spans)
        self.since_s = None
        is_failing = result is not SpanExportResult.SUCCESS
        if is_failing:
            self.lost += len(spans)
        else:
            self.sent += len(spans)
        if is_failing != self._is_failing:
            self._is_failing = is_failing
            _log.warning("the collector of [otel] endpoint %s traces", "does not take" if is_failing else "takes")
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class TraceExporter:
    """Traces of one node."""

    def __init__(self, endpoint: str, node: str, clock: Callable[[], float] = time.monotonic) -> None:
        for name in ("opentelemetry", "urllib3", "requests"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        resource = {"service.name": "arbsniper-tui", "service.version": __version__, "service.instance.id": node}
        self._clock = clock
        self._taken = self._dropped = 0
        sending = OTLPSpanExporter(endpoint, timeout=GIVEN_UP_AFTER_S, session=_ShortAnswers())
        self._exporter = _Counting(sending, clock)
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=Resource.create(resource), shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(self._exporter, max_queue_size=2 * MOST_HELD, schedule_delay_millis=SEND_EVERY_MS)
        )
        self._tracer = self._provider.get_tracer("arbsniper_tui", __version__)

    @property
    def words(self) -> str:
        """What has become of the spans so far."""
        count = self._exporter.lost + self._dropped
        lost = f", {count:,} lost" if count else ""
        return f"{self._exporter.sent:,} spans sent{lost}"

    @property
    def is_stuck(self) -> bool:
        """Whether the library waits for a collector that it will not give up."""
        since_s = self._exporter.since_s
        return since_s is not None and self._clock() - since_s > STUCK_AFTER_S

    def take(self, trace: SignalTrace) -> None:
        """Send it with the next batch, or count it as lost where too many wait."""
        whole, *parts = spans = spans_of(trace)
        # The library's own queue, which is larger, would lose them uncounted.
        if self._taken - self._exporter.sent - self._exporter.lost >= MOST_HELD:
            self._dropped += len(spans)
            return
        self._taken += len(spans)
        root = self._tracer.start_span(whole.name, attributes=attributes_of(trace), start_time=whole.begins_ns)
        within = set_span_in_context(root)
        for part in parts:
            self._tracer.start_span(part.name, within, start_time=part.begins_ns).end(part.ends_ns)
        root.end(whole.ends_ns)

    def close(self) -> None:
        """Send what waits, for at most LAST_WORDS_S; the rest is lost with the process."""
        # A thread of its own: the library waits for the collector for up to 30 s.
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(LAST_WORDS_S)
