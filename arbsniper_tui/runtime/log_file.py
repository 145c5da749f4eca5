"""Where a node logs: standard error, a file that was asked for, or one in the user's log folder."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_log_path

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.runtime.exit_codes import say
from arbsniper_tui.runtime.kept_file import followable
from arbsniper_tui.runtime.log import LogSetup, LogStream, as_standard_error, start_log
from arbsniper_tui.runtime.log_format import LOG_FORMATS, TEXT
from arbsniper_tui.runtime.node_folder import create_root
from arbsniper_tui.runtime.output import LIMIT_BYTES

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_NAME = "arbsniper.log"
SUPERVISOR = "supervisor"
"""What the process that launched a node is called in its log."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What was asked for on the command line."""

    level: str = "info"
    format: str = TEXT
    file: Path | None = None
    most_mib: int = 0
    """A file that is longer gets another name, and a new one is begun; 0: never."""
    is_beside_ui: bool = False
    """The terminal is the UI's: a line of log would tear the screen."""


@dataclass(frozen=True, slots=True)
class OpenLog:
    """The log of a node, as the process that launched it has opened it."""

    stream: LogStream
    """This process's."""
    setup: LogSetup
    """The workers'."""
    descriptor: int | None
    """Where they write it; None for standard error."""


def open_log(options: LogOptions, *, is_replay: bool) -> OpenLog:
    """Start this process's log; in a replay no line of it is dropped, and no file moved away. Raises UsageError."""
    _refuse_unknown("--log-level", options.level, LOG_LEVELS)
    _refuse_unknown("--log-format", options.format, LOG_FORMATS)
    file, descriptor = options.file, None
    if file is not None:
        try:
            descriptor = _append_to(file)
        except OSError as error:
            raise UsageError(f"--log-file {file}: expected a file to write to: {error.strerror}") from error
    elif options.is_beside_ui:
        file, descriptor = _open_default()
    path = "" if file is None or descriptor is None else followable(descriptor, file)
    setup = LogSetup(options.level.upper(), options.format.lower(), path)
    stream = LogStream(
        sys.stderr.fileno() if descriptor is None else descriptor,
        setup,
        worker=SUPERVISOR,
        limit_bytes=None if is_replay else LIMIT_BYTES,
        most_bytes=0 if is_replay else options.most_mib << 20,
    )
    start_log(setup.level, stream)
    if descriptor is None and stream.is_json:
        sys.stderr = as_standard_error(stream)
    return OpenLog(stream, setup, descriptor)


def _refuse_unknown(option: str, given: str, known: Sequence[str]) -> None:
    if given.lower() not in known:
        raise UsageError(f"{option} {given!r}: expected one of {', '.join(known)}")


def _open_default() -> tuple[Path, int]:
    """A file in the user's log folder; where that cannot be written to, one beside the nodes' folders."""
    file = user_log_path("arbsniper-tui") / LOG_NAME
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file, _append_to(file)
    except OSError as error:
        instead = create_root() / LOG_NAME
        say(f"{file}: {error.strerror}; the log goes to {instead}")
        return instead, _append_to(instead)


def _append_to(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
