"""`venues`: what each venue supports, from what its adapter declares."""

import msgspec
import typer

from arbsniper_tui.cli.config_command import JsonOption
from arbsniper_tui.tools.venue_rows import venue_rows


def venues(as_json: JsonOption = False) -> None:
    """Print what each venue supports: markets, channel, fees, symbol form, and its limits."""
    rows = venue_rows()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    from arbsniper_tui.cli.tables import console, limits_table, venues_table

    console().print(venues_table(rows), limits_table(rows))
