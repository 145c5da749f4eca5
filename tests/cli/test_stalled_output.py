"""Readers that do not read: a live node decides, restarts its workers and stops as if they did."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_process import OF_FOUR
from waiting import DEADLINE_S

from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints

CTRL_S, CTRL_Q = b"\x13", b"\x11"
SMALL_PIPE_BYTES = 4096
STUCK_LOOKS = 30


class StuckLook:
    """Whether nothing more has come to a descriptor for many looks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[int] = []

    def __call__(self) -> bool:
        waiting = int.from_bytes(fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
        self._waiting.append(waiting)
        last = self._waiting[-STUCK_LOOKS:]
        return waiting > 0 and len(last) == STUCK_LOOKS and len(set(last)) == 1


class Unread:
    """The end of a pipe or a terminal that nobody reads until `read` is called."""

    def __init__(self, ours: int, theirs: int) -> None:
        self.ours = ours
        self.theirs = theirs
        self.is_stuck = StuckLook(ours)

    @classmethod
    def pipe(cls) -> "Unread":
        ours, theirs = os.pipe()
        if sys.platform == "linux":
            fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, SMALL_PIPE_BYTES)
        return cls(ours, theirs)

    @classmethod
    def terminal(cls) -> "Unread":
        return cls(*pty.openpty())

    def read(self) -> bytes:
        os.set_blocking(self.ours, False)
        found = b""
        with contextlib.suppress(BlockingIOError, OSError):
            while piece := os.read(self.ours, 65536):
                found += piece
        return found

    def close(self) -> None:
        for descriptor in (self.ours, self.theirs):
            with contextlib.suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def unread() -> Iterator[Callable[[], Unread]]:
    made: list[Unread] = []

    def keep(one: Unread) -> Unread:
        made.append(one)
        return one

    yield keep
    for one in made:
        one.close()


def worker_pid(place, worker: str) -> int:
    """The process of a worker; 0 while there is none."""
    for pid in place.processes():
        with contextlib.suppress(OSError):
            if f"arbsniper_tui.workers.{worker}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
    return 0


class StalledNode:
    """A demo node whose output may go to readers that do not read."""

    def __init__(self, place, stdout: int, stderr: int, *options: str) -> None:
        self._place = place
        self._outputs = [each for each in (stdout, stderr) if each >= 0]
        self.process = subprocess.Popen(
            [*place.patient_command, "--demo", "--no-ui", "--threshold", "0", *OF_FOUR, *options],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=place.env,
            cwd=place.folder,
        )

    def pid(self, worker: str) -> int:
        return worker_pid(self._place, worker)

    def wait_for_signals(self) -> int:
        """Until the node has decided on some more, as a viewer sees it; how many there were then."""
        folder = self._place.folder / f"arbsniper-tui-{os.getuid()}" / f"node-{self.process.pid}"
        self._place.wait_for(lambda: (folder / "commands").exists(), "the node's sockets")
        session = Session(Endpoints(folder))
        try:
            counts: set[int] = set()

            def has_grown() -> bool:
                session.pull()
                if session.snapshot.status is not None:
                    counts.add(session.snapshot.status.signals)
                return len(counts) > 3

            self._place.wait_for(has_grown, "signals")
            return max(counts)
        finally:
            session.close()

    def check_all_works(self, *workers: str) -> None:
        """Decisions, restarts, and the end."""
        assert all(map(os.get_blocking, self._outputs)), "the shell must find its descriptors as they were"
        self.wait_for_signals()
        for worker in workers:
            killed = self.pid(worker)
            os.kill(killed, signal.SIGKILL)
            self._place.wait_for(lambda worker=worker, killed=killed: self.pid(worker) not in (0, killed), worker)
        self.wait_for_signals()
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(DEADLINE_S) == 0
        self._place.wait_for(
            lambda: not self._place.processes() and not self._place.node_folders(), "the end of every worker"
        )


def test_nobody_reads_the_signals_and_the_end_counts_them(place, unread):
    stdout = unread(Unread.pipe())
    with (place.folder / "log").open("wb") as log:
        node = StalledNode(place, stdout.theirs, log.fileno())
        place.wait_for(stdout.is_stuck, "a full pipe")
        # Before the check: a spread worker that is started again counts anew.
        decided = node.wait_for_signals()
        node.check_all_works("feed", "spread")
    said = (place.folder / "log").read_text()
    assert "was killed" not in said and "Traceback" not in said
    told = re.findall(r"(\d+) signals were not printed", said)
    assert told
    assert sum(map(int, told)) + stdout.read().count(b"\n") >= decided


@pytest.mark.parametrize("is_blocking", [True, False])
def test_decode_loses_no_line_to_a_reader_that_is_slow(place, unread, is_blocking):
    frame = '{"u":%d,"s":"BTCUSDT","b":"64000.10","B":"1.5","a":"64000.20","A":"2.5"}'
    place.tape("b", "binance", "wss://stream.binance.com:9443/ws", *((1.0 + i, frame % i) for i in range(2000)))
    stdout = unread(Unread.pipe())
    os.set_blocking(stdout.theirs, is_blocking)
    decoding = subprocess.Popen(
        [place.command, "decode", "binance", "b"],
        stdout=stdout.theirs,
        stderr=subprocess.PIPE,
        env=place.env,
        cwd=place.folder,
    )
    place.wait_for(stdout.is_stuck, "a full pipe")
    found = b""

    def has_ended() -> bool:
        nonlocal found
        has_ended = decoding.poll() is not None
        found += stdout.read()
        return has_ended

    place.wait_for(has_ended, "the end of decode")
    assert (decoding.returncode, decoding.communicate()[1]) == (0, b"")
    assert [json.loads(line)["t"] for line in found.splitlines()] == [1.0 + i for i in range(2000)]


def test_nobody_reads_the_log(place, unread):
    stderr = unread(Unread.pipe())
    node = StalledNode(place, subprocess.DEVNULL, stderr.theirs, "--log-level", "debug")
    place.wait_for(stderr.is_stuck, "a full pipe")
    node.check_all_works("feed", "spread", "sim")


def test_nobody_reads_the_log_of_a_node_that_is_killed(place, unread):
    stderr = unread(Unread.pipe())
    node = StalledNode(place, subprocess.DEVNULL, stderr.theirs, "--log-level", "debug")
    place.wait_for(stderr.is_stuck, "a full pipe")
    node.wait_for_signals()
    node.process.kill()
    node.process.wait()
    place.wait_for(lambda: not place.processes(), "the end of every worker")


def test_a_terminal_held_by_ctrl_s_holds_nothing_else_and_gets_its_lines_when_it_goes_on(place, unread):
    terminal = unread(Unread.terminal())
    node = StalledNode(place, terminal.theirs, terminal.theirs)
    place.wait_for(lambda: b'"type"' in terminal.read(), "a signal")
    os.write(terminal.ours, CTRL_S)
    node.wait_for_signals()
    terminal.read()  # what came before the key was taken
    killed = node.pid("feed")
    os.kill(killed, signal.SIGKILL)
    place.wait_for(lambda: node.pid("feed") not in (0, killed), "the next feed worker")
    assert not terminal.read()
    os.write(terminal.ours, CTRL_Q)
    seen = b""

    def has_caught_up() -> bool:
        nonlocal seen
        seen += terminal.read()
        return f"feed (process {killed}) ended by signal 9".encode() in seen and seen.count(b'"type"') > 3

    place.wait_for(has_caught_up, "the lines that waited")
    os.write(terminal.ours, CTRL_S)
    node.check_all_works()


class TestTerminalUi:
    """The UI in a terminal that takes no output, as a stalled SSH line leaves it."""

    @pytest.fixture
    def stalled(self, place):
        terminal = place.terminal("--demo", "--threshold", "0", *OF_FOUR)
        terminal.sees("4/4 venues up")
        place.wait_for(StuckLook(terminal.descriptor), "a full terminal")
        return terminal

    def test_a_killed_worker_is_started_again_however_often(self, place, stalled):
        # The first time the UI may still find room for what it draws.
        for _ in range(3):
            killed = worker_pid(place, "feed")
            os.kill(killed, signal.SIGKILL)
            place.wait_for(lambda killed=killed: worker_pid(place, "feed") not in (0, killed), "the next feed worker")
        stalled.type("q")
        assert stalled.exit_code() == 0

    def test_a_signal_ends_it_with_its_terminal_restored(self, place, stalled):
        stalled.process.send_signal(signal.SIGHUP)
        place.wait_for(lambda: stalled.process.poll() is not None, "the end")
        assert stalled.process.returncode == 0
        place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")
        # What waits in a terminal is handed over some time after the program has ended.
        place.wait_for(lambda: stalled.read() and stalled.is_restored, "the terminal as it was")

    def test_a_signal_ends_a_viewer_as_well_and_its_node_goes_on(self, place):
        node = place.start_node("--demo", "--no-ui", "--threshold", "0", *OF_FOUR)
        terminal = place.terminal("attach", str(node.process.pid))
        terminal.sees("4/4 venues up")
        place.wait_for(StuckLook(terminal.descriptor), "a full terminal")
        terminal.process.terminate()
        place.wait_for(lambda: terminal.process.poll() is not None, "the end")
        assert terminal.process.returncode == 0
        told = len(node.lines)
        place.wait_for(lambda: len(node.lines) > told, "the node's next signal")
