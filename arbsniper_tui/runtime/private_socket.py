"""A Unix socket on which programs of this user send to a worker: where it may stand, and whose it is."""

import os
import socket
import stat
from pathlib import Path

from arbsniper_tui.model.errors import FolderError

LONGEST_PATH_BYTES = 103
"""The kernels allow 107 (Linux) and 103 (macOS)."""


def refuse_shared_folder(path: Path) -> None:
    """Raises FolderError where others than this user could reach a socket of this path, or the path is too long."""
    if (length := len(os.fsencode(path))) > LONGEST_PATH_BYTES:
        raise FolderError(f"{path}: expected a path of at most {LONGEST_PATH_BYTES} bytes for a socket, found {length}")
    try:
        found = path.parent.stat()
    except OSError as error:
        raise FolderError(f"{path.parent}: expected a folder of your own: {error.strerror}: mkdir -m 700") from error
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise FolderError(
            f"{path.parent}: expected a folder of user {os.getuid()} with mode 0700, found user {found.st_uid} and "
            f"mode {mode:04o}: whoever may look into it could make up prices"
        )


def refuse_taken(path: Path) -> None:
    """Raises FolderError where something else stands at this path, or a process listens there. The socket of a process
    that was killed is no hindrance."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FolderError(f"{path}: expected a socket or nothing, found a file, which is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except OSError:
            pass  # somebody listens, and is too busy to answer
    raise FolderError(f"{path}: another process listens there; does another node run with these settings?")
