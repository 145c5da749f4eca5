"""Tapes through the parsers: one stream of quotes in the order of receipt, with the tapes' times."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from arbsniper_tui.engine.sieve import Sieve
from arbsniper_tui.model.errors import BadFrame, FrameError, TapeCut, TapeError
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.tapes.tape import LISTING, TapeLine, read_tape
from arbsniper_tui.venues import VENUES, venue_of_url
from arbsniper_tui.venues.base import Listing, QuoteParser

Complaint = Callable[[str], None]
Played = tuple[int, list[Quote] | Withdrawal]
"""Receive time in ns since 1970, and what came."""

_MARKETS = frozenset(Market)
_TIME_LIMIT_S = 2**63 / 1e9
"""Where ns since 1970 leave 64 bits: a time in ms or us lies beyond."""


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
    venue, _, market = head.partition(":")
    if venue not in VENUES:
        raise TapeError(f"tape {argument!r}: expected VENUE=FILE with one of {', '.join(VENUES)}, found {venue!r}")
    if market and market not in list(Market):
        raise TapeError(f"tape {argument!r}: expected {venue}:spot=FILE or {venue}:perp=FILE, found {market!r}")
    return TapeSource(path, venue, market)


def venue_and_markets(source: TapeSource, line: TapeLine) -> tuple[str, tuple[Market, ...]]:
    """Where a line was recorded: the command line's word, then the line's own, then its URL.

    Another recorder may mean something else by `venue` and `market`: words that are not known here say nothing.
    """
    venue, markets = (line.venue, ()) if line.venue and line.venue in VENUES else venue_of_url(line.url or "")
    if source.venue:
        venue, markets = source.venue, markets if venue == source.venue else ()
    wanted = (source.market or line.market or "").split("+")
    if _MARKETS.issuperset(wanted):
        markets = tuple(Market(part) for part in wanted)
    elif venue in VENUES and not markets:
        markets = tuple(declared.market for declared in VENUES[venue].markets)
    return venue, markets


class _Connection:
    """One recorded connection: its parser, and the sieve behind it."""

    def __init__(self, parser: QuoteParser, dropped: dict[str, int]) -> None:
        self.parser = parser
        self.sieve = Sieve(dropped)


class Player:
    """Reads several tapes at once. Frames that cannot be read go to `complain`, with file and line."""

    def __init__(
        self,
        sources: Sequence[TapeSource],
        instruments: Sequence[Instrument],
        listings: Mapping[str, Mapping[str, Listing]],
        complain: Complaint,
    ) -> None:
        self.dropped: dict[str, int] = {}
        self.frames = 0
        self._sources = sources
        self._instruments = instruments
        self._listings = {venue: dict(listings.get(venue, {})) for venue in VENUES}
        self._complain = complain
        self._connections: dict[tuple[int, str], _Connection | None] = {}

    def play(self) -> Iterator[Played]:
        """Everything that came, merged by receive time; at the same time in the order of the tapes."""
        for ts_recv_ns, index, number, line in heapq.merge(*map(self._timed, range(len(self._sources))), key=_received):
            try:
                yield from self._feed(ts_recv_ns, index, line)
            except FrameError as error:
                self._count_and_complain(index, number, error)

    def _timed(self, index: int) -> Iterator[tuple[int, int, int, TapeLine]]:
        for number, line in read_tape(Path(self._sources[index].path)):
            if isinstance(line, BadFrame):
                self._count_and_complain(index, number, line)
            elif line.t is None:
                self._count_and_complain(index, number, BadFrame('no receive time in "t": it cannot be replayed'))
            elif not 0.0 <= line.t < _TIME_LIMIT_S:
                found = BadFrame(f'expected seconds since 1970 in "t", found {line.t:g}')
                self._count_and_complain(index, number, found)
            elif line.dir != "out":
                yield round(line.t * 1e9), index, number, line

    def _feed(self, ts_recv_ns: int, index: int, line: TapeLine) -> Iterator[Played]:
        connection = self._connection(index, line)
        if connection is None:
            return
        self.frames += 1
        sound, withdrawn = connection.sieve.sift(connection.parser.feed(line.frame()))
        for withdrawal in withdrawn:
            yield ts_recv_ns, withdrawal
        if sound:
            yield ts_recv_ns, sound

    def _connection(self, index: int, line: TapeLine) -> _Connection | None:
        if line.kind == LISTING:
            venue, _ = venue_and_markets(self._sources[index], line)
            if venue not in VENUES:
                raise BadFrame("expected the venue that a list of instruments belongs to, found none")
            self._listings[venue].update(VENUES[venue].parse_listings(line.frame()))
            return None
        key = (index, line.url or "")
        if key not in self._connections:
            self._connections[key] = self._connect(index, line)
        return self._connections[key]

    def _connect(self, index: int, line: TapeLine) -> _Connection:
        source = self._sources[index]
        venue, markets = venue_and_markets(source, line)
        if venue not in VENUES:
            raise TapeError(
                f"tape {source.path}: its venue cannot be told from url {line.url!r}; write VENUE={source.path} "
                f"with one of {', '.join(VENUES)}"
            )
        subscribed = {
            instrument.venue_symbol: instrument
            for instrument in self._instruments
            if instrument.venue == venue and instrument.market in markets
        }
        return _Connection(VENUES[venue].parser(subscribed, self._listings[venue]), self.dropped)

    def _count_and_complain(self, index: int, number: int, error: FrameError) -> None:
        reason = "cut tape" if isinstance(error, TapeCut) else "unreadable"
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        self._complain(f"{self._sources[index].path}:{number}: {error}")


def _received(timed: tuple[int, int, int, TapeLine]) -> tuple[int, int]:
    return timed[0], timed[1]


def first_lines(sources: Iterable[TapeSource]) -> list[tuple[TapeSource, TapeLine]]:
    """The first frame of each tape that has one, for telling its venue. Raises TapeError where none has."""
    found = []
    for source in sources:
        for _, line in read_tape(Path(source.path)):
            if isinstance(line, TapeLine) and line.dir != "out" and line.kind != LISTING:
                found.append((source, line))
                break
    if not found:
        raise TapeError(f"tape {', '.join(source.path for source in sources)}: expected recorded frames, found none")
    return found
