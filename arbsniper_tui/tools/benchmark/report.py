"""What a benchmark found. Values with their units in the names; how they are shown is elsewhere."""

from msgspec import Struct


class Machine(Struct, frozen=True):
    """Where it ran."""

    system: str
    python: str
    cpus: int
    """Those that this process may use."""


class Cost(Struct, frozen=True):
    """One step alone, in this process: the median of some rounds."""

    step: str
    us: float
    a: str
    """For one of what: `frame`, `quote`, `symbol`, `price` or `line`."""


class Stage(Struct, frozen=True):
    """One stage of a quote's way through the running node."""

    name: str
    count: int
    p50_us: float
    p99_us: float


class WorkerCpu(Struct, frozen=True):
    """One process of the node, over the measured time."""

    worker: str
    share_pct: float
    """Of one core."""
    us_a_quote: float


class Arrivals(Struct, frozen=True):
    """Signals at a Redis subscriber, after the receipt of the quote that caused them."""

    signals: int
    p50_ms: float
    p99_ms: float


class Load(Struct, frozen=True):
    """A node under one load."""

    name: str
    asked_frames_per_s: float
    seconds: float
    quotes_per_s: float
    conflated: int
    """Quotes that a newer one replaced, because they came faster than they could be taken."""
    stages: tuple[Stage, ...]
    cpu: tuple[WorkerCpu, ...]
    arrivals: Arrivals | None
    """None where there was no Redis server, or no signal."""


class UiCost(Struct, frozen=True):
    """The terminal UI on a node, in a pseudo-terminal."""

    columns: int
    lines: int
    seconds: float
    share_pct: float
    """Of one core."""
    kib_per_s: float


class Report(Struct, frozen=True):
    """All of it."""

    version: str
    machine: Machine
    costs: tuple[Cost, ...]
    loads: tuple[Load, ...]
    ui: UiCost
