"""What the verbs that show a node have in common: starting one, attaching to one, with or without the terminal UI."""

import logging
import os
import signal
import sys
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_log_path

from arbsniper_tui.model.errors import ArbsniperError, NodeUnreachable, UsageError
from arbsniper_tui.model.words import counted
from arbsniper_tui.sinks.errors import RedisNotStarted

if TYPE_CHECKING:
    from arbsniper_tui.session.launch import Launch
    from arbsniper_tui.session.node import Node
    from arbsniper_tui.session.session import Session
    from arbsniper_tui.ui.app import Supervise

# The libraries of the UI and of the workers are imported where they are used: the launcher starts the workers first,
# and a verb that needs neither answers at once.

_log = logging.getLogger(__name__)

CLEAN, FAULT, USAGE = 0, 1, 2
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
REMOTE_HZ = 5.0

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
        descriptor = _open_log(show)
        for warning in warnings:
            _log.warning("%s", warning)
        launch = replace(launch, log_level=show.log_level.upper(), log_descriptor=descriptor)
        if not show.no_ui:
            _require_terminal(": add --no-ui to run without one")
        from arbsniper_tui.session.node import Node

        node = Node(launch)
        code = _run_headless(node) if show.no_ui else _run_with_ui(node, launch.settings.ui.refresh_hz)
        if node.recorded is not None:
            frames, size = node.recorded
            typer.echo(f"recorded {counted(frames, 'frame')}, {size / 1e6:.2f} MB to {launch.record_folder}", err=True)
        return code
    except (UsageError, RedisNotStarted) as error:
        return _say(error, USAGE)
    except ArbsniperError as error:
        return _say(error, FAULT)


def attach_to(endpoint: str, refresh_hz: float) -> int:
    """Show a node that already runs. Returns the exit code."""
    from arbsniper_tui.session.session import Session
    from arbsniper_tui.wire.endpoints import find_endpoints

    try:
        _require_terminal("")
        session = Session(find_endpoints(endpoint))
    except (NodeUnreachable, UsageError) as error:
        return _say(error, USAGE)
    try:
        return _show(session, refresh_hz, None)
    finally:
        session.close()


def _run_headless(node: "Node") -> int:
    from arbsniper_tui.headless.run import run_headless

    return run_headless(node)


def _run_with_ui(node: "Node", refresh_hz: float) -> int:
    from concurrent.futures import ThreadPoolExecutor

    # Until the UI runs and has its own way to leave.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, frame: sys.exit(CLEAN))
    try:
        endpoints = node.start()
        from arbsniper_tui.session.session import Session

        session = Session(endpoints)
        try:
            with ThreadPoolExecutor(1) as keeper:
                # In a thread that is there before this one steps back: what starts again must not be behind too.
                keeper.submit(node.supervise).result()
                return _show(session, refresh_hz, lambda: keeper.submit(node.supervise).result())
        finally:
            session.close()
    finally:
        node.stop()


def _show(session: "Session", refresh_hz: float, supervise: "Supervise | None") -> int:
    is_remote = prepare_terminal(os.environ)
    # Textual reads its environment when it is imported.
    from arbsniper_tui.ui.run import run_ui

    return run_ui(
        session,
        refresh_hz=min(refresh_hz, REMOTE_HZ) if is_remote else refresh_hz,
        remote=is_remote,
        supervise=supervise,
    )


def prepare_terminal(environ: MutableMapping[str, str]) -> bool:
    """Over SSH: fewer frames, no animation. Returns whether this is SSH."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if "SSH_CONNECTION" not in environ:
        return False
    environ.setdefault("TEXTUAL_FPS", "10")
    return True


def _require_terminal(remedy: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"expected a terminal on standard input and output, found none{remedy}")


def _open_log(show: Show) -> int | None:
    """Set up this process's log. Returns the descriptor for the workers', None for standard error."""
    if show.log_level.lower() not in LOG_LEVELS:
        raise UsageError(f"--log-level {show.log_level!r}: expected one of {', '.join(LOG_LEVELS)}")
    file = show.log_file
    if file is None and not show.no_ui:
        # The terminal is the UI's: a line of log would tear the screen.
        file = user_log_path("arbsniper-tui", ensure_exists=True) / "arbsniper.log"
    if file is None:
        logging.basicConfig(level=show.log_level.upper(), format=LOG_FORMAT, stream=sys.stderr)
        return None
    try:
        stream = file.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {file}: expected a file to write to: {error.strerror}") from error
    logging.basicConfig(level=show.log_level.upper(), format=LOG_FORMAT, stream=stream)
    return stream.fileno()


def _say(error: Exception, code: int) -> int:
    typer.echo(str(error), err=True)
    return code
