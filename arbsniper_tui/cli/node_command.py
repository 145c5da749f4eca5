"""What the verbs that start a node have in common: their options, and the choice of a front end."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from arbsniper_tui.node.launch import Launch

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


def run_or_exit(
    launch: "Launch", no_ui: bool, log_level: str, log_file: Path | None, warnings: Iterable[str]
) -> NoReturn:
    """Run a node to its end, and exit with its code; `warnings` go to its log."""
    # Here, because verbs that start no node do without these imports.
    from arbsniper_tui.headless.run import run_headless
    from arbsniper_tui.node.run import run_node
    from arbsniper_tui.runtime.log_file import LogOptions
    from arbsniper_tui.ui.front_end import run_with_ui

    front_end = run_headless if no_ui else partial(run_with_ui, refresh_hz=launch.settings.ui.refresh_hz)
    raise typer.Exit(run_node(launch, front_end, LogOptions(log_level, log_file, is_beside_ui=not no_ui), warnings))
