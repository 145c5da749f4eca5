"""One tape as the command line names it, and where its lines were recorded."""

from pathlib import Path

from msgspec import Struct

from arbsniper_tui.model.errors import TapeError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.tapes.tape import TapeLine
from arbsniper_tui.venues import VENUES, adapter_of, venue_of_url

_MARKETS = frozenset(Market)


class TapeSource(Struct, frozen=True):
    """One tape of a replay, and its venue and market where the command line gives them."""

    path: str
    venue: str = ""
    market: str = ""


def parse_source(argument: str) -> TapeSource:
    """`FILE`, `VENUE=FILE` or `VENUE:perp=FILE`. Raises TapeError for a venue or market that is not known."""
    head, equals, path = argument.partition("=")
    if not equals or Path(argument).exists():
        return TapeSource(argument)
    venue, _, market = head.lower().partition(":")
    if venue not in VENUES:
        raise TapeError(f"tape {argument!r}: expected VENUE=FILE with one of {', '.join(VENUES)}, found {venue!r}")
    if market and market not in list(Market):
        raise TapeError(f"tape {argument!r}: expected {venue}:spot=FILE or {venue}:perp=FILE, found {market!r}")
    return TapeSource(path, venue, market)


def venue_and_markets(source: TapeSource, line: TapeLine) -> tuple[str, tuple[Market, ...]]:
    """Where a line was recorded: by the command line, else by the line itself, else by its URL.

    Another recorder may mean something else by `venue` and `market`: words that are not known here say nothing.
    """
    venue, markets = (line.venue, ()) if line.venue and line.venue in VENUES else venue_of_url(line.url or "")
    if source.venue:
        venue, markets = source.venue, markets if venue == source.venue else ()
    wanted = (source.market or line.market or "").split("+")
    if _MARKETS.issuperset(wanted):
        markets = tuple(Market(part) for part in wanted)
    elif venue and not markets:
        markets = tuple(declared.market for declared in adapter_of(venue).markets)
    return venue, markets


def unknown_venue(source: TapeSource, url: str | None) -> TapeError:
    """What to raise for a tape whose venue neither its lines nor the command line tell."""
    return TapeError(
        f"tape {source.path}: its venue cannot be told from url {url!r}; write VENUE={source.path} "
        f"with one of {', '.join(VENUES)}"
    )
