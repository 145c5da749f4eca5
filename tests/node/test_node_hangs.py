"""Workers of a real node that hang: the supervisor says so, kills them, and starts them again."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from node_process import WORKERS, RunningNode

PROGRAM = Path(__file__).parents[1] / "node_program.py"
TIMINGS = {"hung_after_s": 3.0}


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    node = start_node(command=(str(PROGRAM), json.dumps(TIMINGS)))
    node.wait_for_signals()
    return node


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_that_hangs_is_replaced_and_signals_come_again(node: RunningNode, worker: str) -> None:
    hung = node.pid(worker)
    os.kill(hung, signal.SIGSTOP)
    node.wait_for(lambda: node.pids(worker)[-1] != hung)
    assert f"{worker} (process {hung}) does not answer for 3 s: killing it" in node.log
    detail = f"worker down: {worker}: did not answer for 3 s and was killed; starts again in 0.1 s"
    node.wait_for(lambda: detail in node.log)
    node.wait_for_signals(3)
    assert node.stop() == 0


def test_a_node_that_stood_still_as_a_whole_loses_no_worker(node: RunningNode) -> None:
    before = {worker: node.pids(worker) for worker in WORKERS}
    group = node.process.pid
    os.killpg(group, signal.SIGSTOP)
    stopped_s = os.times().elapsed
    node.wait_for(lambda: os.times().elapsed - stopped_s > TIMINGS["hung_after_s"] + 0.5)
    os.killpg(group, signal.SIGCONT)
    node.wait_for_signals(3)
    assert {worker: node.pids(worker) for worker in WORKERS} == before
    assert node.stop() == 0
