"""Single workers as real processes: their plan, their lifeline, and how they end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from decision_stage import spread_plan
from waiting import DEADLINE_S

from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.feeds.plan import FeedPlan
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.node.supervisor import ChildProcess, WorkerSpec
from arbsniper_tui.runtime.log import LogSetup
from arbsniper_tui.sim.plan import SimPlan, SimWorkerPlan

WaitUntil = Callable[..., None]
WORKERS = ("feed", "spread", "sim")
STARTS = 8
"""So that the end comes at a different point of the start at least once."""
KRAKEN = (Instrument(0, "kraken", "BTC/USD", "BTC/USD", "USD", 0.4),)


class Large(msgspec.Struct):
    text: str


class Workshop:
    """Starts workers, and ends whoever is left."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log
        self._log_file = log.open("wb")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._children: list[ChildProcess] = []

    def spec(self, worker: str) -> WorkerSpec:
        module = f"arbsniper_tui.workers.{worker}"
        if worker == "feed":
            nobody = FeedSpec("kraken spot", "kraken", Market.SPOT, "ws://127.0.0.1:9/", "http://127.0.0.1:9/", KRAKEN)
            return WorkerSpec(worker, module, FeedPlan(worker, str(self.folder), (nobody,)))
        if worker == "spread":
            return WorkerSpec(worker, module, spread_plan(self.folder, Rules()))
        descriptors = {"okx": self._listener.fileno()}
        plan = SimWorkerPlan(worker, SimPlan(venues=("okx",)), descriptors)
        return WorkerSpec(worker, module, plan, tuple(descriptors.values()))

    def start(self, spec: WorkerSpec) -> ChildProcess:
        self._children.append(ChildProcess(spec, None, LogSetup(), self._log_file.fileno()))
        return self._children[-1]

    def answers(self) -> bool:
        """Whether the simulated venue serves."""
        with socket.create_connection(self._listener.getsockname(), timeout=20) as asking:
            asking.sendall(b"GET /sim/fault HTTP/1.1\r\nHost: here\r\n\r\n")
            return asking.recv(1024).startswith(b"HTTP/1.1 200")

    def is_working(self, worker: str) -> bool:
        if worker == "sim":
            return self.answers()
        # Each of these is written after the worker has begun to listen to signals.
        return {"feed": "next attempt in", "spread": "3 instruments"}[worker] in self.log.read_text()

    def close(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.kill()
                child.wait()
            child.hang_up()
        self._listener.close()
        self._log_file.close()


@pytest.fixture
def workshop(short_folder: Path, tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(short_folder, tmp_path / "log")
    yield workshop
    workshop.close()


@pytest.mark.parametrize("worker", WORKERS)
def test_the_end_of_the_lifeline_is_the_end_of_the_worker(
    workshop: Workshop, worker: str, wait_until: WaitUntil
) -> None:
    child = workshop.start(workshop.spec(worker))
    wait_until(lambda: workshop.is_working(worker), workshop.log.read_text)
    child.hang_up()
    wait_until(lambda: child.poll() is not None, workshop.log.read_text)
    assert child.returncode == 0, workshop.log.read_text()


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_told_to_stop_ends_with_code_0_and_ignores_the_terminals_interrupt(
    workshop: Workshop, worker: str, wait_until: WaitUntil
) -> None:
    child = workshop.start(workshop.spec(worker))
    wait_until(lambda: workshop.is_working(worker), workshop.log.read_text)
    child.send_signal(signal.SIGINT)
    child.terminate()
    wait_until(lambda: child.poll() is not None, workshop.log.read_text)
    assert child.returncode == 0, workshop.log.read_text()
    assert "Traceback" not in workshop.log.read_text()


def test_a_spread_worker_whose_parent_is_gone_cleans_up_behind_it(workshop: Workshop, wait_until: WaitUntil) -> None:
    child = workshop.start(workshop.spec("spread"))
    wait_until(lambda: (workshop.folder / "commands").exists(), workshop.log.read_text)
    child.hang_up()
    wait_until(lambda: child.poll() is not None)
    assert not workshop.folder.exists()


def test_a_spread_worker_that_is_told_to_stop_leaves_the_folder_to_its_parent(
    workshop: Workshop, wait_until: WaitUntil
) -> None:
    child = workshop.start(workshop.spec("spread"))
    wait_until(lambda: workshop.is_working("spread"), workshop.log.read_text)
    child.terminate()
    wait_until(lambda: child.poll() is not None)
    assert workshop.folder.exists()


@pytest.mark.parametrize(
    ("worker", "plan"),
    [("feed", b""), ("spread", b"not JSON\n"), ("sim", b'{"worker": 7}\n')],
    ids=["none", "garbage", "wrong type"],
)
def test_a_plan_that_cannot_be_read_ends_the_worker_with_code_1(worker: str, plan: bytes) -> None:
    command = [sys.executable, "-P", "-m", f"arbsniper_tui.workers.{worker}", '{"plan":0}']
    done = subprocess.run(command, input=plan, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"the worker ends with an error of its own" in done.stderr
    assert done.stdout == b""


def test_an_error_foreseen_is_one_line_of_the_log(workshop: Workshop, wait_until: WaitUntil) -> None:
    plan = SimWorkerPlan("sim", SimPlan(venues=("bitmex",)), {})
    child = workshop.start(WorkerSpec("sim", "arbsniper_tui.workers.sim", plan))
    wait_until(lambda: child.poll() is not None, workshop.log.read_text)
    assert child.returncode == 1
    assert "'bitmex' has no simulation" in workshop.log.read_text()
    assert "Traceback" not in workshop.log.read_text()


def test_the_plan_comes_in_a_file_and_nothing_on_the_lifeline(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    heard = tmp_path / "heard"
    (tmp_path / "listens.py").write_text(
        "import json, os, sys\n"
        "from pathlib import Path\n"
        f"heard = Path({str(heard)!r})\n"
        "setup = json.loads(sys.argv[1])\n"
        "heard.write_text(open(setup.pop('plan')).read() + json.dumps(setup))\n"
        "heard.with_suffix('.end').write_bytes(os.read(0, 64))\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), *sys.path)))
    child = workshop.start(WorkerSpec("listens", "listens", Large("a" * 100_000)))
    log = '{"level": "INFO", "format": "text", "file": ""}'
    setup = f'{{"worker": "listens", "log": {log}, "log_waits": false, "heartbeat": null}}'
    wait_until(lambda: heard.exists() and heard.read_text().endswith(setup), workshop.log.read_text)
    assert heard.read_text() == '{"text":"' + "a" * 100_000 + '"}' + setup
    assert not heard.with_suffix(".end").exists()
    child.hang_up()
    wait_until(lambda: child.poll() is not None)
    assert heard.with_suffix(".end").read_bytes() == b""


def test_one_that_ends_before_it_has_read_its_plan_is_left_to_the_supervisor(
    workshop: Workshop, wait_until: WaitUntil
) -> None:
    child = workshop.start(WorkerSpec("absent", "no_such_module_anywhere", Large("a" * 1_000_000)))
    wait_until(lambda: child.poll() is not None)
    assert child.returncode == 1
    child.hang_up()


def test_a_file_in_the_working_folder_stands_in_for_no_library(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('this is not the library')\n")
    monkeypatch.chdir(tmp_path)
    child = workshop.start(workshop.spec("feed"))
    wait_until(lambda: workshop.is_working("feed") or child.poll() is not None, workshop.log.read_text)
    assert child.poll() is None, workshop.log.read_text()


def test_a_feed_worker_stopped_right_after_its_start_ends_cleanly_every_time(
    workshop: Workshop, wait_until: WaitUntil
) -> None:
    codes = []
    for _ in range(STARTS):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(DEADLINE_S)
            here = f"127.0.0.1:{silent.getsockname()[1]}"
            spec = FeedSpec("kraken spot", "kraken", Market.SPOT, f"ws://{here}/", f"http://{here}/", KRAKEN)
            plan = FeedPlan("feed", str(workshop.folder), (spec,))
            child = workshop.start(WorkerSpec("feed", "arbsniper_tui.workers.feed", plan))
            # It asks for the list or for the stream first, and is stopped before either is answered.
            with silent.accept()[0]:
                child.terminate()
                wait_until(lambda ended=child: ended.poll() is not None, workshop.log.read_text)
        codes.append(child.returncode)
    assert codes == [0] * STARTS, workshop.log.read_text()
