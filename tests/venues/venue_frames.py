"""Frames of a venue on disk, and a parser of one connection to feed them to."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path

from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Find, Parser, SymbolsByRule
from arbsniper_tui.venues.listing import Listing

FRAMES = Path(__file__).resolve().parent / "frames"
CAPTURES = Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"

MARKETS = [(venue, declared.market) for venue, adapter in VENUES.items() for declared in adapter.markets]


def frames(venue: str, market: Market, kind: str = "") -> list[bytes]:
    """The frames with quotes, or those of another `kind`: one a line, binary ones in base64 in a file `.b64l`."""
    folder = FRAMES / venue
    if kind:
        found = sorted(folder.glob(f"{market}.{kind}.*l"))
        assert found, f"{folder}/{market}.{kind}.jsonl is missing: each market that a venue declares has its own"
    else:
        found = [path for path in folder.glob(f"{market}.*l") if ".other." not in path.name]
        names = [path.name for path in found]
        assert len(found) == 1, f"expected one {market}.CHANNEL.jsonl or .b64l in {folder}, found {names}"
    return [b64decode(line) if file.suffix == ".b64l" else line for file in found for line in _read(file).splitlines()]


def list_body(venue: str, market: Market) -> bytes:
    return _read(FRAMES / venue / f"{market}.list.json")


def listing(venue: str, market: Market) -> dict[str, Listing]:
    return VENUES[venue].parse_listings(list_body(venue, market))


def _read(file: Path) -> bytes:
    assert file.exists(), f"{file} is missing: each market that a venue declares has frames and a list of its own"
    return file.read_bytes()


def instruments(venue: str, *symbols: str) -> list[Instrument]:
    adapter = VENUES[venue]
    return [
        Instrument(i, venue, symbol, adapter.venue_symbol(parse_symbol(symbol)), "USDT", 0.1)
        for i, symbol in enumerate(symbols)
    ]


class Connection:
    """A parser that knows `symbols`, or by rule all; what `feed` is given need not be bytes."""

    def __init__(
        self,
        venue: str,
        *symbols: str,
        market: Market = Market.SPOT,
        listed: bool = True,
        listings: Mapping[str, Listing] | None = None,
    ) -> None:
        adapter = VENUES[venue]
        self.by_rule = SymbolsByRule(adapter, market)
        subscribed = {each.venue_symbol: each for each in instruments(venue, *symbols)}
        find: Find = subscribed.get if symbols else self.by_rule.find
        if listings is None:
            listings = listing(venue, market) if listed else {}
        self.parser: Parser = adapter.parser(market, find, listings)

    def feed(self, frame: bytes | str) -> Sequence[Quote]:
        return self.parser.feed(frame.encode() if isinstance(frame, str) else frame)
