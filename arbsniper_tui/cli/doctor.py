"""`doctor`: runs its checks, shows them as a table, and says by its exit code whether anything failed."""

import os
import sys
from collections.abc import Iterator

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
from arbsniper_tui.cli.doctor_checks import (
    Finding,
    check_clock,
    check_limits,
    check_terminal,
    check_venues,
    optional_targets,
    venue_targets,
)
from arbsniper_tui.cli.doctor_redis import check_nodes_redis, check_redis
from arbsniper_tui.cli.venues_command import table_console
from arbsniper_tui.config.load import Loaded
from arbsniper_tui.workers.settings_check import objections

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
    findings = list(examine(load_or_exit(config, symbol, venue, threshold, redis_url)))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        table_console().print(table_of(findings))
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(1)


def examine(loaded: Loaded) -> Iterator[Finding]:
    """Run every check, and say on stderr which one is under way."""
    objected = objections(loaded)
    if not any(objection.refuses for objection in objected):
        yield Finding("config", "ok", summary(loaded).removeprefix("ok: "))
    for objection in objected:
        found = f"{objection.where}: {objection.found}"
        yield Finding("config", "fail" if objection.refuses else "warn", found, objection.advice)
    _progress("Redis ...")
    yield check_redis(loaded.settings.redis)
    yield from check_nodes_redis()
    yield from check_terminal(os.environ, terminal_size(), sys.stdout.encoding)
    _progress("clock ...")
    yield check_clock()
    yield from check_limits()
    _progress("venues ...")
    settings = loaded.settings
    yield from check_venues(venue_targets(settings), _progress, optional=optional_targets(settings))


def table_of(findings: list[Finding]) -> Table:
    """The findings as a table; the verdict is a word as well as a colour."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("check", "verdict", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        verdict = Text(finding.verdict, style=_COLOURS[finding.verdict])
        table.add_row(Text(finding.check), verdict, Text(finding.found), Text(finding.advice))
    return table


def terminal_size() -> tuple[int, int] | None:
    """Columns and lines of the terminal behind any of the standard streams; None where there is none."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None and not stream.closed and stream.isatty():
            size = os.get_terminal_size(stream.fileno())
            return size.columns, size.lines
    return None


def _progress(message: str) -> None:
    typer.echo(message, err=True)
