"""Workers that do not come beyond their start: nobody waits for them, whatever the size of their plan."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from decision_stage import spread_plan
from node_process import RunningNode, is_running

from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.health import WorkerHealth
from arbsniper_tui.node.supervisor import Supervisor, Timings, WorkerSpec, spawner

STOPS_ITSELF = """
import os, signal, sys
if "arbsniper_tui.workers.{worker}" in sys.orig_argv:
    os.kill(os.getpid(), signal.SIGSTOP)
"""
COINS = [f"C{number}/USDT" for number in range(800)]
SETTINGS = f"""
symbols = {COINS}
[redis]
mode = "off"
[venues.coinbase]
ws_url = "ws://127.0.0.1:9"
rest_url = "http://127.0.0.1:9"
[venues.kraken]
ws_url = "ws://127.0.0.1:9"
rest_url = "http://127.0.0.1:9"
"""
"""Their instruments are several times what a pipe holds."""


@pytest.mark.parametrize("worker", ["feed", "spread"])
def test_a_worker_stopped_at_its_start_holds_up_neither_the_others_nor_the_end(
    start_node: Callable[..., RunningNode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(STOPS_ITSELF.format(worker=worker))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    config = tmp_path / "arbsniper.toml"
    config.write_text(SETTINGS)
    node = start_node("--config", str(config), demo=False)
    node.wait_for(lambda: node.pids("feed") and node.pids("spread"))
    other = "spread" if worker == "feed" else "feed"
    os.kill(node.pid(other), signal.SIGKILL)
    node.wait_for(lambda: len(node.pids(other)) == 2)
    assert is_running(node.pid(worker))
    assert node.stop() == 0


def test_restarts_leave_no_descriptor_open(short_folder: Path, wait_until: Callable[..., None]) -> None:
    told: list[WorkerHealth] = []
    timings = Timings(first_delay_s=0.0)
    with Path(os.devnull).open("wb") as log:
        supervisor = Supervisor(spawner("INFO", log.fileno()), told.append, timings)
        plan = spread_plan(short_folder, Rules())
        supervisor.start(WorkerSpec("absent", "no_such_module_anywhere", plan))
        first = _descriptors()

        def has_started_again() -> bool:
            supervisor.poll()
            return told[-1].up and told[-1].restarts >= 5

        wait_until(has_started_again, lambda: told[-1])
        # What other tests left to the collector may be closed meanwhile.
        assert _descriptors() <= first
        supervisor.stop()


def _descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))
