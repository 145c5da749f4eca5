"""Whole nodes with rules: a target that hangs and a killed worker change no decision, and nothing is told twice."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from http_target import HttpTarget, http_target
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken

from arbsniper_tui.session.session import Session

StartNode = Callable[..., RunningNode]
BASE, ASK = 45_000.0, 45_000.5
SECRET = "a-very-secret-word"
SETTINGS = """
symbols = ["BTC/USDT"]
[signals]
threshold_pct = 0.5
[redis]
mode = "off"
[venues.binance]
{binance}
[venues.kraken]
{kraken}
[alerts]
digest_over_per_minute = 1000
[alerts.rules.any]
to = ["hook", "bell"]
cooldown_s = 0
[alerts.targets.hook]
webhook = "http://127.0.0.1:{port}/abcd-path"
secret = "{secret}"
"""


class Stage:
    """A node whose one route opens and closes as a test says."""

    def __init__(self, start_node: StartNode, folder: Path, binance: RawBinance, kraken: RawKraken, port: int) -> None:
        self.binance, self.kraken = binance, kraken
        config = folder / "arbsniper.toml"
        config.write_text(SETTINGS.format(binance=binance.table, kraken=kraken.table, port=port, secret=SECRET))
        self.node = start_node("--config", str(config), demo=False)
        self.session: Session = self.node.session()
        self.snapshot = self.session.snapshot
        for venue in (binance, kraken):
            venue.wait_for_subscription()
        self.node.pid("alerts")

    def count(self, kind: str) -> int:
        return sum(event.event == kind for event in self.snapshot.events)

    def open_and_close(self) -> None:
        """One opportunity, from its opening to its close."""
        opened, closed = self.count("open"), self.count("close")
        self._quote_until(lambda: self.count("open") > opened, 45_500.0)
        self._quote_until(lambda: self.count("close") > closed, BASE)

    def _quote_until(self, condition: Callable[[], bool], bid: float) -> None:
        def is_there() -> bool:
            self.binance.send(self.binance.quote(bid, bid + 0.5))
            self.kraken.send(self.kraken.quote(BASE, ASK))
            return condition()

        self.node.watch(self.session, is_there)

    @property
    def opened(self) -> list[str]:
        """The opportunities that standard output has told of."""
        return [line["id"] for line in self.node.lines if line["state"] == "open"]

    def wait_until_told(self, target: HttpTarget, count: int) -> None:
        """Until so many were told, each once, those that standard output tells of."""
        self.node.watch(self.session, lambda: len(self.opened) == count and ids_of(target) == self.opened)

    @property
    def health(self) -> str:
        worker = self.snapshot.workers.get("alerts")
        return worker.detail if worker is not None else ""


def ids_of(target: HttpTarget) -> list[str]:
    """The opportunities that were told, in their order."""
    return [alert["signal"]["id"] for each in target.received for alert in json.loads(each.body)["alerts"]]


@pytest.fixture
def target() -> Iterator[HttpTarget]:
    with http_target(200) as target:
        yield target


@pytest.fixture
def stage(start_node: StartNode, tmp_path: Path, target: HttpTarget) -> Iterator[Stage]:
    with RawBinance() as binance, RawKraken() as kraken:
        stage = Stage(start_node, tmp_path, binance, kraken, target.port)
        yield stage
        stage.session.close()


def test_each_opening_is_told_and_the_health_line_says_so(stage: Stage, target: HttpTarget) -> None:
    for _ in range(3):
        stage.open_and_close()
    stage.wait_until_told(target, 3)
    stage.node.watch(stage.session, lambda: stage.health == "terminal 3 told; hook 3 sent")
    told = [event for event in stage.snapshot.events if event.event == "alert"]
    assert [event.to for event in told] == [("bell",)] * 3
    assert told[0].detail.startswith("any: BTC/USDT net ")
    assert "alert: any: BTC/USDT net " in stage.node.log
    assert stage.node.stop() == 0
    assert not stage.node.strays
    assert "\a" not in stage.node.log and "\x1b" not in stage.node.log


def test_a_target_that_hangs_leaves_decisions_alone_and_stands_on_the_health_line(
    stage: Stage, target: HttpTarget
) -> None:
    target.statuses = [0]
    for _ in range(3):
        stage.open_and_close()
    stage.node.watch(stage.session, lambda: "hook 0 sent, 3 waiting" in stage.health)
    # Given up after 10 s, and tried again; nothing goes past it.
    assert set(ids_of(target)) == {stage.opened[0]}
    spread = stage.node.pids("spread")
    assert len(spread) == 1 and len(stage.node.pids("alerts")) == 1
    assert stage.node.stop() == 0
    assert "Traceback" not in stage.node.log


def test_a_killed_worker_comes_back_and_tells_what_came_meanwhile_and_nothing_twice(
    stage: Stage, target: HttpTarget
) -> None:
    for round_number in range(3):
        stage.open_and_close()
        stage.wait_until_told(target, 2 * round_number + 1)
        killed = stage.node.pid("alerts")
        stage.node.watch(stage.session, lambda: stage.health)
        os.kill(killed, signal.SIGKILL)
        stage.open_and_close()
        stage.node.wait_for(lambda killed=killed: stage.node.pids("alerts")[-1] != killed)
        stage.wait_until_told(target, 2 * round_number + 2)
    assert len(stage.node.pids("spread")) == 1
    assert SECRET not in stage.node.log and "abcd-path" not in stage.node.log


def test_a_stopped_worker_changes_nothing_and_tells_all_of_it_when_it_goes_on(stage: Stage, target: HttpTarget) -> None:
    stage.node.watch(stage.session, lambda: stage.health)
    pid = stage.node.pid("alerts")
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            stage.open_and_close()
        assert not target.received
    finally:
        os.kill(pid, signal.SIGCONT)
    stage.wait_until_told(target, 2)


def test_a_spread_worker_that_dies_is_told_of_and_alerts_go_on(stage: Stage, target: HttpTarget) -> None:
    stage.open_and_close()
    stage.node.watch(stage.session, lambda: len(ids_of(target)) == 1)
    os.kill(stage.node.pid("spread"), signal.SIGKILL)
    stage.open_and_close()
    stage.wait_until_told(target, 2)
    assert len(stage.node.pids("alerts")) == 1
