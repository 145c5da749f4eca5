"""The installed command in a world of its own: an empty home, a folder for sockets, and proof that nothing is left."""

import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest
from node_process import PATIENT_COMMAND
from prepared_command import PreparedCommand
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.sim.registry import SIMULATED
from arbsniper_tui.tapes.tape import TapeWriter

COMMAND = Path(sys.executable).with_name("arbsniper-tui")
CAPTURES = Path(__file__).resolve().parents[1] / ".." / "shared" / "captures"


def wait_for(condition: Callable[[], Any], what: str = "") -> Any:
    """The first true value of a condition."""
    return wait_until(condition, lambda: what)


class Run:
    """One command that runs, its output going to files."""

    def __init__(self, place: "Place", number: int, command: tuple[str, ...]) -> None:
        self._out, self._err = place.folder / f"out-{number}", place.folder / f"err-{number}"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=place.env, cwd=place.folder
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The whole lines of standard output, as JSON."""
        return [json.loads(line) for line in self.out.splitlines(keepends=True) if line.endswith("\n")]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


class Terminal:
    """One command in a pseudo-terminal; what it draws is kept as a screen."""

    def __init__(self, place: "Place", arguments: tuple[str, ...], columns: int, lines: int) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        self.modes = self._modes_left = termios.tcgetattr(theirs)[3]
        self._is_over = False
        """Whether nothing more can come."""
        self.written = b""
        self._shown = ""
        self.resize(columns, lines)
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=place.env,
            cwd=place.folder,
            start_new_session=True,
            # Without a controlling terminal nobody is told that its size has changed.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._theirs = theirs
        os.set_blocking(self._ours, False)

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self._shown = ""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self) -> str:
        """The screen after everything that was drawn until now."""
        try:
            while drawn := os.read(self._ours, 65536):
                self.written += drawn
                self._stream.feed(drawn)
                self._shown = ""
        except OSError as error:  # nothing more has come, or nothing more can come
            self._is_over = not isinstance(error, BlockingIOError)
        # Composing the text costs far more than the look whether anything has come.
        self._shown = self._shown or "\n".join(self.screen.display)
        return self._shown

    @property
    def descriptor(self) -> int:
        """Our end of it."""
        return self._ours

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def sees(self, *texts: str) -> str:
        """Wait until these texts stand on the screen together; that screen."""

        def seen() -> str | None:
            screen = self.read()
            return screen if all(text in screen for text in texts) else None

        try:
            return str(wait_for(seen))
        except AssertionError:
            pytest.fail(f"{texts} did not come; the screen:\n{self.read()}")

    def sees_every_venue_up(self) -> str:
        """Wait until a demo of all venues is up."""
        return self.sees(f"{len(SIMULATED)}/{len(SIMULATED)} venues up")

    def misses(self, text: str) -> str:
        """Wait until a text is gone from the screen."""
        try:
            wait_for(lambda: text not in self.read())
        except AssertionError:
            pytest.fail(f"{text!r} did not go; the screen:\n{self.read()}")
        return self.read()

    def exit_code(self) -> int:
        """Wait for the end, reading on meanwhile: a full terminal would hold the command up."""
        wait_for(lambda: (self.read(), self.process.poll())[1] is not None, f"the end; the screen:\n{self.read()}")
        self._modes_left = self._modes_now
        os.close(self._theirs)
        self._theirs = -1
        # A terminal hands over some time later what was written last; with nobody at its other end, that ends.
        wait_for(lambda: (self.read(), self._is_over)[1], "the last that was written")
        return self.process.returncode

    @property
    def _modes_now(self) -> int:
        modes: int = termios.tcgetattr(self._theirs)[3]
        return modes

    @property
    def is_restored(self) -> bool:
        """Cooked mode as before, the first screen again, and a cursor."""
        modes = self._modes_left if self._theirs < 0 else self._modes_now
        last = {mode: self.written.rfind(b"\x1b[?" + mode) for mode in (b"1049h", b"1049l", b"25l", b"25h")}
        return modes == self.modes and last[b"1049l"] > last[b"1049h"] and last[b"25h"] > last[b"25l"]

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        for end in (self._theirs, self._ours):
            if end >= 0:
                os.close(end)
        self._ours = self._theirs = -1

    def close(self) -> None:
        if self._ours >= 0:
            self.hang_up()


class Place:
    """Where commands are run: nothing of the user's is read, and nothing is written outside `folder`."""

    command = COMMAND
    patient_command = (sys.executable, *PATIENT_COMMAND)

    def __init__(self, folder: Path, prepared: PreparedCommand) -> None:
        self.folder = folder
        self._prepared = prepared
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        self.env = kept | {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / ".local" / "state"),
            "TMPDIR": str(folder),
            "TERM": "xterm-256color",
        }
        self._runs: list[Run | Terminal] = []

    @staticmethod
    def wait_for(condition: Callable[[], Any], what: str = "") -> Any:
        """The first true value of a condition; fails after the deadline."""
        return wait_for(condition, what)

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """A command from start to end; `start` and `terminal` start the installed one."""
        return self._prepared.run(arguments, stdin=stdin, env=self.env, cwd=self.folder)

    def start(self, *arguments: str, command: tuple[str, ...] = (str(COMMAND),)) -> Run:
        self._runs.append(run := Run(self, len(self._runs), (*command, *arguments)))
        return run

    def start_node(self, *arguments: str, command: tuple[str, ...] = (str(COMMAND),)) -> Run:
        """A node without a terminal, once it can be attached to."""
        run = self.start(*arguments, command=command)
        wait_for(lambda: run.process.poll() is not None or self.sockets(), "the node's sockets")
        assert run.process.poll() is None, run.err
        return run

    def terminal(self, *arguments: str, columns: int = 100, lines: int = 30) -> Terminal:
        terminal = Terminal(self, arguments, columns, lines)
        self._runs.append(terminal)
        return terminal

    def sockets(self) -> list[Path]:
        """Socket files of nodes, wherever this system keeps them for this test's processes."""
        return [path for path in self.node_folders() if (path / "commands").exists()]

    def node_folders(self) -> list[Path]:
        pids = [run.process.pid for run in self._runs]
        roots = [self.folder, Path(f"/run/user/{os.getuid()}")]
        return [path for root in roots for pid in pids for path in root.glob(f"arbsniper-tui-*/node-{pid}")]

    def processes(self) -> list[int]:
        """Processes that were started here, with all their children: they carry this folder in their environment."""
        mark = f"TMPDIR={self.folder}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            # Its end, or another user's process.
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
        return found

    def tape(self, name: str, venue: str, url: str, *frames: tuple[float, str], market: str = "") -> Path:
        """Write a tape of frames and their times."""
        writer = TapeWriter(self.folder / name, venue)
        for ts_s, frame in frames:
            writer.write(ts_s, url, frame.encode(), market=market)
        writer.close()
        return writer.path

    def close(self) -> None:
        """End what still runs. Fails where a command that has ended left a process or a folder."""
        for run in self._runs:
            if run.process.poll() is None:
                run.process.terminate()
            if isinstance(run, Terminal):
                wait_for(lambda run=run: (run.read(), run.process.poll())[1] is not None, "the end of a terminal")
                run.close()
            run.process.wait(DEADLINE_S)
        wait_for(lambda: not self.processes(), "the end of every child")
        assert not self.node_folders()


@pytest.fixture(scope="session")
def prepared_command() -> Iterator[PreparedCommand]:
    """One for all tests of a runner."""
    prepared = PreparedCommand()
    yield prepared
    prepared.close()


@contextlib.contextmanager
def new_place(prepared: PreparedCommand) -> Iterator[Place]:
    # Short: the path of a socket has little room.
    folder = Path(tempfile.mkdtemp(prefix="ab-", dir="/tmp"))
    place = Place(folder, prepared)
    try:
        yield place
        place.close()
    finally:
        for pid in place.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(prepared_command: PreparedCommand) -> Iterator[Place]:
    with new_place(prepared_command) as place:
        yield place


@pytest.fixture(scope="module")
def shared_place(prepared_command: PreparedCommand) -> Iterator[Place]:
    """One for all tests of a module, which only look at what the first of them made there."""
    with new_place(prepared_command) as place:
        yield place


@pytest.fixture
def captures() -> Path:
    if not CAPTURES.is_dir():
        pytest.skip("no recorded frames beside the checkout (../shared/captures)")
    return CAPTURES
