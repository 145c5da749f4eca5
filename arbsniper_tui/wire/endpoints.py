"""Where the sockets of a node are, and how a viewer finds the node."""

from dataclasses import dataclass
from pathlib import Path

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.runtime.node_folder import (
    is_alive,
    live_folders,
    name_of,
    named_folders,
    refuse_untrusted_roots,
    roots,
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The sockets of one node, in its folder. `quotes` is for its own workers; viewers use the others."""

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

    @property
    def settings(self) -> str:
        """Where the launching process answers."""
        return f"ipc://{self.folder}/settings"


def find_endpoints(endpoint: str = "") -> Endpoints:
    """The node at `endpoint` (its folder, or its process id), else the one that was started last.

    Raises NodeUnreachable, or FolderError where a folder cannot be trusted.
    """
    if endpoint:
        is_name = endpoint.replace("-", "").isdigit()
        for folder in named_folders(endpoint) if is_name else [Path(endpoint.removeprefix("ipc://"))]:
            if is_alive(folder) and (folder / "commands").exists():
                return Endpoints(folder)
    running = live_folders()
    if running and not endpoint:
        return Endpoints(running[-1])
    refuse_untrusted_roots()
    if endpoint:
        raise NodeUnreachable(f"no node at {endpoint}: expected {_choices(running)}")
    raise NodeUnreachable(
        f"no node runs here (looked in {' and '.join(map(str, roots()))}): start one with `arbsniper-tui --no-ui`"
    )


def _choices(running: list[Path]) -> str:
    if not running:
        return "a node's folder or process id; none runs here"
    return "one of " + ", ".join(map(name_of, running))
