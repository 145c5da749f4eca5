"""Metrics of the node itself: its parts and processes, its decisions, Redis."""

from typing import Any

from arbsniper_tui.api.metrics.declared import Declared, Durations, Kind, Samples, metric
from arbsniper_tui.api.metrics.seen import Seen
from arbsniper_tui.model.gate_words import gate_of
from arbsniper_tui.model.health import RedisState
from arbsniper_tui.session.health import PartState

_SURVIVAL_S = ("0.05", "0.2", "0.5", "2")
"""When an opportunity is looked at again, after its opening."""


@metric(Kind.GAUGE, "arbsniper_node_info", "1, of this node, program and run.", "node", "version", "mode", "run")
def info(seen: Seen) -> Samples:
    intro = seen.intro
    yield (intro.node, intro.version, intro.mode, intro.run), 1


@metric(Kind.GAUGE, "arbsniper_node_ready", "1 while everything runs that the node needs, 0 else.")
def ready(seen: Seen) -> Samples:
    yield (), seen.health.is_ready


@metric(
    Kind.GAUGE,
    "arbsniper_part_state",
    "1 for the state in which a part of the node is, 0 for the others; /health tells it in words.",
    "part",
    "state",
)
def part_state(seen: Seen) -> Samples:
    for part in seen.health.parts:
        for state in PartState:
            yield (part.name, state.value), part.state is state


@metric(Kind.GAUGE, "arbsniper_uptime_seconds", "Since the node started.")
def uptime(seen: Seen) -> Samples:
    yield (), seen.status.uptime_s


@metric(
    Kind.GAUGE,
    "arbsniper_clock_ahead_seconds",
    "How far the time of the node's last view is ahead of this machine's clock; not of a replay.",
)
def clock_ahead(seen: Seen) -> Samples:
    for part in seen.health.parts:
        if part.name == "clock" and "ahead_s" in part.figures:
            yield (), part.figures["ahead_s"]


@metric(Kind.GAUGE, "arbsniper_viewers", "Terminals and programs that watch the node, this one among them.")
def viewers(seen: Seen) -> Samples:
    yield (), seen.status.viewers


@metric(Kind.GAUGE, "arbsniper_threshold_ratio", "The spread above which a route signals; 0.005 is 0.5 %.", "basis")
def threshold(seen: Seen) -> Samples:
    yield (seen.status.basis,), seen.status.threshold_pct / 100


@metric(
    Kind.HISTOGRAM,
    "arbsniper_stage_duration_seconds",
    "How long each stage takes on the way from a venue's socket to a signal; publish is of signals alone.",
    "stage",
)
def stages(seen: Seen) -> Samples:
    for stage in seen.snapshot.stages:
        yield (stage.name,), Durations(stage.counts, stage.sum_us / 1e6)


@metric(Kind.GAUGE, "arbsniper_routes", "Routes that are watched.")
def routes(seen: Seen) -> Samples:
    yield (), seen.intro.routes


@metric(
    Kind.GAUGE,
    "arbsniper_routes_waiting",
    "Routes by the first gate that stops them, and its reason, as found within the last 10 to 20 s.",
    "gate",
    "reason",
)
def routes_waiting(seen: Seen) -> Samples:
    if seen.snapshot.route_counts is not None:
        for code, count in sorted(seen.snapshot.route_counts.waiting.items()):
            yield (gate_of(code), code.value), count


@metric(Kind.GAUGE, "arbsniper_open_opportunities", "Opportunities that are open.")
def open_opportunities(seen: Seen) -> Samples:
    yield (), seen.status.open_opportunities


@metric(Kind.COUNTER, "arbsniper_signals_total", "Signals announced: openings and updates.")
def signals(seen: Seen) -> Samples:
    yield (), seen.status.signals


@metric(Kind.COUNTER, "arbsniper_events_total", "Events written, heartbeats among them.")
def events(seen: Seen) -> Samples:
    yield (), seen.snapshot.last_event


@metric(Kind.COUNTER, "arbsniper_opportunities_followed_total", "Opportunities whose survival was looked at.")
def followed(seen: Seen) -> Samples:
    yield (), sum(row.opened for row in seen.snapshot.survival.values())


@metric(
    Kind.COUNTER,
    "arbsniper_opportunities_survived_total",
    "Those of them that stood so long after they opened.",
    "after_seconds",
)
def survived(seen: Seen) -> Samples:
    for number, after_s in enumerate(_SURVIVAL_S):
        yield (after_s,), sum(row.stood[number] for row in seen.snapshot.survival.values())


@metric(Kind.GAUGE, "arbsniper_held_instruments", "Instruments in quarantine, which wait for the user's verdict.")
def held(seen: Seen) -> Samples:
    yield (), seen.status.held


@metric(Kind.GAUGE, "arbsniper_redis_state", "1 for the state in which Redis is, 0 for the others.", "state")
def redis_state(seen: Seen) -> Samples:
    for state in RedisState:
        yield (state.value,), seen.snapshot.redis.state is state


@metric(Kind.GAUGE, "arbsniper_redis_waiting_signals", "Signals that wait in memory until Redis takes them.")
def redis_waiting(seen: Seen) -> Samples:
    yield (), seen.snapshot.redis.waiting


@metric(Kind.COUNTER, "arbsniper_redis_lost_signals_total", "Signals that Redis will never have.")
def redis_lost(seen: Seen) -> Samples:
    yield (), seen.snapshot.redis.lost


@metric(Kind.GAUGE, "arbsniper_redis_ping_seconds", "Round trip of the last ping to Redis.")
def redis_ping(seen: Seen) -> Samples:
    if seen.snapshot.redis.rtt_ms is not None:
        yield (), seen.snapshot.redis.rtt_ms / 1000


def _pids(seen: Seen) -> dict[str, int]:
    return {"supervisor": seen.intro.pid, **{name: each.pid for name, each in sorted(seen.snapshot.workers.items())}}


@metric(Kind.COUNTER, "arbsniper_process_cpu_seconds_total", "User and system time of each process.", "worker")
def process_cpu(seen: Seen) -> Samples:
    for worker, pid in _pids(seen).items():
        if reading := seen.processes.get(pid):
            yield (worker,), reading.cpu_s


@metric(Kind.GAUGE, "arbsniper_process_resident_memory_bytes", "Resident memory of each process.", "worker")
def process_memory(seen: Seen) -> Samples:
    for worker, pid in _pids(seen).items():
        if reading := seen.processes.get(pid):
            yield (worker,), reading.memory_bytes


@metric(Kind.GAUGE, "arbsniper_worker_up", "1 while the worker runs, 0 while it does not.", "worker")
def worker_up(seen: Seen) -> Samples:
    for name, worker in sorted(seen.snapshot.workers.items()):
        yield (name,), worker.up


@metric(Kind.COUNTER, "arbsniper_worker_restarts_total", "How often the worker was started again.", "worker")
def worker_restarts(seen: Seen) -> Samples:
    for name, worker in sorted(seen.snapshot.workers.items()):
        yield (name,), worker.restarts


@metric(Kind.GAUGE, "arbsniper_recording_up", "1 while frames are recorded, 0 after that failed; only if asked for.")
def recording(seen: Seen) -> Samples:
    if seen.snapshot.recording is not None:
        yield (), not seen.snapshot.recording.failure


NODE_METRICS: tuple[Declared[Any], ...] = tuple(each for each in vars().values() if isinstance(each, Declared))
