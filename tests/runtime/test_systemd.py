"""What systemd is told, by a real socket in its place: ready, alive, how it goes, and the end. Nothing waits for it."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arbsniper_tui.runtime.systemd import Systemd


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Manager:
    """The reading end of a service manager's socket, on a path or, with a leading @, on an abstract address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        """The datagrams that have come, each as its lines."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return found


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, short_folder: Path) -> Iterator[Manager]:
    manager = Manager(str(short_folder / "notify") if request.param == "path" else f"@arbsniper-{os.getpid()}")
    yield manager
    manager.socket.close()


@pytest.fixture
def start(manager: Manager) -> Iterator[Callable[..., Systemd]]:
    """The program's side, started by this manager with these variables besides."""
    started: list[Systemd] = []

    def start(clock: Clock | None = None, **variables: str) -> Systemd:
        started.append(Systemd({"NOTIFY_SOCKET": manager.address} | variables, clock or Clock()))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_readiness_is_told_once_and_a_status_when_it_changes(manager: Manager, start: Callable) -> None:
    systemd = start()
    for status, is_ready in (("starting", False), ("starting", False), ("12 live", True), ("12 live", True)):
        systemd.tell(status, is_ready=is_ready)
    systemd.tell("11 live", is_ready=False)
    systemd.tell_stopping()
    assert manager.heard() == [["STATUS=starting"], ["READY=1", "STATUS=12 live"], ["STATUS=11 live"], ["STOPPING=1"]]


@pytest.mark.parametrize("pid", ["", str(os.getpid())], ids=["any process", "this process"])
def test_signs_of_life_come_at_half_the_time_that_is_allowed(manager: Manager, start: Callable, pid: str) -> None:
    clock = Clock()
    systemd = start(clock, WATCHDOG_USEC="20000000", **({"WATCHDOG_PID": pid} if pid else {}))
    came_s = []
    for _ in range(100):
        systemd.tell("", is_ready=False)
        came_s += [clock.now_s for datagram in manager.heard() if datagram == ["WATCHDOG=1"]]
        clock.now_s += 0.5
    assert came_s == [1000.0, 1010.0, 1020.0, 1030.0, 1040.0]


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "-5"}, {"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}],
    ids=["not asked for", "off", "no number", "another process"],
)
def test_no_sign_of_life_that_is_not_asked_for(manager: Manager, start: Callable, variables: dict[str, str]) -> None:
    clock = Clock()
    systemd = start(clock, **variables)
    for _ in range(10):
        systemd.tell("", is_ready=False)
        clock.now_s += 100.0
    assert manager.heard() == []


def test_what_is_not_read_in_time_costs_nothing_and_is_told_again(manager: Manager, start: Callable) -> None:
    systemd = start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        others.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                others.sendto(b"X", manager.address.replace("@", "\0", 1))
    for _ in range(1000):
        systemd.tell("12 live", is_ready=True)
    assert all(datagram == ["X"] for datagram in manager.heard())
    systemd.tell("12 live", is_ready=True)
    systemd.tell("12 live", is_ready=True)
    assert manager.heard() == [["READY=1", "STATUS=12 live"]]


def test_a_manager_that_has_gone_is_no_error(manager: Manager, start: Callable) -> None:
    systemd = start()
    manager.socket.close()
    systemd.tell("12 live", is_ready=True)
    systemd.tell_stopping()


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "relative"])
def test_without_a_socket_of_systemd_nothing_is_done(address: str | None) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": address} if address is not None else {})
    systemd.tell("12 live", is_ready=True)
    systemd.tell_stopping()
    systemd.close()


def test_no_child_inherits_what_is_meant_for_this_process(manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "5", "WATCHDOG_PID": "7", "PATH": "/bin"}
    Systemd(environ).close()
    assert environ == {"PATH": "/bin"}
