"""Where nodes meet: made, found, and swept."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.wire import endpoints as module
from arbsniper_tui.wire.endpoints import (
    Endpoints,
    create_endpoints,
    find_endpoints,
    is_alive,
    runtime_roots,
    sweep,
)


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    roots = [tmp_path / "run", tmp_path / "tmp"]
    monkeypatch.setattr(module, "runtime_roots", lambda: roots)
    monkeypatch.setattr(module, "_IPC_PATH_LIMIT", 10_000)
    return roots


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that waits for its standard input to end."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    yield child
    child.kill()
    child.communicate()


@pytest.fixture
def dead_pid() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def nothing_left(folder: Path) -> None:
    """No node of these tests has started anything."""


def node(root: Path, pid: int | str, *, is_open: bool = True, made_s: int = 1000) -> Path:
    folder = root / f"node-{pid}"
    folder.mkdir(parents=True)
    if is_open:
        (folder / "commands").touch()
    os.utime(folder, (made_s, made_s))
    return folder


def test_a_node_has_a_folder_of_its_own_that_nobody_else_may_enter(roots: list[Path]) -> None:
    made = create_endpoints(nothing_left)
    assert made.folder == roots[0] / f"node-{os.getpid()}"
    assert made.folder.stat().st_mode & 0o777 == 0o700
    sockets = {f"ipc://{made.quotes}", made.frames, made.commands}
    assert len(sockets) == 3
    assert all(socket.startswith(f"ipc://{made.folder}/") for socket in sockets)
    made.remove()
    assert not made.folder.exists()
    made.remove()


def test_what_an_earlier_process_of_the_same_id_left_is_not_taken_over(roots: list[Path]) -> None:
    (node(roots[0], os.getpid()) / "rules.json").touch()
    assert list(create_endpoints(nothing_left).folder.iterdir()) == []


def test_a_path_too_long_for_a_socket_is_refused_with_a_way_out(
    roots: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IPC_PATH_LIMIT", 10)
    with pytest.raises(NodeUnreachable, match="at most 10 bytes for sockets; set TMPDIR shorter"):
        create_endpoints(nothing_left)


def test_the_folders_of_dead_nodes_are_swept_and_those_of_live_ones_stay(
    roots: list[Path], dead_pid: int, child: "subprocess.Popen[bytes]"
) -> None:
    dead = [node(root, dead_pid) for root in roots]
    unnamed = node(roots[0], "what")
    alive = node(roots[1], child.pid)
    other = roots[0] / "something else"
    other.mkdir()
    sweep(nothing_left)
    assert not any(folder.exists() for folder in [*dead, unnamed])
    assert alive.exists()
    assert other.exists()


def test_making_a_node_sweeps_first(roots: list[Path], dead_pid: int) -> None:
    dead = node(roots[1], dead_pid)
    create_endpoints(nothing_left).remove()
    assert not dead.exists()


def test_what_a_dead_node_left_running_is_ended_before_its_folder_goes(
    roots: list[Path], dead_pid: int, child: "subprocess.Popen[bytes]"
) -> None:
    dead = node(roots[0], dead_pid)
    node(roots[1], child.pid)
    ended = []
    sweep(lambda folder: ended.append((folder, folder.exists())))
    assert ended == [(dead, True)]


class TestFinding:
    def test_without_a_node_says_where_it_looked_and_how_to_start_one(self, roots: list[Path]) -> None:
        with pytest.raises(NodeUnreachable, match="no node runs here") as refused:
            find_endpoints()
        assert all(str(root) in str(refused.value) for root in roots)
        assert "arbsniper-tui --no-ui" in str(refused.value)

    def test_a_dead_node_is_not_found(self, roots: list[Path], dead_pid: int) -> None:
        node(roots[0], dead_pid)
        with pytest.raises(NodeUnreachable, match="no node runs here"):
            find_endpoints()

    def test_the_node_that_was_started_last_is_the_one(
        self, roots: list[Path], child: "subprocess.Popen[bytes]"
    ) -> None:
        node(roots[0], os.getpid(), made_s=1000)
        newer = node(roots[1], child.pid, made_s=2000)
        assert find_endpoints() == Endpoints(newer)

    def test_a_node_is_found_by_process_id_in_either_place(
        self, roots: list[Path], child: "subprocess.Popen[bytes]"
    ) -> None:
        here, there = node(roots[0], os.getpid()), node(roots[1], child.pid)
        assert find_endpoints(str(os.getpid())) == Endpoints(here)
        assert find_endpoints(str(child.pid)) == Endpoints(there)

    @pytest.mark.parametrize("prefix", ["", "ipc://"])
    def test_a_node_is_found_by_its_folder_wherever_it_is(self, roots: list[Path], tmp_path: Path, prefix: str) -> None:
        elsewhere = node(tmp_path / "mounted", 1)
        assert find_endpoints(f"{prefix}{elsewhere}") == Endpoints(elsewhere)

    def test_an_endpoint_without_a_node_names_those_that_run(
        self, roots: list[Path], child: "subprocess.Popen[bytes]"
    ) -> None:
        with pytest.raises(NodeUnreachable, match="no node at 1: expected .*process id; none runs here"):
            find_endpoints("1")
        node(roots[0], os.getpid(), made_s=1000)
        node(roots[1], child.pid, made_s=2000)
        with pytest.raises(NodeUnreachable, match=rf"no node at /x: expected one of {os.getpid()}, {child.pid}$"):
            find_endpoints("/x")

    def test_a_node_that_takes_no_commands_yet_is_not_there(self, roots: list[Path]) -> None:
        node(roots[0], os.getpid(), is_open=False)
        with pytest.raises(NodeUnreachable):
            find_endpoints(str(os.getpid()))


def test_only_a_running_process_is_alive(dead_pid: int, child: "subprocess.Popen[bytes]") -> None:
    assert is_alive(os.getpid())
    assert is_alive(child.pid)
    assert not is_alive(dead_pid)
    assert not is_alive(0)
    assert not is_alive(-1)


def test_each_user_has_folders_of_his_own() -> None:
    roots = runtime_roots()
    assert roots
    assert all(root.name.endswith(f"-{os.getuid()}") for root in roots)
