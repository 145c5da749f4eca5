"""The folder of a node's sockets: made, trusted, found alive by its lock, and removed.

A node holds a lock (flock) on its folder for as long as it runs. A lock tells a live node from a dead one where a
process id cannot: after the id was given to another process, and between containers that share a folder. While it is
held, systemd-tmpfiles leaves the folder alone (tmpfiles.d(5), "Age").
"""

import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from arbsniper_tui.model.errors import FolderError
from arbsniper_tui.runtime.leftover import end_leftover_server
from arbsniper_tui.runtime.own_folder import open_own_folder

_PREFIX = "node-"
_SUBFOLDER = "arbsniper-tui"
_SOCKET_PATH_BYTES = 103
"""The kernels allow 107 (Linux) and 103 (macOS)."""
_SOCKET_NAME_BYTES = 12
_LOCK_WITHIN_S = 5.0
_REMEDY = "remove it, or set TMPDIR to a folder of your own"

REDIS_SOCKET = "redis.sock"
"""The name of the embedded redis-server's socket in the folder of its node."""
TICKS_SOCKET = "ticks.sock"
"""That of the socket which takes ticks from outside, unless the settings name another."""


class NodeFolder:
    """The folder of a node that runs in this process."""

    def __init__(self, path: Path, descriptor: int, touch_every_s: float = 3600.0) -> None:
        """`descriptor` is the open folder, and holds its lock."""
        self.path = path
        self._descriptor = descriptor
        self._touch_every_s = touch_every_s
        self._touched_s = time.monotonic()

    def keep(self) -> bool:
        """Whether the folder is still there. Call a few times a second: it keeps the folder young for programs that
        delete what is old and do not respect the lock."""
        try:
            found = self.path.lstat()
        except OSError:
            return False
        own = os.fstat(self._descriptor)
        if (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino):
            return False
        if time.monotonic() - self._touched_s > self._touch_every_s:
            self._touched_s = time.monotonic()
            with suppress(OSError):  # an entry may go meanwhile
                # The folder's own mtime stays: it tells which node was started last.
                os.utime(self.path, ns=(time.time_ns(), own.st_mtime_ns))
                for entry in self.path.iterdir():
                    os.utime(entry, follow_symlinks=False)
        return True

    def remove(self) -> None:
        """Delete the folder, and give up its lock."""
        if self._descriptor < 0:
            return
        if self.keep():
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._descriptor)
        self._descriptor = -1


def roots() -> list[Path]:
    """The folders that may hold this user's node folders, the preferred one first.

    A node that systemd started may have no folder under /run/user while the user who attaches to it has one: a node is
    made in the first that serves, and looked for in all.
    """
    user = os.getuid()
    parents = [Path(f"/run/user/{user}")]
    with suppress(FileNotFoundError):  # neither TMPDIR nor one of the usual folders can be written to
        parents.append(Path(tempfile.gettempdir()))
    parents.append(Path("/tmp"))
    return [parent / f"{_SUBFOLDER}-{user}" for parent in dict.fromkeys(parents) if os.access(parent, os.W_OK)]


def create_root() -> Path:
    """The first root that serves, made where it is missing. Raises FolderError."""
    refusals = []
    for root in roots():
        length = len(os.fsencode(root / f"{_PREFIX}{os.getpid()}")) + 1 + _SOCKET_NAME_BYTES
        if length > _SOCKET_PATH_BYTES:
            refusals.append(
                f"{root}: a socket's path may have {_SOCKET_PATH_BYTES} bytes, and would have {length} here"
            )
            continue
        try:
            with suppress(FileExistsError):
                root.mkdir(mode=0o700)
            os.close(_open_trusted(root, is_root=True))
        except OSError as error:
            refusals.append(f"{root}: {error.strerror}")
        else:
            return root
    reasons = "; ".join(refusals) or "none can be written to"
    raise FolderError(f"expected a folder for the node's sockets, found none ({reasons}): set TMPDIR to a short path")


def create_node_folder() -> NodeFolder:
    """A new, locked folder for this process's node, after removing what dead nodes left. Raises FolderError."""
    sweep()
    root = create_root()
    try:
        return _create_in(root)
    except OSError as error:
        raise FolderError(f"{root}: expected a folder for the node's sockets: {error.strerror}") from error


def sweep() -> None:
    """Remove what dead nodes left, in every root that can be trusted."""
    for root in roots():
        with suppress(OSError, FolderError), _locked_root(root):
            for folder in root.glob(f"{_PREFIX}*"):
                remove_if_dead(folder)


def remove_if_dead(folder: Path) -> None:
    """Unless its node runs, end the redis-server that it left and remove its folder. A folder that cannot be trusted
    stays."""
    with suppress(OSError, FolderError), _opened(folder) as descriptor:
        if _lock(descriptor):
            end_leftover_server(folder / REDIS_SOCKET)
            shutil.rmtree(folder, ignore_errors=True)


def live_folders() -> list[Path]:
    """The folders of this user's live nodes, the newest last."""
    found: list[tuple[int, Path]] = []
    for root in roots():
        with suppress(OSError, FolderError), _opened(root, is_root=True):
            for folder in root.glob(f"{_PREFIX}*"):
                with suppress(OSError, FolderError):
                    if is_alive(folder):
                        found.append((folder.lstat().st_mtime_ns, folder))
    return [folder for _, folder in sorted(found)]


def is_alive(folder: Path) -> bool:
    """Whether the node of this folder runs. Raises FolderError for a folder that cannot be trusted."""
    try:
        with _opened(folder) as descriptor:
            # Shared: two processes that look at the same time do not take each other for the node.
            return not _lock(descriptor, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def named_folders(name: str) -> list[Path]:
    """Where the folder of a node of this name may be, in roots that can be trusted."""
    return [root / f"{_PREFIX}{name}" for root in roots() if _why_untrusted(root) is None]


def refuse_untrusted_roots() -> None:
    """Say why nothing was looked for in a root: raises FolderError for the first that cannot be trusted."""
    for root in roots():
        if why := _why_untrusted(root):
            raise why


def name_of(folder: Path) -> str:
    """What a node is called by its folder: its process id, and a number where another container has the same id."""
    return folder.name.removeprefix(_PREFIX)


def _create_in(root: Path) -> NodeFolder:
    with _locked_root(root):
        for number in itertools.count(1):
            path = root / f"{_PREFIX}{os.getpid()}{f'-{number}' if number > 1 else ''}"
            try:
                path.mkdir(mode=0o700)
            except FileExistsError:
                continue  # a process of another container has the same id
            break
        descriptor = _open_trusted(path)
        try:
            _lock_soon(descriptor, path)
        except BaseException:
            os.close(descriptor)
            path.rmdir()
            raise
        return NodeFolder(path, descriptor)


@contextmanager
def _locked_root(root: Path) -> Iterator[None]:
    """A root in which no other process creates or removes folders meanwhile."""
    with _opened(root, is_root=True) as descriptor:
        _lock_soon(descriptor, root)
        yield


@contextmanager
def _opened(folder: Path, *, is_root: bool = False) -> Iterator[int]:
    descriptor = _open_trusted(folder, is_root=is_root)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_trusted(folder: Path, *, is_root: bool = False) -> int:
    """The descriptor of a folder that is this user's own. Raises FolderError, or FileNotFoundError."""
    # Version 0.1.0 let others look into the root, so it may be closed to them.
    return open_own_folder(folder, _REMEDY, may_close=is_root)


def _why_untrusted(root: Path) -> FolderError | None:
    """None for a root that can be trusted, and for one that is not there."""
    try:
        with _opened(root, is_root=True):
            return None
    except OSError:
        return None
    except FolderError as error:
        return error


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of an open folder without waiting. False: another process holds it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_soon(descriptor: int, folder: Path) -> None:
    """Take the lock; others hold it for a moment while they look. Raises FolderError."""
    deadline_s = time.monotonic() + _LOCK_WITHIN_S
    while not _lock(descriptor):
        if time.monotonic() > deadline_s:
            raise FolderError(f"{folder}: another process has held its lock for {_LOCK_WITHIN_S:g} s; is one stopped?")
        time.sleep(0.01)
