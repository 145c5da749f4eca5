"""The benchmark from its first step to its last; what it starts, it stops, also when it is interrupted."""

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from arbsniper_tui import __version__
from arbsniper_tui.config.settings import Settings, VenueSettings
from arbsniper_tui.node.launch import Launch, without_the_users_redis
from arbsniper_tui.runtime.log import LogSetup
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import SIMULATED
from arbsniper_tui.tools.benchmark.costs import measure_costs
from arbsniper_tui.tools.benchmark.measured_node import MeasuredNode
from arbsniper_tui.tools.benchmark.report import Machine, Report
from arbsniper_tui.tools.benchmark.terminal import measure_ui
from arbsniper_tui.universe.instruments import instruments_of

USUAL, HIGH = SimPlan(), SimPlan(frames_per_s=6000.0)
RECORD_S = 1.5
SETTLE_S = 1.0
BUSY_SETTLE_S = 4.0
"""A worker that gets busy takes some seconds to leave the shared CPU. A short benchmark does not wait for that."""

SIGNALS_ABOVE_PCT = 0.02
"""A threshold at which signals come all the time, so that their way can be measured."""

Say = Callable[[str], None]


def run_bench(
    settings: Settings, seconds: float, attach: Sequence[str], say: Say, is_stopping: Callable[[], bool]
) -> Report:
    """Measure for `seconds` in each step. `attach` is the command that shows the node whose folder it is given.

    Raises BenchmarkStopped soon after `is_stopping` says so.
    """
    usual_threshold_pct = settings.signals.threshold_pct
    settings = _on_its_own(settings)
    say("1/4 recording some frames, and each step alone on them ...")
    with tempfile.TemporaryDirectory(prefix="arbsniper-bench-") as folder:
        with MeasuredNode(_launch(settings, USUAL, record_folder=folder), is_stopping) as node:
            node.run(min(RECORD_S, 2 * seconds))
        costs = measure_costs(Path(folder), instruments_of(settings), settings.signals.routes)
    with MeasuredNode(_launch(settings, USUAL), is_stopping) as node:
        say("2/4 a node under the demo's load ...")
        node.run(min(SETTLE_S, seconds))
        usual = node.load("demo", seconds)
        say("3/4 the terminal UI on that node ...")
        node.set_threshold(usual_threshold_pct)
        ui = measure_ui(node, [*attach, node.folder], seconds)
    say("4/4 a node under a high load ...")
    with MeasuredNode(_launch(settings, HIGH), is_stopping) as node:
        node.run(min(BUSY_SETTLE_S, 2 * seconds))
        high = node.load("high", seconds)
    return Report(__version__, _machine(), costs, (usual, high), ui)


def _launch(settings: Settings, sim: SimPlan, record_folder: str = "") -> Launch:
    return Launch(settings, mode="demo", sim=sim, record_folder=record_folder, log=LogSetup(level="ERROR"))


def _on_its_own(settings: Settings) -> Settings:
    """All simulated venues, and never the user's Redis."""
    return msgspec.structs.replace(
        without_the_users_redis(settings),
        signals=msgspec.structs.replace(settings.signals, threshold_pct=SIGNALS_ABOVE_PCT),
        venues={venue: VenueSettings() for venue in SIMULATED},
    )


def _machine() -> Machine:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return Machine(system, platform.python_version(), cpus)
