"""What the verbs that start or find a node have in common: their options, and the choice of a front end."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from arbsniper_tui.node.launch import Launch
    from arbsniper_tui.runtime.log_file import LogOptions

LOG_MAX_MIB = 64

EndpointArgument = Annotated[
    str,
    typer.Argument(metavar="ENDPOINT", help="A node's process id or folder. Left out: the one that was started last."),
]
NoUiOption = Annotated[
    bool, typer.Option("--no-ui", help="No terminal: signals as JSON lines on stdout, logs on stderr.")
]
LogLevelOption = Annotated[
    str | None,
    typer.Option(
        "--log-level",
        metavar="LEVEL",
        help="debug, info, warning or error. Left out: that of the file, else info.",
        show_default=False,
    ),
]
LogFormatOption = Annotated[
    str, typer.Option("--log-format", metavar="FORMAT", help="text, or json: one object a line.", show_default=True)
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file", metavar="FILE", help="Log here. With the UI: a file in the user's log folder.", show_default=False
    ),
]
LogMaxMibOption = Annotated[
    int,
    typer.Option(
        "--log-max-mib",
        metavar="N",
        min=0,
        help="A log file above this size becomes FILE.old, and a new one begins; 0: never. A replay's never does.",
    ),
]


def log_options(no_ui: bool, level: str, *, log_format: str, file: Path | None, max_mib: int) -> "LogOptions":
    """What these options say of the log."""
    from arbsniper_tui.runtime.log_file import LogOptions

    return LogOptions(level, log_format, file, max_mib, is_beside_ui=not no_ui)


def run_or_exit(launch: "Launch", no_ui: bool, log: "LogOptions", warnings: Iterable[str]) -> NoReturn:
    """Run a node to its end, and exit with its code; `warnings` go to its log."""
    # Here, because verbs that start no node do without these imports.
    from arbsniper_tui.headless.run import run_headless
    from arbsniper_tui.node.run import run_node
    from arbsniper_tui.ui.front_end import run_with_ui

    front_end = run_headless if no_ui else partial(run_with_ui, refresh_hz=launch.settings.ui.refresh_hz)
    raise typer.Exit(run_node(launch, front_end, log, warnings))
