"""A collector of traces: takes OTLP over HTTP on loopback, and can hang, refuse, redirect, or answer at length."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Collector:
    """Listens while it is entered."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.status = 200
        self.answer = ExportTraceServiceResponse().SerializeToString()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  # the library's spelling
                collector.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.may_answer.wait()
                if collector.status == 200:
                    assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
                    collector.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(collector.status)
                if collector.status == 307:
                    self.send_header("Location", "/v1/elsewhere")
                self.send_header("Content-Length", str(len(collector.answer)))
                self.end_headers()
                with suppress(ConnectionError):  # the other side need not read all of it
                    self.wfile.write(collector.answer)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nothing: the test says what it found."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> "Collector":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def spans(self) -> list[Any]:
        """All that have come."""
        return [
            span
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def traces(self) -> list[dict[str, Any]]:
        """The spans of each trace whose root has come, by name."""
        found: dict[bytes, dict[str, Any]] = {}
        for span in self.spans:
            found.setdefault(span.trace_id, {})[span.name] = span
        return [each for each in found.values() if "signal" in each]


def attributes(span: Any) -> dict[str, Any]:
    """Of a span or a resource, by name."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
