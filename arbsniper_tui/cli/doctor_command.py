"""`doctor`: runs its checks, shows them as a table, and says by its exit code whether anything failed."""

import shutil
import sys

import msgspec
import typer

from arbsniper_tui.cli.config_command import (
    ConfigOption,
    JsonOption,
    RedisUrlOption,
    SymbolOption,
    ThresholdOption,
    VenueOption,
    load_or_exit,
)
from arbsniper_tui.config.show import summary


def doctor(
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the config, Redis, the terminal, the clock and each venue; exit code 1 when something failed."""
    # These imports take as long as the rest of the command line, and other verbs do without them.
    from arbsniper_tui.cli.tables import console, findings_table
    from arbsniper_tui.tools.doctor.examination import examine

    loaded = load_or_exit(config, symbol, venue, threshold, redis_url)
    findings = list(examine(loaded, summary(loaded).removeprefix("ok: "), _progress))
    _end_progress()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        console().print(findings_table(findings))
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(1)


def _progress(message: str) -> None:
    """One line that is written over on a terminal, a line each elsewhere."""
    if sys.stderr.isatty():
        columns = shutil.get_terminal_size().columns
        typer.echo(f"\r\x1b[K{message[: columns - 1]}", err=True, nl=False)
    else:
        typer.echo(message, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        _progress("")
