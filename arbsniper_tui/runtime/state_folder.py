"""What outlives a run: small files in the user's state folder, by node name, for their user alone."""

import fcntl
import os
import re
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from arbsniper_tui.model.errors import FolderError, StateError, UsageError
from arbsniper_tui.runtime.own_folder import open_own_folder

NODE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""The pattern of a node's name, which is a folder's name too."""
NODE_NAME_EXPECTED = "1 to 64 letters, digits, - _ or . of which the first is a letter or a digit"
_SUBFOLDER = "arbsniper-tui"
_REMEDY = "remove it, or set XDG_STATE_HOME to a folder of your own"
_LARGEST_BYTES = 1 << 20
_CLAIMED_WITHIN_S = 3.0
_LOOK_EVERY_S = 0.02
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR


def host_name() -> str:
    """This host's name as a node's name."""
    cleaned = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname()).lstrip("-_.")
    return cleaned[:64] or "node"


class StateFolder:
    """The files of the nodes of one name, one of which runs at a time; other commands may read and write there too.

    Only live nodes have one: a demo, a replay and a benchmark leave nothing behind. No method belongs in the deciding
    loop, because each waits for the disk.
    """

    def __init__(self, node: str) -> None:
        """Nothing is read or made yet. Raises UsageError for a name that is none, FolderError for a user without a
        home."""
        if not re.fullmatch(NODE_NAME, node):
            raise UsageError(f"node name {node!r}: expected {NODE_NAME_EXPECTED}")
        self.path = _state_home() / _SUBFOLDER / node

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The descriptor of the folder, which is made where it is missing. Raises FolderError for one that cannot be
        made, or is not this user's own."""
        try:
            self.path.parent.parent.mkdir(parents=True, exist_ok=True)
            self.path.parent.mkdir(mode=stat.S_IRWXU, exist_ok=True)
            os.close(_open(self.path.parent))
            self.path.mkdir(mode=stat.S_IRWXU, exist_ok=True)
            descriptor = _open(self.path)
        except OSError as error:
            raise FolderError(f"{self.path}: expected a folder for the node's state: {error.strerror}") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, name: str) -> str | None:
        """The text of a file; None where there is none. Raises FolderError, or StateError for what is no text file of
        this user's, or larger than 1 MiB."""
        with self._told(name):
            try:
                os.close(_open(self.path.parent))
                folder = _open(self.path)
            except FileNotFoundError:
                return None
            try:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            except FileNotFoundError:
                return None
            finally:
                os.close(folder)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                content = file.read(_LARGEST_BYTES + 1) if stat.S_ISREG(found.st_mode) else b""
        path, owner = self.path / name, os.getuid()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != owner:
            raise StateError(f"{path}: expected a file of user {owner}, found one of user {found.st_uid}: remove it")
        if len(content) > _LARGEST_BYTES:
            raise StateError(f"{path}: expected at most {_LARGEST_BYTES} bytes, found {found.st_size}: remove it")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise StateError(f"{path}: expected text in UTF-8, found {error}: mend it or remove it") from error

    def write(self, name: str, text: str) -> None:
        """Replace a file, mode 0600: a reader finds the old text or the new, also after a kill or a loss of power.
        Raises FolderError, or StateError where it cannot be written, with the old text as it was."""
        with self._alone(name) as folder:
            _replace(folder, name, text)

    def change(self, name: str, new_text: Callable[[str | None], str]) -> str:
        """Replace a file by what `new_text` makes of it, None where there is none, while no other process writes here;
        returns the new text. Raises what `read`, `write` and `new_text` raise, with the old text as it was."""
        with self._alone(name) as folder:
            old = self.read(name)
            new = new_text(old)
            if new != old:
                _replace(folder, name, new)
        return new

    def claim(self, name: str, size: int) -> int | None:
        """The descriptor of a file of at least `size` bytes, to be mapped. It is this process's and its children's that
        inherit the descriptor, until the last of them has ended; None while it is another's. Raises FolderError, or
        StateError for a file that cannot be had."""
        with self.opened() as folder, self._told(name):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, _PRIVATE, dir_fd=folder)
            try:
                if not _lock_soon(descriptor):
                    os.close(descriptor)
                    return None
                _reserve(descriptor, size)
            except BaseException:
                with suppress(OSError):
                    os.close(descriptor)
                raise
        return descriptor

    @contextmanager
    def _alone(self, name: str) -> Iterator[int]:
        """The descriptor of the folder while no other process writes: two writers would share the unfinished file."""
        with self.opened() as folder, self._told(name):
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Errors of the system as StateError."""
        try:
            yield
        except OSError as error:
            raise StateError(f"{self.path / name}: cannot be read or written: {error.strerror}") from error


def _state_home() -> Path:
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise FolderError(f"expected XDG_STATE_HOME or HOME to name a folder for state: {error}") from error


def _open(folder: Path) -> int:
    return open_own_folder(folder, _REMEDY, may_close=True)


def _replace(folder: int, name: str, text: str) -> None:
    unfinished = f".{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(unfinished, dir_fd=folder)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)
    os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)


def _lock_soon(descriptor: int) -> bool:
    """The workers of a node whose launcher was killed hold the lock until they notice."""
    deadline_s = time.monotonic() + _CLAIMED_WITHIN_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_LOOK_EVERY_S)


def _reserve(descriptor: int, size: int) -> None:
    """Take the room on the disk now: a full disk would end a process that writes to the mapped file."""
    length = os.fstat(descriptor).st_size
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    elif length < size:
        os.pwrite(descriptor, bytes(size - length), length)
