"""`venues`: what each venue supports, from what its adapter declares."""

import os
from contextlib import suppress

import msgspec
import typer

from arbsniper_tui.cli.config_command import ConfigOption, JsonOption
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.tools.venue_rows import venue_rows


def venues(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print what each venue supports: markets, channel, fees, symbol form, and its limits.

    External exchanges of the settings stand behind the others; settings that cannot be read have none.
    """
    loaded = None
    # The list is what helps with settings that are refused.
    with suppress(ConfigError):
        loaded = load_settings(config, os.environ, {})
    rows = venue_rows(loaded.settings if loaded is not None else None)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    from arbsniper_tui.cli.tables import console, limits_table, venues_table

    console().print(venues_table(rows), limits_table(rows))
