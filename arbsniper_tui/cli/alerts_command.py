"""`alerts test`: whether a target of alerts can be reached."""

from typing import Annotated

import typer

from arbsniper_tui.cli.config_command import ConfigOption, load_or_exit
from arbsniper_tui.model.errors import ArbsniperError, UsageError
from arbsniper_tui.runtime.exit_codes import FAULT, USAGE

alerts_app = typer.Typer(help="Try the targets of alerts.", no_args_is_help=True)


@alerts_app.callback()
def alerts() -> None:
    """Try the targets of alerts. docs/alerts.md shows how rules and targets are written."""


@alerts_app.command("test")
def test(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A target of [alerts.targets], or bell or desktop.")],
    config: ConfigOption = None,
) -> None:
    """Send one test alert to a target, and say what happened; exit code 1 where it was not taken.

    For bell and desktop a node has to run: the terminal UIs that are open on it are told.
    """
    from arbsniper_tui.tools.alert_test import send_test_alert

    declared = load_or_exit(config).settings.alerts
    try:
        typer.echo(send_test_alert(declared, name))
    except UsageError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from None
    except ArbsniperError as error:
        typer.echo(f"{name}: {error}", err=True)
        raise typer.Exit(FAULT) from None
