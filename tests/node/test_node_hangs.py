"""Workers of a real node that hang: the supervisor says so, kills them, and starts them again."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from node_process import WORKERS, RunningNode

PROGRAM = Path(__file__).parents[1] / "node_program.py"
StartNode = Callable[..., RunningNode]


def start_with(start_node: StartNode, hung_after_s: float) -> RunningNode:
    """A node whose workers may be silent for so long."""
    node = start_node(command=(str(PROGRAM), json.dumps({"hung_after_s": hung_after_s})))
    node.wait_for_signals()
    return node


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_that_hangs_is_replaced_and_signals_come_again(start_node: StartNode, worker: str) -> None:
    node = start_with(start_node, 3.0)
    hung = node.pid(worker)
    os.kill(hung, signal.SIGSTOP)
    node.wait_for(lambda: node.pids(worker)[-1] != hung)
    assert f"{worker} (process {hung}) does not answer for 3 s: killing it" in node.log
    detail = f"worker down: {worker}: did not answer for 3 s and was killed; starts again in 0.1 s"
    node.wait_for(lambda: detail in node.log)
    node.wait_for_signals(3)
    assert node.stop() == 0


def test_a_node_that_stood_still_as_a_whole_loses_no_worker(start_node: StartNode) -> None:
    hung_after_s = 6.0  # on a busy machine a worker may not run for three
    node = start_with(start_node, hung_after_s)
    before = {worker: node.pids(worker) for worker in WORKERS}
    group = node.process.pid
    os.killpg(group, signal.SIGSTOP)
    stopped_s = os.times().elapsed
    node.wait_for(lambda: os.times().elapsed - stopped_s > hung_after_s + 0.5)
    os.killpg(group, signal.SIGCONT)
    node.wait_for_signals(3)
    assert {worker: node.pids(worker) for worker in WORKERS} == before
    assert node.stop() == 0
