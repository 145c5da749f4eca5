"""`doctor`: runs its checks, shows them as a table, and says by its exit code whether anything failed."""

import msgspec
import typer
from rich import box
from rich.table import Table
from rich.text import Text

from arbsniper_tui.cli.config_command import (
    ConfigOption,
    JsonOption,
    RedisUrlOption,
    SymbolOption,
    ThresholdOption,
    VenueOption,
    load_or_exit,
    summary,
)
from arbsniper_tui.cli.venues_command import table_console
from arbsniper_tui.tools.doctor.checks import Finding
from arbsniper_tui.tools.doctor.examination import examine

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the config, Redis, the terminal, the clock and each venue; exit code 1 when something failed."""
    loaded = load_or_exit(config, symbol, venue, threshold, redis_url)
    findings = list(examine(loaded, summary(loaded).removeprefix("ok: "), _progress))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        table_console().print(table_of(findings))
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(1)


def table_of(findings: list[Finding]) -> Table:
    """The findings as a table; the verdict is a word as well as a colour."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("check", "verdict", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        verdict = Text(finding.verdict, style=_COLOURS[finding.verdict])
        table.add_row(Text(finding.check), verdict, Text(finding.found), Text(finding.advice))
    return table


def _progress(message: str) -> None:
    typer.echo(message, err=True)
