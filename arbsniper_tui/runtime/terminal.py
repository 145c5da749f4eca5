"""The terminal: whether this process belongs to one, and how it is drawn on. The UI and `doctor` judge alike."""

import codecs
import os
from collections.abc import Mapping
from dataclasses import dataclass

LEAST_COLUMNS, LEAST_LINES = 60, 15
"""A smaller terminal shows a word about its size and nothing else."""
REMOTE_HZ = 5.0
"""Frames a second over SSH, at most."""


@dataclass(frozen=True, slots=True)
class TerminalLook:
    """How a terminal is drawn on."""

    is_utf8: bool
    """Otherwise in ASCII."""
    has_colours: bool
    is_remote: bool
    """Over SSH: fewer frames."""


def terminal_look(environ: Mapping[str, str], encoding: str | None) -> TerminalLook:
    """What the environment and the encoding of standard output say; an empty NO_COLOR is unset (no-color.org)."""
    return TerminalLook(
        is_utf8=codecs.lookup(encoding or "utf-8").name == "utf-8",
        has_colours=not environ.get("NO_COLOR"),
        is_remote=bool(environ.get("SSH_CONNECTION")),
    )


def has_controlling_terminal() -> bool:
    """Whether this process belongs to a terminal, whose end it is told by SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
