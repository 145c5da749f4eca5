"""One check of the settings for the run, `config check` and `doctor`: what refuses a run, and what is worth a word."""

from pathlib import Path

import pytest

from arbsniper_tui.config.load import load_settings
from arbsniper_tui.runtime.shared_cpu import allowed_cpus
from arbsniper_tui.universe.settings_check import Objection, objections


def said(toml: str, tmp_path: Path, **options: object) -> list[Objection]:
    path = tmp_path / "f.toml"
    path.write_text(toml)
    return objections(load_settings(path, {}, options))


def words(found: list[Objection], tmp_path: Path, *, refuses: bool) -> list[str]:
    return [str(each).replace(f"{tmp_path}/", "") for each in found if each.refuses is refuses]


def test_settings_that_give_a_route_for_every_symbol_are_met_with_silence(tmp_path: Path) -> None:
    assert said("", tmp_path) == []
    toml = "symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[venues.okx]\n[venues.binance]"
    assert said(toml, tmp_path) == []


def test_a_symbol_that_no_venue_has_refuses_the_run_and_names_what_they_have(tmp_path: Path) -> None:
    found = said("symbols = ['BTC/USD', 'BTC/USDT:USDT']\n[venues.coinbase]\n[venues.kraken]", tmp_path)
    assert words(found, tmp_path, refuses=True) == [
        'f.toml: symbols: found "BTC/USDT:USDT", expected a market of a venue that is on: coinbase has spot, '
        "kraken has spot; the verb venues lists what others have"
    ]


def test_a_venue_that_has_closed_refuses_a_run_that_would_connect_to_it_and_no_replay(tmp_path: Path) -> None:
    toml = "symbols = ['BTC/USDT:USDT']\n[venues.bitmex]\n[venues.okx]"
    (refusal,) = words(said(toml, tmp_path), tmp_path, refuses=True)
    assert refusal.startswith("f.toml: venues.bitmex: bitmex closed on 2026-09-23 and cannot be connected to")
    assert "decode and replay" in refusal
    assert objections(load_settings(tmp_path / "f.toml", {}, {}), connects=False) == []


def test_a_symbol_of_a_venues_own_list_that_it_has_not_refuses_the_run(tmp_path: Path) -> None:
    toml = "[venues.kraken]\nsymbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[venues.okx]"
    assert words(said(toml, tmp_path), tmp_path, refuses=True) == [
        'f.toml: venues.kraken.symbols: found "BTC/USDT:USDT", expected a market that kraken has: spot (BTC/USDT)'
    ]


@pytest.mark.parametrize(
    "toml",
    [
        "[venues.okx]",
        "[signals]\nroutes = ['perp-perp']",
        "[venues.okx]\nsymbols = ['BTC/USDT']\n[venues.kraken]\nsymbols = ['BTC/USD']",
    ],
)
def test_settings_without_any_route_refuse_the_run(tmp_path: Path, toml: str) -> None:
    (refusal,) = words(said(toml, tmp_path), tmp_path, refuses=True)
    assert "no route is possible" in refusal
    assert "one symbol on two venues" in refusal and "signals.routes" in refusal and "[quotes]" in refusal


def test_the_same_venue_is_enough_for_spot_against_perpetual(tmp_path: Path) -> None:
    toml = "symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[signals]\nroutes = ['spot-perp']\n[venues.okx]"
    assert said(toml, tmp_path) == []


def test_currencies_that_count_alike_make_a_route(tmp_path: Path) -> None:
    toml = "[quotes]\nUSD = 'USDT'\n[venues.okx]\nsymbols = ['BTC/USDT']\n[venues.kraken]\nsymbols = ['BTC/USD']"
    assert said(toml, tmp_path) == []


def test_a_venue_without_a_market_for_the_symbols_is_a_warning_where_it_was_asked_for(tmp_path: Path) -> None:
    toml = "symbols = ['BTC/USDT:USDT']\n[venues.okx]\n[venues.binance]\n[venues.kraken]"
    found = said(toml, tmp_path)
    assert words(found, tmp_path, refuses=True) == []
    assert words(found, tmp_path, refuses=False) == [
        "f.toml: venues.kraken: found no market for BTC/USDT:USDT, it has spot; it stays idle"
    ]
    assert said("symbols = ['BTC/USDT:USDT']", tmp_path) == [], "nobody asked for kraken by name"


def test_a_symbol_that_is_in_no_route_is_a_warning(tmp_path: Path) -> None:
    toml = "symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[venues.okx]\n[venues.kraken]"
    found = said(toml, tmp_path)
    assert words(found, tmp_path, refuses=True) == []
    assert words(found, tmp_path, refuses=False) == [
        "f.toml: symbols: found BTC/USDT:USDT on okx alone, expected two venues for a route; it is only shown"
    ]


def test_a_venue_that_shows_the_books_of_another_that_is_on_is_a_warning(tmp_path: Path) -> None:
    toml = "[venues.okx]\n[venues.binance]\n[venues.coindcx]"
    found = said(toml, tmp_path)
    assert words(found, tmp_path, refuses=True) == []
    assert words(found, tmp_path, refuses=False) == [
        "f.toml: venues.coindcx: its quotes are of books of binance, so that the two are never set against each other; "
        "each of them is set against other venues"
    ]
    assert said("[venues.okx]\n[venues.coindcx]", tmp_path) == []


def test_a_venue_and_one_that_shows_its_books_make_no_route(tmp_path: Path) -> None:
    (refusal,) = words(said("[venues.binance]\n[venues.coindcx]", tmp_path), tmp_path, refuses=True)
    assert (
        "no route is possible on binance, coindcx, expected one symbol on two venues with books of their own" in refusal
    )


def test_a_symbol_whose_kind_of_route_is_off_is_a_warning_in_other_words(tmp_path: Path) -> None:
    toml = "symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[signals]\nroutes = ['spot-spot']\n[venues.okx]\n[venues.binance]"
    assert words(said(toml, tmp_path), tmp_path, refuses=False) == [
        "f.toml: symbols: found BTC/USDT:USDT on okx and binance, in no kind of route of signals.routes (spot-spot); "
        "it is only shown"
    ]


def test_what_was_asked_for_by_option_is_named_by_the_option(tmp_path: Path) -> None:
    found = said("", tmp_path, symbols=["BTC/USDT:USDT"], venues=["kraken"])
    (refusal,) = words(found, tmp_path, refuses=True)
    assert refusal.startswith('--symbol: symbols: found "BTC/USDT:USDT"')


def test_a_cpu_that_this_process_may_not_use_refuses_the_run(tmp_path: Path) -> None:
    cpu = max(allowed_cpus(), default=0) + 1
    (refusal,) = words(said(f"[engine]\ncpu = {cpu}", tmp_path), tmp_path, refuses=True)
    assert refusal.startswith(f"f.toml: engine.cpu: found {cpu}, expected a CPU that this process may use: ")
    for choice in ("'auto'", "'OFF'", *allowed_cpus()):
        assert words(said(f"[engine]\ncpu = {choice}", tmp_path), tmp_path, refuses=True) == []
