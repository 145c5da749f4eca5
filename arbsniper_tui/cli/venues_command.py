"""`venues`: what each venue supports, from what its adapter declares."""

import json
import sys

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from arbsniper_tui.cli.config_command import JsonOption
from arbsniper_tui.venues import VENUES

# Where nobody's screen is the limit, a row stays on its line.
WIDTH_WITHOUT_TERMINAL = 200


def venues(as_json: JsonOption = False) -> None:
    """Print what each venue supports: markets, channel, fees, symbol form."""
    rows = venue_rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("venue", "market", "channel"):
        table.add_column(heading)
    table.add_column("taker fee", justify="right")
    for heading in ("symbol form", "sizes in", "list needed", "venue time"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            str(row["venue"]),
            str(row["market"]),
            str(row["channel"]),
            f"{row['taker_fee_pct']:g} %",
            str(row["symbol_form"]),
            str(row["sizes"]),
            "yes" if row["needs_list"] else "no",
            "yes" if row["has_venue_time"] else "no",
        )
    table_console().print(table)


def venue_rows() -> list[dict[str, str | float | bool]]:
    """One row for each market of each venue."""
    return [
        {
            "venue": adapter.venue,
            "market": str(market.market),
            "channel": market.channel,
            "taker_fee_pct": market.taker_fee_pct,
            "symbol_form": market.symbol_example,
            "sizes": market.sizes,
            "needs_list": market.needs_list,
            "has_venue_time": market.has_venue_time,
            "ws_url": market.ws_url + market.ws_path,
        }
        for adapter in VENUES.values()
        for market in adapter.markets
    ]


def table_console() -> Console:
    """A console on stdout, wide where stdout is no terminal, so that nothing is cut for `grep`."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
