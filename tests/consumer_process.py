"""The verb `consume` as a user runs it: what it prints, and what it says."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import Any

from node_process import COMMAND
from waiting import DEADLINE_S


class Consumer:
    """The verb `consume`: what it prints, and what it says."""

    def __init__(self, url: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ARBSNIPER_")}
        self._process = subprocess.Popen(
            [sys.executable, *COMMAND, "consume", "--redis-url", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        self.signals: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._read, self._listen)]
        for each in self._threads:
            each.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            (self.events if "event" in (said := json.loads(line)) else self.signals).append(said)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self.said += self._process.stderr

    def numbers(self, node: str = "") -> list[int]:
        """Of the events of one node, or of the only one."""
        return [event["seq"] for event in self.events if not node or event["node"] == node]

    @property
    def is_complete(self) -> bool:
        """Whether each event of each node came once and in order, but for those of which it said that they went by."""
        missing: set[int] = set()
        for node in {event["node"] for event in self.events}:
            numbers = self.numbers(node)
            assert sorted(set(numbers)) == numbers, node
            missing |= set(range(numbers[0], numbers[-1] + 1)) - set(numbers)
        return missing == self.told_missing

    @property
    def told_missing(self) -> set[int]:
        """Numbers that it said went by."""
        found = re.findall(r"events? (\d+)(?: to (\d+))? went by", "".join(self.said))
        return {number for first, last in found for number in range(int(first), int(last or first) + 1)}

    def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(DEADLINE_S)
        for each in self._threads:
            each.join(DEADLINE_S)
        return code
