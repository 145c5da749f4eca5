"""The user's state folder: whose it must be, and files that are replaced whole."""

import os
import re
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import FolderError, StateError, UsageError
from arbsniper_tui.runtime.state_folder import NODE_NAME, StateFolder, host_name

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
OTHER_USER = 54321


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    return home


@pytest.fixture
def folder() -> StateFolder:
    """One that exists."""
    folder = StateFolder("desk-1")
    with folder.opened():
        return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_folder_and_files_are_for_their_user_alone(home: Path) -> None:
    folder = StateFolder("desk-1")
    folder.write("mutes.json", "[]")
    assert folder.path == home / "arbsniper-tui" / "desk-1"
    assert (mode(folder.path.parent), mode(folder.path), mode(folder.path / "mutes.json")) == (0o700, 0o700, 0o600)
    assert folder.read("mutes.json") == "[]"


@pytest.mark.parametrize("given", ["", "relative/folder"])
def test_without_an_absolute_path_in_the_environment_it_is_below_the_users_home(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert StateFolder("a").path == tmp_path / ".local/state/arbsniper-tui/a"


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a b", "-x", "ä", "a\n", "x" * 65])
def test_a_name_that_is_no_folders_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="expected 1 to 64 letters, digits"):
        StateFolder(name)


@pytest.mark.parametrize("host", ["desk-1.example.org", "büro", "-_.", "", "x" * 300])
def test_any_hosts_name_makes_a_nodes_name(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert re.fullmatch(NODE_NAME, host_name())


def test_what_is_not_there_is_none_and_reading_makes_nothing(home: Path) -> None:
    assert StateFolder("never-ran").read("mutes.json") is None
    assert not home.exists()


def test_a_file_is_replaced_whole_also_beside_what_a_killed_writer_left(folder: StateFolder) -> None:
    folder.write("mutes.json", "a long text")
    (folder.path / ".mutes.json.new").write_text("half a te")
    folder.write("mutes.json", "short")
    assert folder.read("mutes.json") == "short"
    assert [path.name for path in folder.path.iterdir()] == ["mutes.json"]


def test_writers_at_the_same_time_leave_one_whole_text(folder: StateFolder) -> None:
    texts = [str(number) * 100_000 for number in range(4)]
    writers = [threading.Thread(target=folder.write, args=("mutes.json", text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert folder.read("mutes.json") in texts


def test_changes_at_the_same_time_build_on_each_other(folder: StateFolder) -> None:
    def add_one(_: int) -> str:
        return folder.change("count", lambda old: str(int(old or 0) + 1))

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(add_one, range(40)))
    assert sorted(told, key=int) == [str(number) for number in range(1, 41)]
    assert folder.read("count") == "40"


def test_a_change_that_fails_leaves_the_old_text(folder: StateFolder) -> None:
    folder.write("a", "old")
    with pytest.raises(UsageError):
        folder.change("a", refuse)
    assert folder.read("a") == "old"
    assert folder.change("a", str) == "old"


def refuse(old: str | None) -> str:
    raise UsageError(f"not {old}")


@pytest.mark.parametrize("level", ["arbsniper-tui", "arbsniper-tui/desk-1"])
def test_a_link_in_place_of_the_folder_is_refused(level: str, home: Path, tmp_path: Path) -> None:
    (home / level).parent.mkdir(parents=True, mode=0o700)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (home / level).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="expected a folder of user .*, found a symbolic link: remove it, or set XDG"):
        StateFolder("desk-1").write("mutes.json", "[]")
    assert not list((tmp_path / "elsewhere").iterdir())


@as_root
@pytest.mark.parametrize("level", ["arbsniper-tui", "arbsniper-tui/desk-1"])
def test_a_folder_of_another_user_is_refused(level: str, home: Path, folder: StateFolder) -> None:
    os.chown(home / level, OTHER_USER, OTHER_USER)
    with pytest.raises(FolderError, match=f"found one of user {OTHER_USER}"):
        folder.read("mutes.json")


def test_a_folder_that_others_may_write_to_is_refused_and_one_they_may_read_is_closed(folder: StateFolder) -> None:
    folder.path.chmod(0o755)
    folder.write("mutes.json", "[]")
    assert mode(folder.path) == 0o700
    folder.path.chmod(0o777)
    with pytest.raises(FolderError, match="mode 0777"):
        folder.read("mutes.json")


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file")
    with pytest.raises(FolderError, match="expected a folder for the node's state"):
        StateFolder("desk-1").write("mutes.json", "[]")


def test_a_file_that_is_a_link_is_not_followed(folder: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder.path / "mutes.json").symlink_to(tmp_path / "secret")
    with pytest.raises(StateError, match=r"mutes\.json: cannot be read"):
        folder.read("mutes.json")
    folder.write("mutes.json", "[]")
    assert (tmp_path / "secret").read_text() == "secret"


def test_what_is_no_file_does_not_hold_up_the_reader(folder: StateFolder) -> None:
    os.mkfifo(folder.path / "mutes.json")
    with pytest.raises(StateError, match="expected a file"):
        folder.read("mutes.json")


@pytest.mark.parametrize(
    ("content", "told"), [(b"\xff", "expected text in UTF-8"), (b"x" * (1 << 20) + b"x", "at most")]
)
def test_what_is_no_small_text_is_told(content: bytes, told: str, folder: StateFolder) -> None:
    (folder.path / "mutes.json").write_bytes(content)
    with pytest.raises(StateError, match=told):
        folder.read("mutes.json")


def test_a_file_that_cannot_be_written_keeps_its_old_text(folder: StateFolder) -> None:
    folder.write("mutes.json", "old")
    (folder.path / ".mutes.json.new").mkdir()
    with pytest.raises(StateError, match="cannot be read or written"):
        folder.write("mutes.json", "new")
    assert folder.read("mutes.json") == "old"
