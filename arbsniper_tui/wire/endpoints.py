"""Where the sockets of a node meet: a folder of its own for each node, found and swept by others."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from arbsniper_tui.model.errors import NodeUnreachable

_PREFIX = "node-"
_SUBFOLDER = "arbsniper-tui"
_IPC_PATH_LIMIT = 100
"""Bytes of a socket's path: the kernels allow 108 (Linux) and 104 (macOS)."""

EndLeftover = Callable[[Path], object]
"""Ends what the node of a folder started and left running, before the folder is removed."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The sockets of one node. `quotes` is its own; front ends use the others."""

    folder: Path

    @property
    def quotes(self) -> Path:
        return self.folder / "quotes"

    @property
    def frames(self) -> str:
        return f"ipc://{self.folder}/frames"

    @property
    def commands(self) -> str:
        return f"ipc://{self.folder}/commands"

    def remove(self) -> None:
        """Leave no socket file behind."""
        shutil.rmtree(self.folder, ignore_errors=True)


def runtime_roots() -> list[Path]:
    """The folders that may hold a folder for each node of this user, the preferred one first.

    A node that systemd started may have no folder of its own under /run while the user who attaches to it has one: so
    a node is made in the first that can be had, and looked for in all.
    """
    user = os.getuid()
    roots = [Path(f"/run/user/{user}"), Path(tempfile.gettempdir())]
    return [root / f"{_SUBFOLDER}-{user}" for root in roots if os.access(root, os.W_OK)]


def create_endpoints(end_leftover: EndLeftover) -> Endpoints:
    """A new folder for this process's node, after sweeping what dead nodes left."""
    sweep(end_leftover)
    folder = runtime_roots()[0] / f"{_PREFIX}{os.getpid()}"
    if len(str(folder)) > _IPC_PATH_LIMIT:
        raise NodeUnreachable(
            f"{folder}: expected a path of at most {_IPC_PATH_LIMIT} bytes for sockets; set TMPDIR shorter"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return Endpoints(folder)


def sweep(end_leftover: EndLeftover) -> None:
    """Remove the folders of nodes whose process is gone, and end what they left running."""
    for folder in _node_folders():
        if not is_alive(_pid_of(folder)):
            end_leftover(folder)
            shutil.rmtree(folder, ignore_errors=True)


def find_endpoints(endpoint: str = "") -> Endpoints:
    """The node at `endpoint` (its folder, or its process id), else the one that runs. Raises NodeUnreachable."""
    running = sorted(
        (folder for folder in _node_folders() if is_alive(_pid_of(folder))),
        key=lambda folder: folder.stat().st_mtime,
    )
    if endpoint:
        asked = endpoint.removeprefix("ipc://")
        folders = [root / f"{_PREFIX}{asked}" for root in runtime_roots()] if asked.isdigit() else [Path(asked)]
        for folder in folders:
            if (folder / "commands").exists():
                return Endpoints(folder)
        raise NodeUnreachable(f"no node at {endpoint}: expected {_choices(running)}")
    if not running:
        raise NodeUnreachable(
            f"no node runs here (looked in {' and '.join(map(str, runtime_roots()))}): "
            "start one with `arbsniper-tui --no-ui`"
        )
    return Endpoints(running[-1])


def is_alive(pid: int) -> bool:
    """Whether a process of this id runs."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _node_folders() -> list[Path]:
    return [folder for root in runtime_roots() for folder in root.glob(f"{_PREFIX}*")]


def _pid_of(folder: Path) -> int:
    text = folder.name.removeprefix(_PREFIX)
    return int(text) if text.isdigit() else 0


def _choices(running: list[Path]) -> str:
    if not running:
        return "a node's folder or process id; none runs here"
    return "one of " + ", ".join(folder.name.removeprefix(_PREFIX) for folder in running)
