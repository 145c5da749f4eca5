"""`status`: how a node is, in text, as JSON or in one short line, and as an exit code."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from arbsniper_tui.cli.config_command import JsonOption
from arbsniper_tui.cli.node_command import EndpointArgument
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.runtime.exit_codes import USAGE, fail

if TYPE_CHECKING:
    from arbsniper_tui.tools.status import NodeHealth

STATUS_EXIT_CODES = (
    "Exit codes: 0 the node is ready (perhaps degraded), 1 internal fault, 2 wrong usage, 5 a node answers and is not "
    "ready, 6 no node answers."
)
ShortOption = Annotated[
    bool, typer.Option("--short", help="Print one line of at most 40 characters, for a status bar such as tmux's.")
]


def status(endpoint: EndpointArgument = "", as_json: JsonOption = False, as_line: ShortOption = False) -> None:
    """Say how a running node is: its workers, bus, Redis, exchanges, clock and memory; changes nothing there.

    A node is ready while its workers run, Redis takes its signals where one is set, and prices come from at least two
    exchanges; one exchange less makes it degraded. A node that does not answer within 3 s is given up.
    """
    # These imports take as long as the rest of the command line, and other verbs do without them.
    from arbsniper_tui.tools.status import exit_code_of, health_at

    try:
        if as_json and as_line:
            raise UsageError("--json and --short: expected one of them, found both")
        health = health_at(endpoint)
    except UsageError as error:
        raise typer.Exit(fail(error, USAGE)) from error
    _print(health, as_json, as_line)
    raise typer.Exit(exit_code_of(health))


def _print(health: "NodeHealth", as_json: bool, as_line: bool) -> None:
    from arbsniper_tui.cli.tables import print_health
    from arbsniper_tui.tools.status import short_line

    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(health)).decode())
    elif as_line:
        typer.echo(short_line(health))
    else:
        print_health(health)
