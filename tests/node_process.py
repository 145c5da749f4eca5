"""A whole node as a user starts one: the real command, its lines, its log, its processes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from waiting import DEADLINE_S, wait_until

from arbsniper_tui.runtime.leftover import listener_of
from arbsniper_tui.runtime.node_folder import REDIS_SOCKET
from arbsniper_tui.session.session import Session
from arbsniper_tui.venues import VENUES
from arbsniper_tui.wire.endpoints import Endpoints

COMMAND = ("-m", "arbsniper_tui.cli.main")
PATIENT_COMMAND = (str(Path(__file__).with_name("patient_command.py")),)
"""For tests that say how workers end: the clock alone would tell how busy the machine is."""
WORKERS = ("sim", "feed", "spread")
FOUR = ("binance", "coinbase", "kraken", "okx")
"""Venues enough for a demo whose number of venues does not matter: a smaller node starts and ends sooner."""
OF_FOUR = tuple(word for venue in FOUR for word in ("--venue", venue))
DEMO_FEEDS = sum(len(VENUES[venue].markets) for venue in FOUR)
"""Connections of a demo of these: one of each market."""

_STARTED = re.compile(r"supervisor: (\w+): process (\d+)")
_LISTED = re.compile(r"(\w+): \d+ instruments listed by http://127\.0\.0\.1:(\d+)/")


class RunningNode:
    """The command with these arguments, in a folder of its own that holds its sockets too. `state` is what it leaves to
    the next of its name."""

    def __init__(
        self, folder: Path, arguments: Sequence[str], command: Sequence[str] = COMMAND, *, state: Path | None = None
    ) -> None:
        self.folder = folder
        self.log_file = folder / "log"
        self.lines: list[dict[str, Any]] = []
        """The signals on standard output."""
        self._sessions: list[Session] = []
        self.strays: list[bytes] = []
        """What stood there and was none."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ARBSNIPER_")}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment | {"TMPDIR": str(folder), "XDG_STATE_HOME": str(state or folder / "state")},
                cwd=folder,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.strays.append(line)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def pids(self, worker: str) -> list[int]:
        """Every process that was started for a worker, the newest last."""
        return [int(pid) for name, pid in _STARTED.findall(self.log) if name == worker]

    def pid(self, worker: str) -> int:
        """The newest process of a worker."""
        self.wait_for(lambda: self.pids(worker))
        return self.pids(worker)[-1]

    @property
    def sockets(self) -> Path:
        """The folder of its sockets."""
        subfolder = f"arbsniper-tui-{os.getuid()}/node-{self.process.pid}"
        candidates = [Path(f"/run/user/{os.getuid()}") / subfolder, self.folder / subfolder]
        return next((folder for folder in candidates if folder.exists()), candidates[-1])

    @property
    def redis_socket(self) -> Path:
        """Where its own Redis listens, once it does."""
        self.wait_for(lambda: listener_of(self.sockets / REDIS_SOCKET))
        return self.sockets / REDIS_SOCKET

    @property
    def redis_pid(self) -> int:
        """The process of its own Redis, once it listens."""
        return listener_of(self.redis_socket) or 0

    def wait_for(self, condition: Callable[[], object], shown: Callable[[], object] = str) -> None:
        wait_until(condition, lambda: f"{shown()}\n{self.log[-6000:]}")

    def wait_for_signals(self, count: int = 1) -> list[dict[str, Any]]:
        """Until so many more have come than there are now; those."""
        seen = len(self.lines)
        self.wait_for(lambda: len(self.lines) >= seen + count)
        return self.lines[seen:]

    def session(self) -> Session:
        """A viewer's session, as soon as the node answers."""
        self.wait_for(lambda: (self.sockets / "commands").exists())
        self._sessions.append(session := Session(Endpoints(self.sockets)))
        return session

    def watch(self, session: Session, condition: Callable[[], object]) -> None:
        """Pull until the condition holds."""

        def pulled() -> object:
            session.pull()
            return condition()

        self.wait_for(pulled, lambda: (session.snapshot.status, list(session.snapshot.events)[-10:]))

    def set_fault(self, venue: str, query: str) -> None:
        """Make a simulated venue fail, as `sim/fault.py` spells it."""
        self.wait_for(lambda: venue in dict(_LISTED.findall(self.log)))
        port = dict(_LISTED.findall(self.log))[venue]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sim/fault?{query}", timeout=DEADLINE_S) as answer:
            assert answer.status == 200

    def everyone(self) -> set[int]:
        """Every process that it ever started, as far as its log tells, and its Redis."""
        started = {int(pid) for _, pid in _STARTED.findall(self.log)}
        redis = listener_of(self.sockets / REDIS_SOCKET)
        return started | ({redis} if redis else set())

    def wait_until_gone(self, pids: set[int], sockets: Path) -> None:
        self.wait_for(lambda: not any(map(is_running, pids)), lambda: [pid for pid in pids if is_running(pid)])
        self.wait_for(lambda: not sockets.exists(), lambda: list(sockets.iterdir()))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it; the exit code, after checking that nothing is left behind."""
        everyone, sockets = self.everyone(), self.sockets
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE_S)
        self.wait_until_gone(everyone, sockets)
        return code

    def close(self) -> None:
        """Leave nothing running, whatever the test did."""
        for session in self._sessions:
            # One that a failed test leaves open would hold up the collector that finds it, for ever.
            session.close()
        everyone = self.everyone()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pid in everyone:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._reader.join(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


def unmeasured_environment() -> dict[str, str]:
    """This process's environment for a child whose branches `make coverage` cannot count."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def is_running(pid: int) -> bool:
    """Whether a process runs; one that is dead and not collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()


def stands_still(pid: int) -> bool:
    """Whether a process is stopped; true where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return True
