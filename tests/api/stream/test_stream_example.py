"""The client that docs/stream.md shows does what the page says."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_stage import BASE, ApiStage
from node_process import unmeasured_environment
from waiting import DEADLINE_S

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "read_stream.py"


class Example:
    """The program, and what it prints."""

    def __init__(self, folder: Path, address: str, symbol: str) -> None:
        self.lines: list[dict[str, object]] = []
        self._said = folder / "said"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, str(EXAMPLE), address.replace("http", "ws", 1) + "/v1/stream", symbol],
                stdout=subprocess.PIPE,
                stderr=said,
                env=unmeasured_environment(),
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(json.loads(line) for line in self.process.stdout)

    def bids(self, venue: str) -> list[object]:
        return [each["bid"] for each in list(self.lines) if each.get("venue") == venue]

    def events(self, kind: str) -> int:
        return sum(each.get("event") == kind for each in list(self.lines))

    @property
    def said(self) -> str:
        """On standard error."""
        return self._said.read_text()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start_example(tmp_path: Path) -> Iterator[Callable[[str, str], Example]]:
    started: list[Example] = []

    def start(address: str, symbol: str) -> Example:
        started.append(Example(tmp_path, address, symbol))
        return started[-1]

    yield start
    for example in started:
        example.close()


def test_it_prints_prices_and_events_and_goes_on_after_the_api_was_killed(
    stage: ApiStage, start_example: Callable[[str, str], Example]
) -> None:
    example = start_example(stage.address, "BTC/USDT")
    stage.quote_until(lambda: BASE + 2 in example.bids("binance"), BASE + 2)
    stage.open()
    stage.node.wait_for(lambda: example.events("open"))
    os.kill(stage.node.pid("api"), signal.SIGKILL)
    stage.close_opportunity()
    stage.node.wait_for(lambda: example.events("close"))
    stage.quote_until(lambda: BASE + 3 in example.bids("binance"), BASE + 3)
    assert (example.events("open"), example.events("close")) == (1, 1)
    assert "connecting again" in example.said


def test_it_ends_with_the_reason_where_it_asks_for_what_there_is_not(
    quoting: ApiStage, start_example: Callable[[str, str], Example]
) -> None:
    refused = start_example(quoting.address, "DOGE/USDT")
    assert refused.process.wait(DEADLINE_S) == 1
    assert "DOGE/USDT: this node does not watch it" in refused.said
