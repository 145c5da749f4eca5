"""What the worker that exports traces is told when it starts."""

from msgspec import Struct


class TracePlan(Struct, frozen=True):
    """All that it needs; it reads no settings of its own."""

    worker: str
    folder: str
    """The node's, with its sockets."""
    node: str
    """Its name."""
    endpoint: str
    """Where the collector takes traces, OTLP over HTTP."""
    deciding_cpu: int | None
    """Where the workers that decide run, and this one does not; None where they run anywhere."""
