"""Ending the embedded redis-server that a dead node left running, and no other process."""

import logging
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from arbsniper_tui.sinks.embedded import SOCKET_NAME

log = logging.getLogger(__name__)

_CONNECTED_WITHIN_S = 0.2
# What macOS has in place of SO_PEERCRED; the socket module does not name the level.
_SOL_LOCAL, _LOCAL_PEERPID = 0, 2


def end_leftover_server(folder: Path) -> None:
    """End the redis-server that listens on the socket in a dead node's folder, if one does.

    A process id in a file proves nothing: it may be old, or planted. So a process is ended only if it is called
    redis-server and listens on this very socket, and only if socket and folder are no links, belong to this user and
    are closed to all others.
    """
    path = folder / SOCKET_NAME
    if not (_is_own(folder, stat.S_ISDIR) and _is_own(path, stat.S_ISSOCK)):
        return
    pid = listener_of(path)
    if pid is None or _program_of(pid) != "redis-server":
        return
    log.warning("ending the redis-server that a dead node left running (process %d, %s)", pid, path)
    try:
        # By force, as it may be hung; it keeps nothing on disk that could be lost.
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError) as error:
        log.debug("process %d: %s", pid, error)


def _is_own(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether a path is of this kind itself and no link to one, belongs to this user, and is closed to all others."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return is_kind(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def listener_of(path: Path) -> int | None:
    """The process that listens on a socket; None where none does."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_CONNECTED_WITHIN_S)
        try:
            asking.connect(str(path))
            if sys.platform == "darwin":
                return asking.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID)
            pid, _, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return None
    # The kernel says 0 for a process of another container.
    return pid or None


def _program_of(pid: int) -> str:
    """The name of the program that a process runs; empty where it cannot be told."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        shown = shutil.which("ps") and subprocess.run(
            ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    return Path(shown.stdout.strip()).name if shown else ""
