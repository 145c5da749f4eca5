"""`venues`: every market of every adapter, as a table and as JSON."""

import json

import typer
from typer.testing import CliRunner

from arbsniper_tui.cli.venues_command import venue_rows, venues
from arbsniper_tui.venues import VENUES

app = typer.Typer()
app.command()(venues)


def test_the_table_has_a_line_for_every_market_with_what_its_adapter_declares():
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    for adapter in VENUES.values():
        for market in adapter.markets:
            (line,) = (line for line in lines if line[:2] == [adapter.venue, market.market])
            assert f"{market.taker_fee_pct:g}" in line
            assert market.symbol_example in line
            assert market.sizes in line


def test_json_has_the_same_rows():
    result = CliRunner().invoke(app, ["--json"])
    assert json.loads(result.stdout) == venue_rows()
    assert len(venue_rows()) == sum(len(adapter.markets) for adapter in VENUES.values())


def test_it_tells_which_venues_need_their_list_send_a_time_and_have_closed():
    rows = {(row["venue"], row["market"]): row for row in venue_rows()}
    assert rows["binance", "spot"]["has_venue_time"] is False
    assert rows["okx", "perp"]["needs_list"] is True
    assert [venue for (venue, _), row in rows.items() if row["closed"]] == ["bitmex"]
    (line,) = (line for line in CliRunner().invoke(app, []).stdout.splitlines() if "SWAP" in line)
    assert line.split()[-2:] == ["yes", "yes"]


def test_a_market_whose_books_are_another_venues_says_whose():
    rows = {(row["venue"], row["market"]): row for row in venue_rows()}
    assert (rows["coindcx", "perp"]["relays"], rows["binance", "perp"]["relays"]) == ("binance", "")
    lines = [line.split() for line in CliRunner().invoke(app, []).stdout.splitlines()]
    books = {line[0]: line[-4] for line in lines if line[1:2] == ["spot"]}
    assert (books["coindcx"], books["okx"]) == ("binance", "okx")
