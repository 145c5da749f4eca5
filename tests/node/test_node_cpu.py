"""`[engine] cpu`: where the workers of a real node run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from node_process import RunningNode

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="this system does not let a process choose its CPU"
)


def cpus_of(node: RunningNode) -> list[set[int]]:
    return [os.sched_getaffinity(node.pid(worker)) for worker in ("feed", "spread")]


def test_workers_are_bound_to_the_cpu_of_the_settings(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    config = tmp_path / "f.toml"
    config.write_text(f"[engine]\ncpu = {cpu}")
    node = start_node("--config", str(config))
    node.wait_for(lambda: cpus_of(node) == [{cpu}, {cpu}], lambda: cpus_of(node))


def test_off_binds_no_worker(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    config = tmp_path / "f.toml"
    config.write_text("[engine]\ncpu = 'off'\n[signals]\nthreshold_pct = 0.01")
    node = start_node("--config", str(config))
    node.wait_for_signals()
    assert cpus_of(node) == [os.sched_getaffinity(0)] * 2
