"""Where a node logs: standard error, a file that was asked for, or one in the user's log folder."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_log_path

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.runtime.exit_codes import say
from arbsniper_tui.runtime.log import LogStream, start_log
from arbsniper_tui.runtime.node_folder import create_root
from arbsniper_tui.runtime.output import LIMIT_BYTES

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_NAME = "arbsniper.log"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What was asked for on the command line."""

    level: str = "info"
    file: Path | None = None
    is_beside_ui: bool = False
    """The terminal is the UI's: a line of log would tear the screen."""


def open_log(options: LogOptions, *, is_replay: bool) -> tuple[LogStream, int | None]:
    """Start this process's log; in a replay no line of it is dropped. Returns it, and the descriptor for the workers'
    logs, None for standard error. Raises UsageError."""
    if options.level.lower() not in LOG_LEVELS:
        raise UsageError(f"--log-level {options.level!r}: expected one of {', '.join(LOG_LEVELS)}")
    descriptor = None
    if options.file is not None:
        try:
            descriptor = _append_to(options.file)
        except OSError as error:
            raise UsageError(f"--log-file {options.file}: expected a file to write to: {error.strerror}") from error
    elif options.is_beside_ui:
        descriptor = _open_default()
    limit_bytes = None if is_replay else LIMIT_BYTES
    stream = LogStream(sys.stderr.fileno() if descriptor is None else descriptor, limit_bytes=limit_bytes)
    return start_log(options.level, stream), descriptor


def _open_default() -> int:
    """A file in the user's log folder; where that cannot be written to, one beside the nodes' folders."""
    file = user_log_path("arbsniper-tui") / LOG_NAME
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _append_to(file)
    except OSError as error:
        instead = create_root() / LOG_NAME
        say(f"{file}: {error.strerror}; the log goes to {instead}")
        return _append_to(instead)


def _append_to(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
