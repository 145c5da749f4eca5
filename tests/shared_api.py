"""The verb `api --redis-url` as a user runs it, and requests to it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from node_process import COMMAND
from waiting import DEADLINE_S, wait_until

_ADDRESS = re.compile(r"answering at (https?://\S+)/v1/")


def address_in(log: str) -> str:
    """Where an API answers, as a log tells it; empty while it does not."""
    found = _ADDRESS.findall(log)
    return found[-1] if found else ""


class SharedApi:
    """One process that answers for all nodes of a Redis, with a state folder of its own, as on a machine of its own."""

    def __init__(self, folder: Path, url: str, more: str = "") -> None:
        """`more` are further keys of `[api]`."""
        folder.mkdir(parents=True)
        config = folder / "api.toml"
        config.write_text(f'[api]\nlisten = "127.0.0.1:0"\n{more}')
        self._log = folder / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ARBSNIPER_")}
        environment["XDG_STATE_HOME"] = str(folder / "state")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *COMMAND, "api", "--config", str(config), "--redis-url", url],
                stderr=log,
                cwd=folder,
                env=environment,
            )
        wait_until(lambda: address_in(self.log), lambda: self.log)
        self.client = httpx.Client(base_url=address_in(self.log), timeout=DEADLINE_S, trust_env=False)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def get(self, path: str) -> Any:
        """The answer where it is 200, else None."""
        answer = self.client.get(path)
        return answer.json() if answer.is_success else None

    def nodes(self) -> dict[str, Any]:
        """Those it answers for, by name."""
        found = self.get("/v1/nodes")
        return {each["node"]: each for each in found["nodes"]} if found else {}

    def wait_for(self, condition: Any) -> None:
        wait_until(condition, lambda: (self.client.get("/v1/nodes").text[:2000], self.log[-3000:]))

    def kill(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
