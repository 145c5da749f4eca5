"""The process of the API killed, hung or without its node: the node goes on, and the address stays."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from api_stage import ApiStage
from command_place import Place
from node_process import RunningNode, is_running
from shared_api import address_in
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.runtime.node_folder import live_folders
from arbsniper_tui.runtime.shared_cpu import shared_cpu


def answers(stage: ApiStage) -> bool:
    try:
        return stage.client.get("/v1/prices").status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_process_comes_back_at_its_address_and_the_node_goes_on(stage: ApiStage) -> None:
    for _ in range(3):
        stage.node.wait_for(lambda: answers(stage))
        killed = stage.node.pid("api")
        os.kill(killed, signal.SIGKILL)
        stage.open()
        stage.close_opportunity()
        stage.node.wait_for(lambda killed=killed: stage.node.pids("api")[-1] != killed)
    stage.node.wait_for(lambda: answers(stage))
    assert len(stage.node.pids("spread")) == 1
    stage.node.watch(stage.session, lambda: stage.count("worker_down") == 3)
    said = [event.detail for event in stage.snapshot.events if event.event == "worker_down"]
    assert all(each.startswith("api: ended by signal 9; starts again") for each in said)
    assert stage.node.stop() == 0


def test_a_hung_process_is_replaced_and_the_node_goes_on(stage: ApiStage) -> None:
    stage.node.wait_for(lambda: answers(stage))
    hung = stage.node.pid("api")
    os.kill(hung, signal.SIGSTOP)
    stage.open()
    stage.close_opportunity()
    stage.node.watch(stage.session, lambda: stage.node.pids("api")[-1] != hung)
    assert not is_running(hung)
    stage.node.wait_for(lambda: answers(stage))
    assert len(stage.node.pids("spread")) == 1


def test_old_prices_do_not_pass_for_new_ones_when_the_node_is_silent(quoting: ApiStage) -> None:
    quoting.node.wait_for(lambda: answers(quoting))
    spread = quoting.node.pid("spread")
    os.kill(spread, signal.SIGSTOP)
    try:
        quoting.node.wait_for(lambda: quoting.client.get("/v1/prices").status_code == 503)
        problem = quoting.client.get("/v1/prices").json()
        assert "no word from the node" in problem["detail"]
    finally:
        os.kill(spread, signal.SIGCONT)
    quoting.node.wait_for(lambda: answers(quoting))


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="there is one CPU to run on"
)
def test_it_stays_off_the_cpu_that_decides(quoting: ApiStage) -> None:
    quoting.node.wait_for(lambda: answers(quoting))
    cpus = os.sched_getaffinity(0)
    deciding = shared_cpu("auto", cpus, quoting.node.process.pid)
    assert os.sched_getaffinity(quoting.node.pid("api")) == cpus - {deciding}


def test_the_health_line_tells_the_address(quoting: ApiStage) -> None:
    address = str(quoting.client.base_url)

    def told() -> str:
        worker = quoting.snapshot.workers.get("api")
        return worker.detail if worker is not None else ""

    quoting.node.watch(quoting.session, lambda: told() == f"at {address}")


def test_an_address_that_is_taken_is_said_before_anything_runs(
    quoting: ApiStage, start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    taken = f"127.0.0.1:{quoting.client.base_url.port}"
    config = tmp_path / "second.toml"
    config.write_text(f'[api]\nenabled = true\nlisten = "{taken}"\n[redis]\nmode = "off"\n')
    second = start_node("--config", str(config), demo=False)
    assert second.process.wait(DEADLINE_S) == 2
    assert f"api.listen: {taken} cannot be listened at (Address already in use)" in second.log
    assert not second.pids("spread")


def test_the_command_answers_for_a_node_that_runs_without_an_api(place: Place) -> None:
    node = place.start_node("--demo", "--venue", "okx", "--venue", "kraken", "--no-ui")
    place.env["ARBSNIPER_API__LISTEN"] = "127.0.0.1:0"
    api = place.start("api", str(node.process.pid))
    address = wait_until(lambda: address_in(api.err), lambda: api.err)
    with httpx.Client(base_url=address, timeout=DEADLINE_S, trust_env=False) as client:
        wait_until(lambda: client.get("/v1/prices?venue=okx").status_code == 200)
    assert api.end(signal.SIGINT) == 0
    assert node.process.poll() is None
    assert "Traceback" not in api.err
    assert not list(place.folder.glob(".local/state/**/token*")), "what answers for a demo leaves no secret behind"


@pytest.mark.xdist_group("nodes of this user")
def test_the_command_says_that_no_node_runs(place: Place) -> None:
    if live_folders():
        pytest.skip("another node of this user runs on this machine")
    place.env["ARBSNIPER_API__LISTEN"] = "127.0.0.1:0"
    done = place.run("api")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no node runs here" in done.stderr and b"Traceback" not in done.stderr
