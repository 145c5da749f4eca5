"""Lines to readers of every kind: pipes, terminals, sockets and files, that read, stop reading, or go."""

import contextlib
import os
import pty
import select
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_process import unmeasured_environment

from arbsniper_tui.runtime import output as module
from arbsniper_tui.runtime.output import Output

LINE = b"x" * 99 + b"\n"


class Reader:
    """Our end of something that an Output writes to."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._sockets: list[socket.socket] = []
        if kind == "socket":
            self._sockets = list(socket.socketpair())
            self.ours, self.theirs = (os.dup(each.fileno()) for each in self._sockets)
        elif kind == "terminal":
            self.ours, self.theirs = pty.openpty()
        else:
            self.ours, self.theirs = os.pipe()

    def read(self) -> bytes:
        """Everything that is there."""
        found = b""
        while select.select([self.ours], [], [], 0)[0]:
            piece = os.read(self.ours, 65536)
            if not piece:
                break
            found += piece
        return found.replace(b"\r\n", b"\n")

    def leave(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1

    def close(self) -> None:
        self.leave()
        os.close(self.theirs)


@pytest.fixture(params=["pipe", "pipe of another user", "terminal", "terminal of another user", "socket"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    if "another user" in request.param:
        # As after `su`: what belongs to someone else cannot be opened anew.
        monkeypatch.setattr(module, "_reopened", lambda descriptor, is_terminal: None)
    reader = Reader(request.param.split()[0])
    yield reader
    reader.close()


def numbered(count: int) -> list[bytes]:
    return [b"%d\n" % number for number in range(count)]


def test_a_reader_that_reads_gets_every_line_at_once(reader: Reader) -> None:
    output = Output(reader.theirs)
    for line in numbered(100):
        output.put(line)
        assert output.pump()
    assert reader.read() == b"".join(numbered(100))


def test_a_reader_that_stops_holds_nobody_up_and_loses_nothing_that_fits(reader: Reader) -> None:
    output = Output(reader.theirs)
    lines = numbered(60_000)  # more than any pipe or socket holds
    for line in lines:
        output.put(line)
    assert not output.pump()
    found = b""
    while not output.pump():
        found += reader.read()
    assert found + reader.read() == b"".join(lines)
    assert output.dropped == 0


def test_a_descriptor_that_others_share_stays_as_it_was(reader: Reader) -> None:
    output = Output(reader.theirs)
    for line in numbered(60_000):
        output.put(line)
    assert not output.pump()
    assert os.get_blocking(reader.theirs)


def test_above_the_limit_the_oldest_are_dropped_and_their_place_is_marked(reader: Reader) -> None:
    output = Output(reader.theirs, limit_bytes=10_000, on_gap=lambda dropped: b"[%d]\n" % dropped)
    lines = [b"%07d " % number + LINE for number in range(20_000)]
    for line in lines:
        output.put(line)
    assert output.dropped > 1000
    found = b""
    while not output.pump():
        found += reader.read()
    left = iter(lines)
    for line in (found + reader.read()).splitlines(keepends=True):
        # A terminal may find more room in between, so that there are several gaps.
        for _ in range(int(line[1:-2]) if line.startswith(b"[") else 0):
            next(left)
        assert line.startswith(b"[") or line == next(left)
    assert list(left) == []
    assert output.dropped == 0


def test_a_reader_that_has_gone_is_told_of(reader: Reader) -> None:
    output = Output(reader.theirs)
    reader.leave()
    with pytest.raises(BrokenPipeError):
        output.put(LINE)
        output.pump()


def test_a_wait_without_end_ends_when_the_reader_reads(reader: Reader) -> None:
    output = Output(reader.theirs, limit_bytes=None)
    lines = numbered(60_000)
    for line in lines:
        output.put(line)
    counting = (
        "import os, sys\nn = 0\nwhile n < int(sys.argv[1]): n += os.read(0, 65536).replace(b'\\r', b'').count(b'\\n')"
    )
    with subprocess.Popen([sys.executable, "-c", counting, str(len(lines))], stdin=reader.ours) as counter:
        assert output.drain()
        assert counter.wait(30) == 0


def test_a_wait_ends_when_it_is_told_to(reader: Reader) -> None:
    output = Output(reader.theirs, limit_bytes=None)
    for line in numbered(60_000):
        output.put(line)
    asked: list[bool] = []
    assert not output.drain(is_stopping=lambda: len(asked) > 2 or bool(asked.append(True)))
    assert not output.drain(within_s=0.01)


def test_lines_stay_whole_beside_those_of_another_process() -> None:
    reader = Reader("pipe")
    try:
        outputs = [Output(reader.theirs), Output(reader.theirs)]
        lines = [bytes([65 + number]) * 1500 + b"\n" for number in range(2)]
        found = b""
        for _ in range(200):
            for output, line in zip(outputs, lines, strict=True):
                output.put(line)
                output.pump()
        while sum(output.pump() for output in outputs) < len(outputs):
            found += reader.read()
        found += reader.read()
        assert sorted(found.splitlines(keepends=True)) == sorted(lines * 200)
    finally:
        reader.close()


def test_a_terminal_held_by_its_user_is_one_that_does_not_read() -> None:
    reader = Reader("terminal")
    try:
        output = Output(reader.theirs)
        termios.tcflow(reader.theirs, termios.TCOOFF)
        output.put(LINE)
        assert not output.pump()
        termios.tcflow(reader.theirs, termios.TCOON)
        assert output.drain(30)
        assert reader.read() == LINE
    finally:
        reader.close()


class TestFile:
    @pytest.fixture
    def full(self) -> Iterator[int]:
        """A descriptor that finds no space left."""
        descriptor = os.open("/dev/full", os.O_WRONLY)
        yield descriptor
        os.close(descriptor)

    def test_a_full_disk_is_a_reader_that_does_not_read(self, tmp_path: Path, full: int) -> None:
        output = Output(full, limit_bytes=1000, on_gap=lambda dropped: b"[%d]\n" % dropped)
        for _ in range(30):
            output.put(LINE)
            output.pump()
        with (tmp_path / "log").open("wb") as file:
            os.dup2(file.fileno(), full)  # now there is space
        assert output.pump()
        begun, gap, *found = (tmp_path / "log").read_bytes().splitlines(keepends=True)
        assert begun == LINE and gap.startswith(b"[")
        assert 1 + int(gap[1:-2]) + len(found) == 30

    def test_where_nothing_may_be_lost_a_full_disk_is_an_error(self, full: int) -> None:
        output = Output(full, limit_bytes=None)
        output.put(LINE)
        with pytest.raises(OSError, match="No space left"):
            output.drain()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_terminal_that_belongs_to_another_user_is_reached_as_the_controlling_one(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom arbsniper_tui.runtime import output\n"
        "os.setgid(54321); os.setuid(54321)\n"
        "own = output._reopened(1, True)\n"
        "assert own is not None and not os.get_blocking(own) and os.isatty(own)\n"
        "line = output.Output(1); line.put(b'reached'); assert line.drain(30)\n"
    )
    pid, ours = pty.fork()
    if pid == 0:
        # Not measured: another user cannot write what coverage finds.
        os.execve(sys.executable, [sys.executable, "-c", program], unmeasured_environment())
    _, status = os.waitpid(pid, 0)
    said = b""
    with contextlib.suppress(OSError):
        said = os.read(ours, 65536)
    os.close(ours)
    assert (os.waitstatus_to_exitcode(status), said) == (0, b"reached")
