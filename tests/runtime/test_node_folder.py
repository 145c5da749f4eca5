"""The folder of a node: made, trusted, alive while its lock is held, and swept."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import FolderError
from arbsniper_tui.runtime import node_folder as module
from arbsniper_tui.runtime.node_folder import (
    NodeFolder,
    create_node_folder,
    is_alive,
    live_folders,
    refuse_untrusted_roots,
    remove_if_dead,
    roots,
    sweep,
)

MakeNode = Callable[..., Path]
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
OTHER_USER = 54321

RUN_A_NODE = """
import sys
from pathlib import Path
from arbsniper_tui.runtime import node_folder
node_folder.roots = lambda: [Path(sys.argv[1])]
print(node_folder.create_node_folder().path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def the_roots(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found = [short_folder / "run", short_folder / "tmp"]
    monkeypatch.setattr(module, "roots", lambda: found)
    return found


@pytest.fixture
def make_node() -> Iterator[MakeNode]:
    """Makes folders as nodes leave them; the live ones are locked until the test ends."""
    locks: list[int] = []

    def make(root: Path, name: str, *, alive: bool) -> Path:
        root.mkdir(mode=0o700, exist_ok=True)
        (root / name).mkdir(mode=0o700)
        if alive:
            locks.append(os.open(root / name, os.O_RDONLY))
            fcntl.flock(locks[-1], fcntl.LOCK_EX)
        return root / name

    yield make
    for lock in locks:
        os.close(lock)


@pytest.fixture
def other_process(the_roots: list[Path]) -> Iterator["subprocess.Popen[str]"]:
    """A process that made a node's folder, whose path is its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_A_NODE, str(the_roots[0])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def test_a_node_has_a_folder_of_its_own_that_nobody_else_may_enter(the_roots: list[Path]) -> None:
    node = create_node_folder()
    assert node.path == the_roots[0] / f"node-{os.getpid()}"
    assert node.path.stat().st_mode & 0o777 == the_roots[0].stat().st_mode & 0o777 == 0o700
    assert node.keep()
    node.remove()
    assert not node.path.exists()
    node.remove()


def test_a_node_is_alive_for_as_long_as_its_process(
    the_roots: list[Path], other_process: "subprocess.Popen[str]"
) -> None:
    assert other_process.stdout is not None
    folder = Path(other_process.stdout.readline().strip())
    assert is_alive(folder)
    assert live_folders() == [folder]
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert folder.exists() and not is_alive(folder)
    assert live_folders() == []
    sweep()
    assert not folder.exists()


def test_a_process_id_that_runs_again_does_not_keep_a_dead_node_alive(
    the_roots: list[Path], make_node: MakeNode
) -> None:
    reused = make_node(the_roots[0], "node-1", alive=False)
    assert not is_alive(reused)
    sweep()
    assert not reused.exists()


def test_a_live_node_of_another_container_with_the_same_process_id_is_left_alone(
    the_roots: list[Path], make_node: MakeNode
) -> None:
    other = make_node(the_roots[0], f"node-{os.getpid()}", alive=True)
    (other / "commands").touch()
    node = create_node_folder()
    assert node.path == the_roots[0] / f"node-{os.getpid()}-2"
    assert (other / "commands").exists()
    node.remove()


def test_what_a_dead_process_of_the_same_id_left_is_not_taken_over(the_roots: list[Path], make_node: MakeNode) -> None:
    (make_node(the_roots[0], f"node-{os.getpid()}", alive=False) / "rules.json").touch()
    node = create_node_folder()
    assert node.path.name == f"node-{os.getpid()}"
    assert list(node.path.iterdir()) == []
    node.remove()


def test_a_new_node_sweeps_the_dead_ones_out_of_every_root(the_roots: list[Path], make_node: MakeNode) -> None:
    dead = [make_node(root, "node-7", alive=False) for root in the_roots]
    alive = make_node(the_roots[1], "node-8", alive=True)
    other = the_roots[0] / "something else"
    other.mkdir()
    node = create_node_folder()
    assert not any(folder.exists() for folder in dead)
    assert alive.exists() and other.exists()
    node.remove()


def test_a_live_node_is_not_removed_by_what_outlived_a_dead_one(the_roots: list[Path], make_node: MakeNode) -> None:
    alive, dead = (make_node(the_roots[0], f"node-{n}", alive=n == 1) for n in (1, 2))
    for folder in (alive, dead, the_roots[0] / "node-3"):
        remove_if_dead(folder)
    assert alive.exists() and not dead.exists()


class TestTrust:
    @pytest.fixture(params=["link", "file", "others may write", pytest.param("of another user", marks=as_root)])
    def planted(self, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Path], str]:
        """Puts something in place of a folder; returns what a refusal says of it."""

        def plant(path: Path) -> str:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if request.param == "link":
                (tmp_path / "theirs").mkdir(mode=0o700)
                path.symlink_to(tmp_path / "theirs")
                return "found a symbolic link"
            if request.param == "file":
                path.touch()
                return "found a file"
            path.mkdir()
            path.chmod(0o777)
            if request.param == "others may write":
                return rf"found one of user {os.getuid()}, mode 0777"
            os.chown(path, OTHER_USER, OTHER_USER)
            return rf"found one of user {OTHER_USER}"

        return plant

    def test_a_root_made_by_someone_else_is_refused(
        self, the_roots: list[Path], planted: Callable[[Path], str]
    ) -> None:
        found = planted(the_roots[0])
        with pytest.raises(FolderError, match=f"{the_roots[0]}: expected a folder of user {os.getuid()}.* {found}"):
            create_node_folder()
        with pytest.raises(FolderError, match=found):
            refuse_untrusted_roots()

    def test_an_untrusted_root_that_is_not_needed_stops_nobody_and_is_not_swept(
        self, the_roots: list[Path], planted: Callable[[Path], str], make_node: MakeNode
    ) -> None:
        planted(the_roots[1])
        if the_roots[1].is_dir():
            make_node(the_roots[1], "node-5", alive=False)
        create_node_folder().remove()
        assert the_roots[1].is_file() or (the_roots[1] / "node-5").exists()
        assert live_folders() == []

    def test_a_node_folder_made_by_someone_else_is_neither_swept_nor_alive(
        self, the_roots: list[Path], planted: Callable[[Path], str]
    ) -> None:
        folder = the_roots[0] / "node-7"
        found = planted(folder)
        sweep()
        assert os.path.lexists(folder)
        assert live_folders() == []
        with pytest.raises(FolderError, match=found):
            is_alive(folder)

    def test_a_root_that_an_earlier_version_left_open_for_reading_is_closed(self, the_roots: list[Path]) -> None:
        the_roots[0].mkdir()
        the_roots[0].chmod(0o755)
        create_node_folder().remove()
        assert the_roots[0].stat().st_mode & 0o777 == 0o700


class TestPlace:
    @pytest.mark.parametrize("length", [40, 70, 75, 80, 85, 93, 120, 200])
    def test_a_path_too_long_for_sockets_is_passed_over(
        self, short_folder: Path, monkeypatch: pytest.MonkeyPatch, length: int
    ) -> None:
        filling = length - len(os.fsencode(short_folder)) - 1
        long, short = short_folder / ("ä" * (filling // 2) + "a" * (filling % 2)), short_folder / "short"
        assert len(os.fsencode(long)) == length
        monkeypatch.setattr(module, "roots", lambda: [long, short])
        node = create_node_folder()
        assert node.path.parent == (long if length == 40 else short if length > 90 else node.path.parent)
        with socket.socket(socket.AF_UNIX) as longest:
            longest.bind(str(node.path / "redis.sock"))
        node.remove()

    def test_where_none_serves_the_message_names_each_with_its_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "roots", lambda: [tmp_path / ("a" * 100), Path("/proc/none/root")])
        with pytest.raises(
            FolderError, match="103 bytes, and would have .*/proc/none/root: No such file.*: set TMPDIR"
        ):
            create_node_folder()

    def test_each_user_has_folders_of_his_own_and_tmp_is_the_last(self) -> None:
        assert roots()[-1] == Path(f"/tmp/arbsniper-tui-{os.getuid()}")
        assert all(root.name == f"arbsniper-tui-{os.getuid()}" for root in roots())


class TestCleaners:
    @pytest.fixture
    def node(self, the_roots: list[Path]) -> Iterator[NodeFolder]:
        node = create_node_folder()
        yield node
        node.remove()

    def test_the_lock_that_systemd_tmpfiles_respects_is_on_the_folder_itself(self, node: NodeFolder) -> None:
        descriptor = os.open(node.path, os.O_RDONLY | os.O_DIRECTORY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)

    def test_what_is_in_the_folder_is_kept_young(self, node: NodeFolder) -> None:
        (node.path / "frames").touch()
        for path in (node.path / "frames", node.path):
            os.utime(path, (1000, 1000))
        assert node.keep()
        assert (node.path / "frames").stat().st_mtime == 1000
        eager = NodeFolder(node.path, os.open(node.path, os.O_RDONLY), touch_every_s=0.0)
        assert eager.keep()
        assert (node.path / "frames").stat().st_mtime > 1e9
        assert (node.path.stat().st_mtime, node.path.stat().st_atime > 1e9) == (1000, True)
        eager.remove()

    @pytest.mark.parametrize("by", ["nothing", "another folder"])
    def test_a_folder_that_was_deleted_or_replaced_is_noticed_and_not_removed(self, node: NodeFolder, by: str) -> None:
        node.path.rmdir()
        if by == "another folder":
            # While the first is still open, its inode cannot be given to the second.
            node.path.mkdir()
        assert not node.keep()
        node.remove()
        assert node.path.exists() == (by == "another folder")
