"""How a node's log is asked for: as JSON from every process, in a file that may be moved away or grow too long."""

import json
import os
import re
import signal
from typing import Any

import pytest
from node_process import OF_FOUR

DEMO = ("--demo", "--threshold", "0.02", *OF_FOUR)
FIELDS = {"time", "level", "worker", "event", "pid", "message"}
MIB = 1 << 20


def records(log: str) -> list[dict[str, Any]]:
    """The whole lines of a log as JSON."""
    return [json.loads(line) for line in log.splitlines(keepends=True) if line.endswith("\n")]


def pid_of(worker: str, log: str) -> int:
    """The newest process of a worker, as the log tells."""
    return int(re.findall(rf"{worker}: process (\d+)", log)[-1])


def test_every_process_of_a_node_logs_as_json_and_so_does_one_that_is_started_again(place):
    node = place.start_node("--no-ui", "--log-format", "json", *DEMO)
    place.wait_for(lambda: "okx perp: up" in node.err, "a node that works")
    os.kill(pid_of("feed", node.err), signal.SIGKILL)
    place.wait_for(lambda: len(re.findall(r"feed: \d+ markets", node.err)) == 2, "the next feed worker's log")
    assert node.end() == 0
    found = records(node.err)
    for record in found:
        assert set(record) - {"traceback"} == FIELDS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    assert {record["worker"] for record in found} == {"supervisor", "feed", "spread"}
    assert len({record["pid"] for record in found if record["worker"] == "feed"}) == 2
    assert any(record["level"] == "error" and "ended by signal 9" in record["message"] for record in found)


def test_beside_the_ui_the_file_is_json_too(place):
    terminal = place.terminal(*DEMO, "--log-format", "json", "--log-file", "log")
    terminal.sees("okx")
    log = place.folder / "log"
    place.wait_for(lambda: log.exists() and "markets" in log.read_text(), "the log")
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert {record["worker"] for record in records(log.read_text())} == {"supervisor", "feed", "spread"}


def test_what_a_command_says_last_on_standard_error_is_json_where_the_log_is(place):
    node = place.start_node("record", "tapes", "--no-ui", "--log-format", "json", *DEMO, command=place.patient_command)
    place.wait_for(lambda: "okx perp: up" in node.err, "a node that works")
    assert node.end() == 0
    assert re.fullmatch(r"recorded [\d,]+ frames?, [\d.]+ MB to tapes", records(node.err)[-1]["message"])
    (place.folder / "file").write_text("")
    refused = place.run("record", "file", "--no-ui", "--log-format", "json", *DEMO)
    (last,) = records(refused.stderr.decode())
    assert refused.returncode == 2 and last["level"] == "error" and "file" in last["message"]


def test_an_unknown_format_is_refused_with_those_there_are(place):
    refused = place.run("--no-ui", "--demo", "--log-format", "xml")
    assert refused.returncode == 2
    assert refused.stderr.decode() == "--log-format 'xml': expected one of text, json\n"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_log_file_that_is_moved_away_is_opened_anew_by_every_process(place, log_format):
    log, moved = place.folder / "log", place.folder / "log.1"
    node = place.start_node("--no-ui", "--log-file", "log", "--log-format", log_format, *DEMO)
    place.wait_for(lambda: "okx perp: up" in log.read_text(), "a node that works")
    log.rename(moved)
    os.kill(pid_of("feed", moved.read_text()), signal.SIGKILL)
    of_both = ("ended by signal 9", "instruments listed by")
    place.wait_for(lambda: log.exists() and all(words in log.read_text() for words in of_both), "supervisor and worker")
    assert node.end() == 0
    assert "ended by signal 9" not in moved.read_text()
    assert node.err == ""


def test_a_log_file_above_its_bound_becomes_the_old_one(place):
    log, old = place.folder / "log", place.folder / "log.old"
    before = "a line of an earlier run\n" * (MIB // 20)
    log.write_text(before)
    node = place.start_node("--no-ui", "--log-file", "log", "--log-max-mib", "1", *DEMO)
    place.wait_for(lambda: log.exists() and "okx perp: up" in log.read_text() and old.exists(), "the second file")
    assert node.end() == 0
    assert old.read_text().startswith(before)
    assert "earlier run" not in log.read_text()


def test_no_password_of_redis_is_logged(place):
    secret = "correct-horse-battery"
    url = f"redis://user:{secret}@127.0.0.1:9/0"
    node = place.start_node("--no-ui", "--log-format", "json", "--log-level", "debug", "--redis-url", url, *DEMO)
    place.wait_for(lambda: "okx perp: up" in node.err, "a node that works")
    os.kill(pid_of("spread", node.err), signal.SIGKILL)
    place.wait_for(lambda: len(re.findall(r"spread: \d+ instruments", node.err)) == 2, "the next spread worker's log")
    assert node.end() == 0
    assert records(node.err) and secret not in node.err
