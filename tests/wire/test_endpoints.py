"""How a viewer finds the sockets of a node."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import FolderError, NodeUnreachable
from arbsniper_tui.runtime import node_folder
from arbsniper_tui.wire import endpoints as module
from arbsniper_tui.wire.endpoints import Endpoints, find_endpoints

MakeNode = Callable[..., Path]


@pytest.fixture
def the_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found = [tmp_path / "run", tmp_path / "tmp"]
    for each in (node_folder, module):
        monkeypatch.setattr(each, "roots", lambda: found)
    return found


@pytest.fixture
def node() -> Iterator[MakeNode]:
    """Makes folders of nodes that run until the test ends."""
    locks: list[int] = []

    def make(root: Path, name: int | str, *, is_open: bool = True, alive: bool = True, made_s: int = 1000) -> Path:
        root.mkdir(mode=0o700, exist_ok=True)
        folder = root / f"node-{name}"
        folder.mkdir(mode=0o700)
        if is_open:
            (folder / "commands").touch()
        if alive:
            locks.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(locks[-1], fcntl.LOCK_EX)
        os.utime(folder, (made_s, made_s))
        return folder

    yield make
    for lock in locks:
        os.close(lock)


def test_the_sockets_of_a_node_lie_in_its_folder(tmp_path: Path) -> None:
    made = Endpoints(tmp_path)
    sockets = {f"ipc://{made.quotes}", made.frames, made.commands}
    assert len(sockets) == 3
    assert all(socket.startswith(f"ipc://{tmp_path}/") for socket in sockets)


def test_without_a_node_the_message_says_where_it_looked_and_how_to_start_one(the_roots: list[Path]) -> None:
    with pytest.raises(NodeUnreachable, match="no node runs here") as refused:
        find_endpoints()
    assert all(str(root) in str(refused.value) for root in the_roots)
    assert "arbsniper-tui --no-ui" in str(refused.value)


def test_a_dead_node_is_not_found(the_roots: list[Path], node: MakeNode) -> None:
    dead = node(the_roots[0], 7, alive=False)
    with pytest.raises(NodeUnreachable, match="no node runs here"):
        find_endpoints()
    for endpoint in ("7", str(dead)):
        with pytest.raises(NodeUnreachable, match=f"no node at {endpoint}"):
            find_endpoints(endpoint)


def test_the_node_that_was_started_last_is_the_one(the_roots: list[Path], node: MakeNode) -> None:
    newer = node(the_roots[0], 9, made_s=2000)
    node(the_roots[1], 8, made_s=1000)
    assert find_endpoints() == Endpoints(newer)


def test_a_node_is_found_by_its_process_id_in_either_place(the_roots: list[Path], node: MakeNode) -> None:
    here, there, twin = node(the_roots[0], 8), node(the_roots[1], 9), node(the_roots[0], "8-2")
    assert find_endpoints("8") == Endpoints(here)
    assert find_endpoints("9") == Endpoints(there)
    assert find_endpoints("8-2") == Endpoints(twin)


@pytest.mark.parametrize("prefix", ["", "ipc://"])
def test_a_node_is_found_by_its_folder_wherever_it_is(
    the_roots: list[Path], node: MakeNode, tmp_path: Path, prefix: str
) -> None:
    elsewhere = node(tmp_path / "mounted", 1)
    assert find_endpoints(f"{prefix}{elsewhere}") == Endpoints(elsewhere)


def test_an_endpoint_without_a_node_names_those_that_run(the_roots: list[Path], node: MakeNode) -> None:
    with pytest.raises(NodeUnreachable, match="no node at 1: expected .*process id; none runs here"):
        find_endpoints("1")
    node(the_roots[0], 8, made_s=1000)
    node(the_roots[1], 9, made_s=2000)
    with pytest.raises(NodeUnreachable, match=r"no node at /x: expected one of 8, 9$"):
        find_endpoints("/x")


def test_a_node_that_takes_no_commands_yet_is_not_there(the_roots: list[Path], node: MakeNode) -> None:
    node(the_roots[0], 8, is_open=False)
    with pytest.raises(NodeUnreachable):
        find_endpoints("8")


def test_a_folder_that_others_may_enter_is_refused_by_name_and_by_path(the_roots: list[Path], node: MakeNode) -> None:
    folder = node(the_roots[0], 8)
    folder.chmod(0o755)
    for endpoint in ("8", str(folder)):
        with pytest.raises(FolderError, match=f"{folder}: expected .*, found one of user {os.getuid()}, mode 0755"):
            find_endpoints(endpoint)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_an_untrusted_root_is_named_where_nothing_was_found(the_roots: list[Path], node: MakeNode) -> None:
    the_roots[1].symlink_to("/")
    node(the_roots[0], 8)
    assert find_endpoints() == find_endpoints("8")
    for endpoint in ("9", "/x"):
        with pytest.raises(FolderError, match=f"{the_roots[1]}: .* found a symbolic link"):
            find_endpoints(endpoint)
