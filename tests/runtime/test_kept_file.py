"""A log file that is moved away or grows too long: the lines go on in a new one, and none is lost."""

import fcntl
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.runtime.kept_file import KeptFile, followable
from arbsniper_tui.runtime.log import LogSetup, LogStream

WRITES_LINES = """
import os, sys
from arbsniper_tui.runtime.log import LogSetup, LogStream
name, path, count = sys.argv[1:]
descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
stream = LogStream(descriptor, LogSetup(file=path))
for turn, _ in enumerate(sys.stdin):
    for number in range(int(count)):
        stream.write(f"{name} {turn} {number}\\n")
        stream.flush()
"""


def write(stream: LogStream, text: str) -> None:
    """As logging does it."""
    stream.write(text)
    stream.flush()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder / "log"


@pytest.fixture
def opened(file: Path) -> Iterator[Callable[[], int]]:
    """Opens the file as a process of a node does."""
    descriptors: list[int] = []

    def open_file() -> int:
        descriptors.append(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
        return descriptors[-1]

    yield open_file
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.fixture
def stream(file: Path, opened: Callable[[], int]) -> LogStream:
    return LogStream(opened(), LogSetup(file=str(file)))


def test_after_a_move_lines_go_to_a_new_file(file: Path, stream: LogStream) -> None:
    write(stream, "before\n")
    moved = file.rename(file.with_suffix(".1"))
    write(stream, "after\n")
    assert (moved.read_text(), file.read_text()) == ("before\n", "after\n")


def test_after_a_move_lines_go_to_the_file_that_was_made_in_its_place(file: Path, stream: LogStream) -> None:
    file.rename(file.with_suffix(".1"))
    file.write_text("")
    file.chmod(0o640)
    write(stream, "after\n")
    assert file.read_text() == "after\n" and file.stat().st_mode & 0o777 == 0o640


def test_a_file_that_was_cut_off_in_place_is_written_from_its_beginning(file: Path, stream: LogStream) -> None:
    write(stream, "before\n")
    os.truncate(file, 0)
    write(stream, "after\n")
    assert file.read_text() == "after\n"


def test_without_its_folder_the_old_file_goes_on_until_the_folder_is_back(file: Path, stream: LogStream) -> None:
    away = file.parent.rename(file.parent.with_name("away"))
    write(stream, "meanwhile\n")
    file.parent.mkdir()
    write(stream, "after\n")
    assert (away / "log").read_text() == "meanwhile\n"
    assert file.read_text() == "after\n"


def test_a_pipe_in_place_of_the_file_is_not_written_to_and_holds_nothing_up(file: Path, stream: LogStream) -> None:
    moved = file.rename(file.with_suffix(".1"))
    os.mkfifo(file)
    write(stream, "without a reader\n")
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    write(stream, "with one\n")
    assert os.read(reader, 100) == b""
    os.close(reader)
    assert moved.read_text() == "without a reader\nwith one\n"


def test_processes_that_write_while_the_file_is_moved_lose_no_line(file: Path) -> None:
    names, turns, count = ("feed", "spread", "supervisor"), 100, 20
    command = [sys.executable, "-c", WRITES_LINES]
    writers = [
        subprocess.Popen([*command, name, str(file), str(count)], stdin=subprocess.PIPE, bufsize=0) for name in names
    ]
    for turn in range(turns):
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
        wait_until(file.exists)
        file.rename(file.with_suffix(f".{turn}"))
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
        assert writer.wait(DEADLINE_S) == 0
    found = Counter(line for each in file.parent.iterdir() for line in each.read_text().splitlines())
    expected = [f"{name} {turn} {number}" for name in names for turn in range(turns) for number in range(count)]
    assert found == Counter(expected)


def test_a_file_above_its_bound_becomes_the_old_one_and_a_new_one_begins(file: Path, opened: Callable) -> None:
    keeper = LogStream(opened(), LogSetup(file=str(file)), most_bytes=10)
    worker = LogStream(opened(), LogSetup(file=str(file)))
    write(worker, "ten bytes\n")
    keeper.tend()
    assert not file.with_suffix(".old").exists(), "it may be as long as the bound"
    write(worker, "and more\n")
    keeper.tend()
    assert file.with_suffix(".old").read_text() == "ten bytes\nand more\n" and file.read_text() == ""
    write(worker, "of the second file\n")
    keeper.tend()
    assert file.with_suffix(".old").read_text() == "of the second file\n"
    assert sorted(each.name for each in file.parent.iterdir()) == ["log", "log.old"]


def test_of_two_nodes_with_one_file_one_moves_it_and_the_other_follows(file: Path, opened: Callable) -> None:
    descriptors = opened(), opened()
    first, second = (KeptFile(descriptor, str(file), 10) for descriptor in descriptors)
    os.write(descriptors[0], b"more than ten bytes\n")
    fcntl.flock(descriptors[0], fcntl.LOCK_EX)
    second.keep()
    assert not file.with_suffix(".old").exists(), "the first has begun to"
    fcntl.flock(descriptors[0], fcntl.LOCK_UN)
    first.keep()
    os.write(descriptors[0], b"new\n")
    second.keep()
    assert file.with_suffix(".old").read_text() == "more than ten bytes\n"
    os.write(descriptors[1], b"newer\n")
    assert file.read_text() == "new\nnewer\n"


def test_only_a_file_of_its_own_is_followed(tmp_path: Path, opened: Callable, file: Path) -> None:
    link = tmp_path / "link"
    descriptor = opened()
    link.symlink_to(file)
    assert followable(descriptor, link) == os.path.realpath(file)
    assert followable(descriptor, tmp_path / "missing") == ""
    with Path("/dev/null").open("w") as null:
        assert followable(null.fileno(), Path("/dev/null")) == ""
    foreign = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    foreign.hardlink_to(file)
    assert followable(descriptor, foreign) == "", "no worker could be told its name"
    ours, theirs = os.pipe()
    assert followable(theirs, Path(f"/dev/fd/{theirs}")) == ""
    for end in (ours, theirs):
        os.close(end)
