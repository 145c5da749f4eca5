"""Ends the embedded redis-server that a dead node left running. No other code ends a server that it did not start, so
this alone must tell it from every other Redis: the user's own, or another node's."""

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

log = logging.getLogger(__name__)

_CONNECTED_WITHIN_S = 0.2
# The counterpart of SO_PEERCRED on macOS; the socket module does not name the level.
_SOL_LOCAL, _LOCAL_PEERPID = 0, 2


def end_leftover_server(path: Path) -> None:
    """End the redis-server that listens on `path`, a socket in the folder of a dead node, if one does.

    A process id in a file proves nothing: it may be old, or planted. So a process is ended only if its program is
    redis-server and it listens on this very socket, and only if socket and folder are no links, belong to this user and
    are closed to all others.
    """
    if not (_is_own(path.parent, stat.S_ISDIR) and _is_own(path, stat.S_ISSOCK)):
        return
    pid = listener_of(path)
    if pid is None or _program_of(pid) != "redis-server":
        return
    log.warning("ending the redis-server that a dead node left running (process %d, %s)", pid, path)
    try:
        # By force, because it may be hung. It keeps nothing on disk that could be lost.
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError) as error:
        log.debug("process %d: %s", pid, error)


def _is_own(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether a path is of this kind and no link, belongs to this user, and is closed to all others."""
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
    # 0: the process belongs to another container.
    return pid or None


def _program_of(pid: int) -> str:
    """The name of the program that a process runs; empty where it is unknown."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        shown = shutil.which("ps") and subprocess.run(
            ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    return Path(shown.stdout.strip()).name if shown else ""
