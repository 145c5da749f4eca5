"""`make new-venue`: what it writes is sound before anything is replaced."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import structs

from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.quote import defect
from arbsniper_tui.sim.dialect import Moment, Subscriber
from arbsniper_tui.sim.market import Top
from arbsniper_tui.venues.base import SymbolsByRule


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tried_{file.parent.name}_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROOT = Path(__file__).resolve().parents[2]
new_venue = load(ROOT / "scripts" / "new_venue.py")


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Path]:
    """The files of a venue, by their names."""
    return {file.name: file for file in new_venue.write_venue("nowhere", tmp_path)}


def test_what_is_written_passes_format_and_lint(written: dict[str, Path], tmp_path: Path) -> None:
    # Outside the checkout ruff cannot tell which imports are our own.
    for check in (("format", "--check"), ("check", "--ignore", "I001")):
        command = [sys.executable, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("market", "symbols", "trades"),
    [
        (Market.SPOT, ["BTC/USDT", "ETH/USDT"], [True, False]),
        (Market.PERP, ["BTC/USDT:USDT", "ETH/USDT:USDT"], [True, True, False]),
    ],
)
def test_the_parser_reads_the_frames_and_the_list(
    written: dict[str, Path], market: Market, symbols: list[str], trades: list[bool]
) -> None:
    adapter = load(written["nowhere.py"].parents[1] / "venues" / "nowhere.py").Nowhere()
    listed = adapter.parse_listings(written[f"{market}.list.json"].read_bytes())
    assert [each.is_trading for each in listed.values()] == trades
    by_rule = SymbolsByRule(adapter, market)
    parser = adapter.parser(market, by_rule.find, listed)
    quotes = [quote for line in written[f"{market}.top.jsonl"].read_bytes().splitlines() for quote in parser.feed(line)]
    assert [defect(quote) for quote in quotes] == [None, None]
    assert quotes[0].bid_size == 1.25, "in coins"
    assert [each.symbol for each in by_rule.all] == symbols
    assert all(parser.feed(line) == () for line in written[f"{market}.other.jsonl"].read_bytes().splitlines())


def test_the_simulation_answers_what_the_adapter_asks_for(written: dict[str, Path]) -> None:
    package = written["nowhere.py"].parents[1]
    adapter = load(package / "venues" / "nowhere.py").Nowhere()
    dialect_type = load(package / "sim" / "nowhere.py").Nowhere
    listed, _ = dialect_type.lists(("BTC",))
    dialect = dialect_type(
        (structs.replace(listed, venue="nowhere"),),
        lambda instrument_id, now: Top(instrument_id, 1, 6400000, 5, 6400010, 7),
    )
    bitcoin = Instrument(0, "nowhere", "BTC/USDT", adapter.venue_symbol(parse_symbol("BTC/USDT")), "USDT", 0.1)
    (request,) = adapter.subscribe([bitcoin])
    frames = dialect.answer(Subscriber("/ws/spot", Moment(0, 0)), request, (), Moment(0, 1_785_121_200_000_000_000))
    parser = adapter.parser(Market.SPOT, {"BTC-USDT": bitcoin}.get, {})
    (quote,) = [quote for frame in frames for quote in parser.feed(frame.encode())]
    assert (quote.bid, quote.ask, quote.ts_venue_ms) == (64000.0, 64000.1, 1785121200000)


@pytest.mark.parametrize("name", ["", "Gate", "1gate", "gate.io", "../gate"])
def test_a_name_that_is_no_module_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected lower-case letters and digits"):
        new_venue.write_venue(name, tmp_path)


def test_a_venue_that_is_there_is_not_written_over(written: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="exist already"):
        new_venue.write_venue("nowhere", tmp_path)
