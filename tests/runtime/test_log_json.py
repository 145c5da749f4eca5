"""A record as JSON: one object a line that stays whole in a pipe, whatever text from outside is in it."""

import json
import logging
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbsniper_tui.runtime.anonymous_file import anonymous_file_with
from arbsniper_tui.runtime.log import LogSetup, LogStream
from arbsniper_tui.runtime.log_format import JsonFormatter

HOSTILE = '\x1b[2Jgone\r\n{"time":"forged"}\u2028\u202e\x85\x00\x7f\udcff"\\'
FORMATTER = JsonFormatter("feed")
TALKS_TO_STANDARD_ERROR = """
import sys, threading, warnings
from msgspec import Struct
from arbsniper_tui.runtime.process import run_worker
class Plan(Struct): pass
def fail(): raise KeyError("of a thread")
def work(plan):
    warnings.warn("a warning\\nof two lines")
    sys.stderr.write("begun, ")
    sys.stderr.write("ended \\x1b[2J\\n")
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    raise ValueError("a fault")
run_worker(Plan, work)
"""


def written(message: str, error: BaseException | None = None) -> str:
    """The line of a record of this moment in 2026."""
    record = logging.LogRecord("arbsniper_tui.net.rest", logging.WARNING, "", 0, "%s", (message,), None)
    record.created = 1795323630.0429
    record.process = 4711
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return FORMATTER.format(record)


def raised(words: str, causes: int = 0) -> BaseException:
    """An error with its traceback, and behind so many others."""
    try:
        raise RuntimeError(words) from (raised("a cause", causes - 1) if causes else None)
    except RuntimeError as error:
        return error


def test_a_record_is_an_object_of_named_fields_with_its_time_in_utc() -> None:
    line = '"worker":"feed","event":"net.rest","pid":4711,"message":"okx spot: überlastet"}'
    assert written("okx spot: überlastet") == '{"time":"2026-11-22T05:00:30.042Z","level":"warning",' + line


def test_hostile_text_stays_on_its_line_and_sends_nothing_to_a_terminal_that_prints_a_field() -> None:
    line = written(HOSTILE, raised(HOSTILE))
    assert line.isprintable() and len(line.splitlines()) == 1
    found = json.loads(line)
    assert found["time"] != "forged"
    assert found["message"].isprintable() and r"\x1b[2Jgone\r\n" in found["message"]
    assert all(part.isprintable() for part in found["traceback"].split("\n"))


def test_a_traceback_is_a_field_of_lines() -> None:
    lines = json.loads(written("it failed", raised("no space left")))["traceback"].split("\n")
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "RuntimeError: no space left"
    assert "traceback" not in json.loads(written("it failed"))


def test_a_long_traceback_keeps_its_end_where_the_error_stands() -> None:
    line = written("it failed", raised("no space left", causes=50))
    assert len(line) < select.PIPE_BUF
    found = json.loads(line)
    assert found["message"] == "it failed"
    assert found["traceback"].startswith("...") and found["traceback"].endswith("RuntimeError: no space left")
    assert len(line) > select.PIPE_BUF * 0.8, "little more was cut than had to be"


@given(st.text(max_size=50), st.integers(1, 500), st.text(max_size=50), st.integers(1, 500))
def test_any_record_is_one_printable_line_that_is_written_to_a_pipe_at_once(
    message: str, times: int, error: str, error_times: int
) -> None:
    line = written(message * times, RuntimeError(error * error_times))
    assert len(line.encode()) + 1 <= select.PIPE_BUF
    assert line.isprintable()
    assert json.loads(line)["worker"] == "feed"


def test_dropped_lines_are_counted_by_a_record_too() -> None:
    ours, theirs = os.pipe()
    stream = LogStream(theirs, LogSetup(format="json"), worker="spread", limit_bytes=20_000)
    for _ in range(3000):
        stream.write(written("a line") + "\n")
    found = os.read(ours, 1 << 20)
    stream.flush()
    found += os.read(ours, 1 << 20)
    gaps = [line for line in map(json.loads, found.decode().splitlines()) if "were dropped" in line["message"]]
    assert [(gap["worker"], gap["event"], gap["level"]) for gap in gaps] == [("spread", "runtime.log", "warning")]
    for end in (ours, theirs):
        os.close(end)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_python_itself_says_in_a_worker_has_the_format_of_the_log(tmp_path: Path, log_format: str) -> None:
    plan = anonymous_file_with(b"{}")
    setup = {"plan": plan, "worker": "feed", "log": {"format": log_format}}
    command = [sys.executable, "-c", TALKS_TO_STANDARD_ERROR, json.dumps(setup)]
    done = subprocess.run(command, pass_fds=(plan,), stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path)
    os.close(plan)
    assert done.returncode == 1
    if log_format == "text":
        assert b"begun, ended" in done.stderr and b"KeyError: 'of a thread'" in done.stderr
        return
    records = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert {record["worker"] for record in records} == {"feed"}
    said = [record["message"] for record in records if record["event"] == "stderr"]
    assert r"begun, ended \x1b[2J" in said and "KeyError: 'of a thread'" in said and "of two lines" in said
    assert records[-1]["traceback"].endswith("ValueError: a fault")
