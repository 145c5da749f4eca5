"""`venues`: what each venue supports, from what its adapter declares."""

import json

import typer

from arbsniper_tui.cli.config_command import JsonOption
from arbsniper_tui.venues import VENUES


def venues(as_json: JsonOption = False) -> None:
    """Print what each venue supports: markets, channel, fees, symbol form."""
    rows = venue_rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from arbsniper_tui.cli.tables import console, venues_table

    console().print(venues_table(rows))


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
            "relays": market.relays,
            "needs_list": market.needs_list,
            "has_venue_time": market.has_venue_time,
            "ws_url": market.ws_url + market.ws_path,
            "closed": adapter.closed,
        }
        for adapter in VENUES.values()
        for market in adapter.markets
    ]
