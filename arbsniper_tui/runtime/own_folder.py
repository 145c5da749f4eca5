"""Folders that this user alone may use: opened without following links, and refused where others could have put
something there."""

import os
import stat
from pathlib import Path

from arbsniper_tui.model.errors import FolderError


def open_own_folder(folder: Path, remedy: str, *, may_close: bool = False) -> int:
    """The descriptor of a folder that is this user's own, with mode 0700.

    With `may_close`, one that others may look into but not write to gets that mode; nothing was added by them. Raises
    FileNotFoundError, or FolderError, whose message ends with `remedy`.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _untrusted(folder, _kind_of(folder) or str(error.strerror), remedy) from error
    found = os.fstat(descriptor)
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == os.getuid():
        if may_close and not mode & (stat.S_IWGRP | stat.S_IWOTH):
            os.fchmod(descriptor, stat.S_IRWXU)
            return descriptor
        if not mode & (stat.S_IRWXG | stat.S_IRWXO):
            return descriptor
    os.close(descriptor)
    raise _untrusted(folder, f"one of user {found.st_uid}, mode {mode:04o}", remedy)


def _untrusted(folder: Path, found: str, remedy: str) -> FolderError:
    return FolderError(f"{folder}: expected a folder of user {os.getuid()} with mode 0700, found {found}: {remedy}")


def _kind_of(path: Path) -> str:
    """What stands there in place of a folder."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    if stat.S_ISLNK(found.st_mode):
        return "a symbolic link"
    return f"one of user {found.st_uid}" if stat.S_ISDIR(found.st_mode) else "a file"
