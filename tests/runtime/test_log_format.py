"""A record of the log is one line, and a traceback cannot pass for one."""

import io
import logging
import re
from collections.abc import Iterator

import pytest

from arbsniper_tui.runtime.log_format import OneLineFormatter

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FORGED = "\x1b[2Jgone\r\n2026-11-20 00:00:00,000 INFO root: forged\u2028\u202e\x9b1m"
RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (WARNING|ERROR) log: ")


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(written: io.StringIO) -> Iterator[logging.Logger]:
    log = logging.Logger("log")
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLineFormatter(LOG_FORMAT))
    log.addHandler(handler)
    yield log
    log.removeHandler(handler)


@pytest.mark.parametrize("say", [lambda log: log.warning("%s", FORGED), lambda log: log.warning(FORGED)])
def test_a_message_stays_on_its_line(log: logging.Logger, written: io.StringIO, say) -> None:
    say(log)
    (line,) = written.getvalue().splitlines()
    assert RECORD.match(line)
    assert line.isprintable()
    assert r"\x1b[2Jgone\r\n2026" in line


def test_a_message_of_plain_text_is_written_as_it_is(log: logging.Logger, written: io.StringIO) -> None:
    log.warning("okx spot: %s – %s", "überlastet", "x" * 1000)
    assert written.getvalue().endswith("okx spot: überlastet – " + "x" * 1000 + "\n")


def test_a_message_is_bounded(log: logging.Logger, written: io.StringIO) -> None:
    log.warning("x" * 1_000_000)
    assert len(written.getvalue()) < 10_000


def test_a_traceback_is_indented_so_that_no_line_of_it_passes_for_a_record(
    log: logging.Logger, written: io.StringIO
) -> None:
    try:
        raise RuntimeError(FORGED)
    except RuntimeError:
        log.exception("it failed")
    first, *rest = written.getvalue().split("\n")[:-1]
    assert RECORD.match(first) and first.endswith("it failed")
    assert rest[0] == "  Traceback (most recent call last):"
    assert any("forged" in line for line in rest)
    for line in rest:
        assert line.startswith("  ")
        assert line.isprintable()


def test_a_stack_is_indented_too(log: logging.Logger, written: io.StringIO) -> None:
    log.warning("here", stack_info=True)
    first, *rest = written.getvalue().split("\n")[:-1]
    assert RECORD.match(first)
    assert rest and all(line.startswith("  ") for line in rest)
