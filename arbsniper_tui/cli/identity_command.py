"""`identity`: coins in quarantine with their evidence, and the user's verdicts on them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import msgspec
import typer

from arbsniper_tui.cli.config_command import ConfigOption, JsonOption, load_or_exit
from arbsniper_tui.model.errors import ArbsniperError, NodeUnreachable, UsageError
from arbsniper_tui.runtime.exit_codes import FAULT, USAGE, fail

T = TypeVar("T")

identity_app = typer.Typer(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})

NodeOption = Annotated[
    str,
    typer.Option(
        "--node",
        metavar="ENDPOINT",
        help="A node's process id or folder. Left out: the one that runs.",
        show_default=False,
    ),
]


@identity_app.callback()
def identity(
    context: typer.Context, as_json: JsonOption = False, node: NodeOption = "", config: ConfigOption = None
) -> None:
    """List the coins that a running node holds in quarantine: their price does not fit that of the other venues, so
    they may be other coins of the same name, or sold by the thousand. They open no signal until you say what they are.
    """
    if context.invoked_subcommand is not None:
        return
    from arbsniper_tui.tools.identity import quarantine

    found = _done(partial(quarantine, load_or_exit(config).settings.node.name, node))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    from arbsniper_tui.cli.tables import console, quarantine_tables

    console().print(*quarantine_tables(found))


@identity_app.command("set")
def set_one(
    venue: Annotated[str, typer.Argument(metavar="VENUE", help="The venue, such as mexc.")],
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="As it is listed, such as WRT/USDT.")],
    verdict: Annotated[
        str,
        typer.Argument(
            metavar="VERDICT",
            help="same: the coin of the others, whatever it costs here. different: another coin, in no route. "
            "multiplier=1000: the venue sells so many coins as one.",
        ),
    ],
    node: NodeOption = "",
    config: ConfigOption = None,
) -> None:
    """Say what a coin is. A running node is told, and keeps it for later runs; where none runs, the file is written."""
    from arbsniper_tui.tools.identity import set_verdict

    typer.echo(_done(partial(set_verdict, venue, symbol, verdict, load_or_exit(config).settings.node.name, node)))


def _done(ask: Callable[[], T]) -> T:
    """What comes of it; exits with what cannot be done on standard error."""
    try:
        return ask()
    except (UsageError, NodeUnreachable) as error:
        raise typer.Exit(fail(error, USAGE)) from error
    except ArbsniperError as error:
        raise typer.Exit(fail(error, FAULT)) from error
