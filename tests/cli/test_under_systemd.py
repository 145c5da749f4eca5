"""A node under systemd: what it tells the service manager that started it, and the unit of the repository."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_process import OF_FOUR, WORKERS

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "arbsniper-tui.service"
DEMO = ("--no-ui", "--demo", "--threshold", "0.02", *OF_FOUR)
STATUS = r"STATUS=4 of 4 venues live, \d+ signals?, redis (up|off)"


@pytest.fixture
def manager(place) -> Iterator[socket.socket]:
    """The socket of the service manager that starts commands in this place."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place.folder / "notify"))
        manager.setblocking(False)
        place.env |= {"NOTIFY_SOCKET": str(place.folder / "notify"), "WATCHDOG_USEC": "1000000"}
        yield manager


def lines_from(manager: socket.socket) -> list[str]:
    """What has come since the last look."""
    found = []
    while True:
        try:
            found += manager.recv(4096).decode().split("\n")
        except BlockingIOError:
            return found


def test_a_node_tells_that_it_is_ready_and_alive_and_how_it_goes_and_its_end(place, manager):
    heard: list[str] = []

    def has_heard(pattern: str, times: int = 1) -> bool:
        """Whether so many lines of this pattern have come since `heard` was cleared."""
        heard.extend(lines_from(manager))
        return len([line for line in heard if re.fullmatch(pattern, line)]) >= times

    node = place.start(*DEMO)
    place.wait_for(lambda: has_heard("READY=1"), "readiness")
    assert place.sockets(), "viewers can attach by then"
    assert "STATUS=starting" in heard
    place.wait_for(lambda: has_heard(STATUS), "the status of a node that works")
    heard.clear()
    place.wait_for(lambda: has_heard("WATCHDOG=1", 3), "signs of life")
    os.kill(int(re.findall(r"sim: process (\d+)", node.err)[-1]), signal.SIGKILL)
    place.wait_for(lambda: has_heard("STATUS=[0-3] of 4 .*"), "the outage")
    heard.clear()
    place.wait_for(lambda: has_heard(STATUS), "its end")
    assert node.end() == 0
    assert has_heard("STOPPING=1") and not has_heard("READY=1")


def test_no_process_that_a_node_starts_may_speak_for_it(place, manager):
    node = place.start_node(*DEMO)
    place.wait_for(lambda: "okx perp: up" in node.err, "a node that works")
    children = [pid for pid in place.processes() if pid != node.process.pid]
    assert len(children) >= len(WORKERS)
    for pid in children:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"NOTIFY_SOCKET" not in environment and b"WATCHDOG" not in environment
    assert node.end() == 0


def test_a_service_manager_that_does_not_read_holds_nothing_up(place, manager):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others, pytest.raises(BlockingIOError):
        others.setblocking(False)
        while True:
            others.sendto(b"X", str(place.folder / "notify"))
    node = place.start_node(*DEMO)
    place.wait_for(lambda: len(node.lines) >= 3, "signals")
    assert node.end() == 0
    assert set(lines_from(manager)) == {"X"}


def test_the_unit_is_one_that_systemd_accepts(tmp_path):
    if (systemd_analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("no systemd-analyze on the PATH")
    unit = tmp_path / UNIT.name
    # The command has to be there; nothing else is changed.
    unit.write_text(
        re.sub(r"(?<=^Exec)(Start|Reload)=\S+", rf"\g<1>={sys.executable}", UNIT.read_text(), flags=re.MULTILINE)
    )
    done = subprocess.run([systemd_analyze, "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_rules_of_rotation_are_ones_that_logrotate_accepts(tmp_path):
    if (logrotate := shutil.which("logrotate")) is None:
        pytest.skip("no logrotate on the PATH")
    rules = UNIT.with_suffix(".logrotate")
    done = subprocess.run([logrotate, "--debug", "--state", str(tmp_path / "state"), str(rules)], capture_output=True)
    assert (done.returncode, b"error" in done.stderr) == (0, False), done.stderr


def test_the_command_of_the_unit_is_one_that_starts(place):
    (command,) = re.findall(r"^ExecStart=\S+ (.*)$", UNIT.read_text(), re.MULTILINE)
    config = place.folder / "arbsniper.toml"
    config.write_text("[signals]\nthreshold_pct = 0.02\n")
    arguments = command.replace("/etc/arbsniper-tui/arbsniper.toml", str(config)).split()
    node = place.start_node(*arguments, "--demo", *OF_FOUR)
    assert node.end() == 0
