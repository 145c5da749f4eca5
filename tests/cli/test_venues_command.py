"""`venues`: every market of every adapter, as tables and as JSON."""

import json

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from arbsniper_tui.cli.tables import limits_table, venues_table
from arbsniper_tui.cli.venues_command import venues
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.tools.venue_rows import VenueRow, row_of, venue_rows
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import VenueMarket
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.spelling import Spelling

app = typer.Typer()
app.command()(venues)

COLUMNS = 100


def market_of(**declared: object) -> VenueMarket:
    values = {
        "market": Market.PERP,
        "ws_url": "wss://a.example",
        "ws_path": "/ws",
        "rest_url": "https://r.example",
        "list_path": "/list",
        "channel": "top",
        "taker_fee_pct": 0.055,
        "symbol_example": "BTC_USDT",
        "hosts": ("a.example",),
        "spelling": Spelling("_"),
        "subscription": Subscription("$symbol", "$topics"),
    }
    return VenueMarket(**(values | declared))


FULL = market_of(
    other_ws_urls=("wss://b.example",),
    limits=Limits(connects=Rate(300, 300.0), messages=Rate(10, 1.0)),
    connections=5,
    lifetime_h=24.0,
    facts=FactSource(subscription=Subscription("$symbol", "$topics"), path="/facts"),
    keep_alive=KeepAlive("ping", every_s=18.0),
    connection_limit=20,
)


def drawn(*rows: VenueRow) -> list[str]:
    console = Console(width=COLUMNS)
    with console.capture() as capture:
        console.print(venues_table(rows), limits_table(rows))
    return capture.get().splitlines()


def test_the_tables_have_a_line_each_for_every_market_with_what_its_adapter_declares():
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    for adapter in VENUES.values():
        for market in adapter.markets:
            supported, limits = (line for line in lines if line[:2] == [adapter.venue, market.market])
            assert f"{market.taker_fee_pct:g}" in supported
            assert market.symbol_example in supported
            assert market.sizes in supported
            assert f"{market.connection_limit}" in limits


def test_no_line_is_wider_than_a_usual_terminal_or_broken():
    rows = [*venue_rows(), row_of("coinbase", FULL)]
    lines = drawn(*rows)
    assert max(map(len, lines)) <= COLUMNS
    begun = [line for line in lines if line.split()[:1] and line.split()[0] in VENUES]
    assert len(begun) == 2 * len(rows)
    assert len([line for line in lines if line.strip()]) == len(begun) + 4, "two headings, and a line below each"


def test_json_has_the_same_rows_with_all_that_is_declared():
    result = CliRunner().invoke(app, ["--json"])
    shown = json.loads(result.stdout)
    assert [(row["venue"], row["market"]) for row in shown] == [
        (adapter.venue, market.market) for adapter in VENUES.values() for market in adapter.markets
    ]
    assert {frozenset(row) for row in shown} == {frozenset(VenueRow.__struct_fields__)}


def test_every_limit_is_told_in_figures():
    row = row_of("made-up", FULL)
    assert (row.ws_url, row.other_ws_urls) == ("wss://a.example/ws", ("wss://b.example/ws",))
    assert row.facts == "stream, REST"
    *_, limits = (line for line in drawn(row) if "made-up" in line)
    told = limits.split("perp")[1]
    assert told.split() == ["20", "5", "300", "in", "5", "min", "10", "in", "1", "s", "24", "h", "each", "18", "s"]


def test_a_limit_that_the_venue_does_not_state_is_a_dash():
    *_, limits = (line for line in drawn(row_of("made-up", market_of())) if "made-up" in line)
    assert limits.split("perp")[1].split() == ["100", "-", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"needs_list": True}, ["needed", "told"]),
        ({"has_venue_time": False}, ["none"]),
        ({"facts": FactSource(path="/facts")}, ["told", "REST"]),
        ({"facts": FactSource(subscription=Subscription("", ""))}, ["told", "stream"]),
    ],
)
def test_words_tell_which_venues_need_their_list_and_send_a_time_and_facts(declared, words):
    supported, _ = (line for line in drawn(row_of("made-up", market_of(**declared))) if "made-up" in line)
    assert supported.split("coins")[1].split() == words


def test_a_venue_that_has_closed_is_told_as_such():
    assert [row.venue for row in venue_rows() if row.closed] == ["bitmex"]
    supported, _ = (line for line in drawn(row_of("made-up", FULL, "2026-09-23")) if "made-up" in line)
    assert "closed 2026-09-23" in supported


def test_a_market_whose_books_are_another_venues_says_whose():
    rows = {(row.venue, row.market): row for row in venue_rows()}
    assert (rows["coindcx", "perp"].relays, rows["binance", "perp"].relays) == ("binance", "")
    _, limits = (line for line in drawn(row_of("made-up", market_of(relays="binance"))) if "made-up" in line)
    assert limits.split()[-1] == "binance"


@pytest.mark.parametrize(("more", "count"), [("", 2), ("[venues.nope]", 0)])
def test_external_exchanges_of_the_settings_stand_behind_the_others(tmp_path, more, count):
    file = tmp_path / "f.toml"
    symbols = "symbols = ['BTC/USDT', 'BTC/USDT:USDT']"
    file.write_text(f"[venues.acme]\nexternal = true\ntaker_fee_pct = 0.3\n{symbols}\n{more}")
    done = CliRunner().invoke(app, ["--config", str(file), "--json"])
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    behind = [(row["venue"], row["market"], row["channel"], row["taker_fee_pct"]) for row in rows[len(venue_rows()) :]]
    assert behind == [("acme", market, "ticks from outside", 0.3) for market in ("spot", "perp")][:count]
