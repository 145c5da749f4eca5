"""The workers that watch a node from outside its decisions: alerts, the API, traces."""

import os
import socket

import msgspec

from arbsniper_tui.alerts.plan import AlertPlan, target_of
from arbsniper_tui.api.access import Access, read_access
from arbsniper_tui.api.plan import ApiPlan, open_listener
from arbsniper_tui.config.alert_settings import TERMINAL_WAYS
from arbsniper_tui.model.errors import StateError, UsageError
from arbsniper_tui.node.launch import Launch
from arbsniper_tui.node.supervisor import WorkerSpec
from arbsniper_tui.runtime.shared_cpu import allowed_cpus, shared_cpu
from arbsniper_tui.traces.plan import TracePlan
from arbsniper_tui.wire.endpoints import Endpoints

ALERTS, API, TRACES = "alerts", "api", "traces"


def alert_worker(launch: Launch, endpoints: Endpoints, memory: int) -> WorkerSpec | None:
    """The worker that alerts, where there are rules for it; `memory` as in AlertPlan. What a demo makes up is told on
    the terminal alone, and what a replay plays is past. Raises UsageError for a secret that cannot be read."""
    alerts = launch.settings.alerts
    rules = dict(alerts.rules)
    if launch.mode == "demo":
        on_terminals = {name: tuple(way for way in rule.to if way in TERMINAL_WAYS) for name, rule in rules.items()}
        rules = {name: msgspec.structs.replace(rules[name], to=to) for name, to in on_terminals.items() if to}
    if launch.mode == "replay" or not rules:
        return None
    named = {name for rule in rules.values() for name in rule.to}
    plan = AlertPlan(
        worker=ALERTS,
        folder=str(endpoints.folder),
        rules=rules,
        targets=tuple(target_of(name, each) for name, each in alerts.targets.items() if name in named),
        quiet_hours=alerts.quiet_hours,
        digest_over_per_minute=alerts.digest_over_per_minute,
        memory=memory,
    )
    return WorkerSpec(ALERTS, "arbsniper_tui.workers.alerts", plan, (memory,), is_needed=False)


def api_listener(launch: Launch) -> socket.socket | None:
    """Where the API answers; None where there is none, as in a replay, which would wait for a viewer that hangs. Raises
    UsageError for an address that cannot be had."""
    api = launch.settings.api
    return open_listener(api.listen) if api.enabled and launch.mode != "replay" else None


def api_access(launch: Launch) -> Access:
    """Who may ask the API. Raises UsageError for a file that cannot be read."""
    if not launch.settings.api.enabled:
        return Access()
    try:
        return read_access(launch.settings, is_live=launch.mode == "live")
    except StateError as error:
        raise UsageError(str(error)) from error


def api_worker(launch: Launch, endpoints: Endpoints, listener: socket.socket, access: Access) -> WorkerSpec:
    """The worker that answers programs on this socket."""
    cpu = shared_cpu(launch.settings.engine.cpu, allowed_cpus(), os.getpid())
    plan = ApiPlan(API, str(endpoints.folder), listener.fileno(), access, cpu)
    return WorkerSpec(API, "arbsniper_tui.workers.api", plan, (listener.fileno(),), is_needed=False)


def trace_worker(launch: Launch, endpoints: Endpoints) -> WorkerSpec | None:
    """The worker that exports traces, where a collector is named; what a replay plays is past."""
    endpoint = launch.settings.otel.endpoint
    if not endpoint or launch.mode == "replay":
        return None
    cpu = shared_cpu(launch.settings.engine.cpu, allowed_cpus(), os.getpid())
    plan = TracePlan(TRACES, str(endpoints.folder), launch.node, endpoint, cpu)
    return WorkerSpec(TRACES, "arbsniper_tui.workers.traces", plan, is_needed=False)
