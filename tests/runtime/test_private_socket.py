"""A socket that other programs of the user send to: nobody else reaches it, and nothing of the user's is deleted."""

import os
import socket
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import FolderError
from arbsniper_tui.runtime.private_socket import refuse_shared_folder, refuse_taken


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o777])
def test_a_folder_that_others_may_use_is_refused(short_folder: Path, mode: int) -> None:
    short_folder.chmod(mode)
    with pytest.raises(FolderError, match=f"mode {mode:04o}"):
        refuse_shared_folder(short_folder / "s")
    short_folder.chmod(0o700)
    refuse_shared_folder(short_folder / "s")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder of another user")
def test_a_folder_of_another_user_is_refused(short_folder: Path) -> None:
    os.chown(short_folder, 12345, -1)
    with pytest.raises(FolderError, match="found user 12345"):
        refuse_shared_folder(short_folder / "s")


def test_a_file_of_the_users_is_no_place_for_a_socket(short_folder: Path) -> None:
    path = short_folder / "s"
    refuse_taken(path)
    path.write_text("letters")
    with pytest.raises(FolderError, match="left alone"):
        refuse_taken(path)
    path.unlink()
    path.symlink_to(short_folder)
    with pytest.raises(FolderError, match="left alone"):
        refuse_taken(path)


def test_a_socket_that_is_listened_to_is_taken_and_a_left_one_is_not(short_folder: Path) -> None:
    path = short_folder / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen(0)
        with pytest.raises(FolderError, match="another process listens there"):
            refuse_taken(path)
        callers = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(3)]
        for each in callers:
            each.setblocking(False)
            each.connect_ex(str(path))
        with pytest.raises(FolderError, match="another process listens there"):
            refuse_taken(path)  # its queue of connections is full
        for each in callers:
            each.close()
    refuse_taken(path)
