"""The log of a process, as its reader sees it."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from arbsniper_tui.runtime.log import LogStream, pump_log, start_log


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@contextmanager
def log_to(stream: LogStream, level: str = "info") -> Iterator[LogStream]:
    """The process logs there, and to none of pytest's own handlers."""
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield start_log(level, stream)
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)


def read_all(ours: int, stream: LogStream) -> str:
    found = b""
    while True:
        try:
            found += os.read(ours, 65536)
        except BlockingIOError:
            before = found
            stream.flush()
            try:
                found += os.read(ours, 65536)
            except BlockingIOError:
                return before.decode()


def test_a_line_has_time_level_place_and_words(pipe: tuple[int, int]) -> None:
    with log_to(LogStream(pipe[1]), "warning"):
        logging.getLogger("arbsniper_tui.some.place").warning("words about %s", "\udcff")
        logging.getLogger("arbsniper_tui.some.place").info("too little to be said")
    line = os.read(pipe[0], 65536).decode()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:,]+ WARNING arbsniper_tui\.some\.place: words about \\udcff\n", line)


def test_lines_that_were_dropped_are_counted_where_they_are_missing(pipe: tuple[int, int]) -> None:
    with log_to(LogStream(pipe[1], limit_bytes=20_000)) as stream:
        for number in range(3000):
            logging.info("line %d of the test", number)
    lines = read_all(pipe[0], stream).splitlines()
    (gap,) = [number for number, line in enumerate(lines) if "lines of this log were dropped" in line]
    dropped = int(re.findall(r": (\d+) lines", lines[gap])[0])
    assert f"line {gap - 1} of" in lines[gap - 1] and f"line {gap + dropped} of" in lines[gap + 1]
    assert len(lines) - 1 + dropped == 3000


def test_what_waits_is_written_when_the_reader_is_back(pipe: tuple[int, int]) -> None:
    with log_to(LogStream(pipe[1])):
        for number in range(3000):
            logging.info("line %d of the test", number)
        os.read(pipe[0], 65536)
        pump_log()
    assert "of the test" in os.read(pipe[0], 65536).decode()


def test_a_reader_that_has_gone_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with log_to(LogStream(theirs)) as stream:
        for _ in range(3):
            logging.info("to no one")
        pump_log()
        stream.drain(1.0)
    os.close(theirs)
