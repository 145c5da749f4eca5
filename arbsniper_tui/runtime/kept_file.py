"""A log file that others move away, or that grows too long: its descriptor goes on with a new file of the same name."""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

OLD_SUFFIX = ".old"
"""What the name of a file that grew too long gets; the one before it is replaced."""


class KeptFile:
    """One process's descriptor of a file that several processes append to, each with a KeptFile of its own.

    Nothing is lost where a file is moved: what was not yet written anew went to the file that was moved. What cannot be
    done, such as opening a file on a full disk, is tried again with the next call; until then the descriptor stays.
    """

    def __init__(self, descriptor: int, path: str, most_bytes: int = 0) -> None:
        """`path` is that of the file behind the descriptor, as `followable` says it; `keep` moves the file away above
        `most_bytes`, unless that is 0."""
        self._descriptor = descriptor
        self._path = path
        self._most_bytes = most_bytes

    def follow(self) -> None:
        """Open the file anew where its name leads elsewhere, or nowhere. Call before lines are written."""
        if self._is_there():
            return
        # O_NONBLOCK: something else than a file may stand there by now, and opening it must not wait.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        with suppress(OSError):
            opened = os.open(self._path, flags, 0o666)
            try:
                if stat.S_ISREG(os.fstat(opened).st_mode):
                    os.dup2(opened, self._descriptor, inheritable=os.get_inheritable(self._descriptor))
            finally:
                os.close(opened)

    def keep(self) -> None:
        """Follow the file, and move it away where it has grown too long. Call in one process of those that share it, a
        few times a second; where several do, as two nodes with one file, a lock lets one of them move it."""
        if self._most_bytes and os.fstat(self._descriptor).st_size > self._most_bytes:
            with suppress(OSError):  # another has the lock, or the folder refuses
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                try:
                    if self._is_there():
                        os.replace(self._path, self._path + OLD_SUFFIX)  # noqa: PTH105 - the path is a string in JSON
                finally:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.follow()

    def _is_there(self) -> bool:
        """Whether the name still leads to the file behind the descriptor."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - called before each line
        except OSError:
            return False
        own = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


def followable(descriptor: int, file: Path) -> str:
    """The path at which every process finds this file; empty for what is no file of its own, such as a pipe, and for a
    name that is not UTF-8, which no worker could be told as JSON."""
    path = os.path.realpath(file)  # /dev/stderr is another file in each process
    try:
        path.encode()
        is_own = os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116 - as the line above
    except (OSError, UnicodeEncodeError):
        return ""
    return path if is_own and stat.S_ISREG(os.fstat(descriptor).st_mode) else ""
