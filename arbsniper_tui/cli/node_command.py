"""What the verbs that show a node have in common: starting one, attaching to one, with or without the terminal UI."""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_log_path

from arbsniper_tui.headless.output import let_go
from arbsniper_tui.model.errors import ArbsniperError, NodeUnreachable, RedisNotStarted, UiFailed, UsageError
from arbsniper_tui.model.words import counted
from arbsniper_tui.runtime.log import LAST_LINES_S, LogStream, start_log
from arbsniper_tui.runtime.node_folder import create_root
from arbsniper_tui.runtime.output import LIMIT_BYTES
from arbsniper_tui.runtime.terminal import REMOTE_HZ, terminal_look

if TYPE_CHECKING:
    from arbsniper_tui.node.launch import Launch
    from arbsniper_tui.node.node import Node
    from arbsniper_tui.node.node_thread import NodeThread
    from arbsniper_tui.session.session import Session
    from arbsniper_tui.ui.app import Supervise

# The libraries of the UI and of the workers are imported where they are used: the launcher starts the workers first,
# and a verb that needs neither answers at once.

_log = logging.getLogger(__name__)

CLEAN, FAULT, USAGE, LOST = 0, 1, 2, 3
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_NAME = "arbsniper.log"
LOOK_EVERY_S = 0.2

NoUiOption = Annotated[
    bool, typer.Option("--no-ui", help="No terminal: signals as JSON lines on stdout, logs on stderr.")
]
LogLevelOption = Annotated[
    str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.", show_default=True)
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file", metavar="FILE", help="Log here. With the UI: a file in the user's log folder.", show_default=False
    ),
]


@dataclass(frozen=True, slots=True)
class Show:
    """How a node is shown, and where it logs."""

    no_ui: bool = False
    log_level: str = "info"
    log_file: Path | None = None


def run_node(launch: "Launch", show: Show, warnings: Iterable[str] = ()) -> int:
    """Start a node and stay with it to its end; `warnings` go to its log. Returns the exit code."""
    try:
        log, descriptor = _open_log(show, is_replay=launch.mode == "replay")
    except UsageError as error:
        return _say(error, USAGE)
    try:
        for warning in warnings:
            _log.warning("%s", warning)
        launch = replace(launch, log_level=show.log_level.upper(), log_descriptor=descriptor)
        if not show.no_ui:
            _require_terminal(": add --no-ui to run without one")
        from arbsniper_tui.node.node import Node

        node = Node(launch)
        code = _run_headless(node) if show.no_ui else _run_with_ui(node, launch.settings.ui.refresh_hz)
        log.drain(LAST_LINES_S)
        _tell_recorded(node, launch.record_folder)
        return code
    except (UsageError, RedisNotStarted) as error:
        return _say(error, USAGE)
    except ArbsniperError as error:
        return _say(error, FAULT)
    finally:
        log.drain(LAST_LINES_S)


def attach_to(endpoint: str, refresh_hz: float) -> int:
    """Show a node that already runs. Returns the exit code."""
    from arbsniper_tui.session.session import Session
    from arbsniper_tui.wire.endpoints import find_endpoints

    try:
        _require_terminal("")
        log, _ = _open_log(Show(), is_replay=False)
        session = Session(find_endpoints(endpoint))
    except (NodeUnreachable, UsageError) as error:
        return _say(error, USAGE)
    try:
        return _show(session, refresh_hz, None)
    except UiFailed as failure:
        return _say(failure, FAULT)
    finally:
        session.close()
        log.drain(LAST_LINES_S)


def _tell_recorded(node: "Node", folder: str) -> None:
    """What a recording came to, to a standard error that may have a reader that does not read."""
    if node.recorded is not None:
        frames, size = node.recorded
        words = LogStream(sys.stderr.fileno())
        words.write(f"recorded {counted(frames, 'frame')}, {size / 1e6:.2f} MB to {folder}\n")
        words.drain(LAST_LINES_S)


def _run_headless(node: "Node") -> int:
    from arbsniper_tui.headless.run import run_headless

    return run_headless(node)


def _run_with_ui(launched: "Node", refresh_hz: float) -> int:
    from arbsniper_tui.node.node_thread import NodeThread

    # Until the UI runs and has its own way to leave.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, frame: sys.exit(CLEAN))
    node = NodeThread(launched)
    try:
        endpoints = node.start()
        from arbsniper_tui.session.session import Session

        session = Session(endpoints)
        try:
            return _show(session, refresh_hz, lambda: node.fault)
        except UiFailed as failure:
            return _go_on(session, node, failure)
        finally:
            session.close()
    finally:
        node.stop()


def _go_on(session: "Session", node: "NodeThread", failure: UiFailed) -> int:
    """Keep a node whose UI has failed, until a signal, the end of its tapes or a fault of its own ends it."""
    signal.signal(signal.SIGINT, lambda signum, frame: sys.exit(CLEAN))
    again = f"`arbsniper-tui attach {os.getpid()}` shows it again"
    typer.echo(f"{failure}; the node goes on without it: {again}, ctrl+C stops it", err=True)
    is_heard = True
    while node.fault is None:
        try:
            if is_heard and session.pull().ended:
                return CLEAN
        except Exception:  # noqa: BLE001  # what failed in the UI may be the session: the node goes on unheard
            _log.exception("the node cannot be listened to; the end of its tapes will not be noticed")
            is_heard = False
        time.sleep(LOOK_EVERY_S)
    typer.echo(node.fault, err=True)
    return LOST


def _show(session: "Session", refresh_hz: float, supervise: "Supervise | None") -> int:
    is_remote = prepare_terminal(os.environ)
    # Textual reads its environment when it is imported.
    from arbsniper_tui.ui.run import run_ui

    code = run_ui(
        session,
        refresh_hz=min(refresh_hz, REMOTE_HZ) if is_remote else refresh_hz,
        remote=is_remote,
        supervise=supervise,
    )
    try:
        sys.stdout.flush()
    except OSError:  # the terminal was closed
        let_go(sys.stdout.buffer)
    return code


def prepare_terminal(environ: MutableMapping[str, str]) -> bool:
    """No animation; over SSH fewer frames. Returns whether this is SSH."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    look = terminal_look(environ, None)
    if look.has_colours:
        environ.pop("NO_COLOR", None)  # Textual takes an empty one for a set one
    if look.is_remote:
        environ.setdefault("TEXTUAL_FPS", "10")
    return look.is_remote


def _require_terminal(remedy: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"expected a terminal on standard input and output, found none{remedy}")


def _open_log(show: Show, *, is_replay: bool) -> tuple[LogStream, int | None]:
    """Start this process's log. Returns it, and the descriptor for the workers' logs, None for standard error."""
    if show.log_level.lower() not in LOG_LEVELS:
        raise UsageError(f"--log-level {show.log_level!r}: expected one of {', '.join(LOG_LEVELS)}")
    descriptor = None
    if show.log_file is not None:
        try:
            descriptor = _append_to(show.log_file)
        except OSError as error:
            raise UsageError(f"--log-file {show.log_file}: expected a file to write to: {error.strerror}") from error
    elif not show.no_ui:
        # The terminal is the UI's: a line of log would tear the screen.
        descriptor = _open_default_log()
    stream = LogStream(
        sys.stderr.fileno() if descriptor is None else descriptor, limit_bytes=None if is_replay else LIMIT_BYTES
    )
    return start_log(show.log_level, stream), descriptor


def _open_default_log() -> int:
    """A file in the user's log folder; where that cannot be written to, one beside the nodes' folders."""
    file = user_log_path("arbsniper-tui") / LOG_NAME
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _append_to(file)
    except OSError as error:
        instead = create_root() / LOG_NAME
        typer.echo(f"{file}: {error.strerror}; the log goes to {instead}", err=True)
        return _append_to(instead)


def _append_to(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _say(error: Exception, code: int) -> int:
    # Nothing is left to stop, and standard error may have a reader that does not read.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    typer.echo(str(error), err=True)
    return code
