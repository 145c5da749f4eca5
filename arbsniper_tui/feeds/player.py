"""Tapes through the parsers: one stream of quotes in the order of receipt, with the tapes' times."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from arbsniper_tui.feeds.quote_filter import Sieve
from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text
from arbsniper_tui.model.errors import BadFrame, BookLost, FrameError, TapeCut, VenueClosing, VenueRejected
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.tapes.complaints import UNREADABLE, Complaints, kind_of
from arbsniper_tui.tapes.source import TapeSource, unknown_venue, venue_and_markets
from arbsniper_tui.tapes.tape import DISCONNECTED, LISTING, SETTINGS, TapeLine, read_tape
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Listing, QuoteParser, why_unlisted

Complaint = Callable[[str], None]
Came = list[Quote] | Withdrawal
Played = tuple[int, Came]
"""Receive time in ns since 1970, and what came."""

_TIME_LIMIT_S = 2**63 / 1e9
"""Where ns since 1970 leave 64 bits: a time in ms or us lies beyond."""
_MOST_UNWATCHED = 1000


class _Watched(dict[str, Instrument]):
    """The instruments of a connection by the venue's own symbol; tells of each symbol that is looked up in vain."""

    def __init__(self, known: Mapping[str, Instrument], on_missing: Callable[[str], None]) -> None:
        super().__init__(known)
        self._on_missing = on_missing

    def get(self, venue_symbol: str, default: object = None) -> Instrument | None:  # type: ignore[override]
        # A narrower signature than dict's: the only caller is a parser, which asks for one spelling.
        known = super().get(venue_symbol)
        if known is None:
            self._on_missing(venue_symbol)
        return known


class _Connection:
    """One recorded connection: its parser, the sieve behind it, and which of its instruments have had a quote."""

    def __init__(self, parser: QuoteParser, by_symbol: Mapping[str, Instrument], dropped: dict[str, int]) -> None:
        self.parser = parser
        self.by_symbol = by_symbol
        self.sieve = Sieve(dropped)
        self.quoted: set[int] = set()
        self.rejected: dict[int, str] = {}
        """What the venue has refused, and serves no more on this connection; why."""


class Player:
    """Reads several tapes at once, and does with each line what the feed did that received it.

    Lines that cannot be read go to `complain`, with file and line: the first few of each kind.
    """

    def __init__(
        self,
        sources: Sequence[TapeSource],
        instruments: Sequence[Instrument],
        listings: Mapping[str, Mapping[str, Listing]],
        complain: Complaint,
    ) -> None:
        self.dropped: dict[str, int] = {}
        """Frames and quotes that took no part, by reason."""
        self.frames = self.quotes = 0
        self.unwatched: dict[str, None] = {}
        """`SYMBOL of VENUE` for what is on the tapes and not among the instruments, in the order of coming."""
        self._sources = sources
        self._instruments = instruments
        self._listings = {venue: dict(listings.get(venue, {})) for venue in VENUES}
        self._complaints = Complaints(complain)
        self._connections: dict[tuple[int, str], _Connection] = {}
        self._unlisted: dict[int, str] = {}
        """By instrument, why the venue's list keeps it out."""

    @property
    def unserved(self) -> dict[int, str]:
        """By instrument, why its venue does not serve it at this point of the tapes."""
        rejected = {i: why for each in self._connections.values() for i, why in each.rejected.items()}
        return rejected | self._unlisted

    def play(self) -> Iterator[Played]:
        """Everything that came, merged by receive time; at the same time in the order of the tapes."""
        for ts_recv_ns, index, number, line in heapq.merge(*map(self._timed, range(len(self._sources))), key=_received):
            try:
                for came in self._feed(index, line):
                    yield ts_recv_ns, came
            except FrameError as error:
                self._count_and_complain(index, number, error)

    def _timed(self, index: int) -> Iterator[tuple[int, int, int, TapeLine]]:
        for number, line in read_tape(Path(self._sources[index].path)):
            if isinstance(line, BadFrame):
                self._count_and_complain(index, number, line)
            elif line.dir == "out" or line.kind == SETTINGS:
                continue
            elif line.t is None:
                self._count_and_complain(index, number, BadFrame('no receive time in "t": it cannot be replayed'))
            elif not 0.0 <= line.t < _TIME_LIMIT_S:
                found = BadFrame(f'expected seconds since 1970 in "t", found {line.t:g}')
                self._count_and_complain(index, number, found)
            else:
                yield round(line.t * 1e9), index, number, line

    def _feed(self, index: int, line: TapeLine) -> Iterator[Came]:
        if line.kind == LISTING:
            yield from self._take_list(index, line)
            return
        key = (index, line.url or "")
        if line.kind == DISCONNECTED:
            yield from self._disconnect(key, clean_text(line.raw or "no reason"))
            return
        connection = self._connections.get(key) or self._connect(key, line)
        self.frames += 1
        try:
            quotes = connection.parser.feed(line.frame())
        except (VenueRejected, BookLost) as error:
            yield from self._withdraw_one(key, error, stays_out=line.is_own)
            return
        except VenueClosing as error:
            yield from self._disconnect(key, str(error))
            return
        if self._unlisted or connection.rejected:
            barred = (self._unlisted, connection.rejected)
            quotes = [quote for quote in quotes if not any(quote.instrument_id in each for each in barred)]
        sound, withdrawn = connection.sieve.sift(quotes)
        yield from withdrawn
        if sound:
            self.quotes += len(sound)
            connection.quoted.update(quote.instrument_id for quote in sound)
            yield sound

    def _take_list(self, index: int, line: TapeLine) -> Iterator[Came]:
        venue, markets = venue_and_markets(self._sources[index], line)
        if venue not in VENUES:
            raise BadFrame("expected the venue that a list of instruments belongs to, found none")
        listings = VENUES[venue].parse_listings(line.frame())
        self._listings[venue].update(listings)
        if not line.is_own:
            return  # another recorder's list need not be whole, or of one market
        for instrument in self._instruments:
            if instrument.venue == venue and instrument.market in markets:
                reason = why_unlisted(listings.get(instrument.venue_symbol))
                if not reason:
                    self._serve_again(instrument)
                elif self._unlisted.get(instrument.id) != reason:
                    self._unlisted[instrument.id] = reason
                    yield Withdrawal((instrument.id,), reason)

    def _serve_again(self, instrument: Instrument) -> None:
        self._unlisted.pop(instrument.id, None)
        for connection in self._connections.values():
            connection.rejected.pop(instrument.id, None)

    def _withdraw_one(
        self, key: tuple[int, str], error: VenueRejected | BookLost, *, stays_out: bool
    ) -> Iterator[Came]:
        """The venue refuses one symbol, or one book is no longer known; all books, where none is named. What our own
        feed was refused stays out until it connected again; another recorder may have asked again."""
        connection = self._connections[key]
        words = kind_of(error)
        self._complaints.take(words, f"{self._sources[key[0]].path}: {words}: {error}")
        if isinstance(error, BookLost) and not error.venue_symbol:
            yield from self._disconnect(key, str(error))
            return
        instrument = connection.by_symbol.get(error.venue_symbol)
        if instrument is None or instrument.id in connection.rejected:
            return
        reason = f"{words}: {error.reason}"
        connection.sieve.withdraw(instrument.id)
        if isinstance(error, VenueRejected) and stays_out:
            connection.rejected[instrument.id] = reason
        yield Withdrawal((instrument.id,), reason)

    def _disconnect(self, key: tuple[int, str], reason: str) -> Iterator[Came]:
        """Withdraw what rests on a connection; what follows at its URL is a new one, with a parser of its own."""
        connection = self._connections.pop(key, None)
        if connection is not None:
            served = connection.quoted - connection.rejected.keys() - self._unlisted.keys()
            if served:
                yield Withdrawal(tuple(sorted(served)), f"disconnected: {reason}")

    def _connect(self, key: tuple[int, str], line: TapeLine) -> _Connection:
        source = self._sources[key[0]]
        venue, markets = venue_and_markets(source, line)
        if venue not in VENUES:
            raise unknown_venue(source, line.url)
        by_symbol = {
            instrument.venue_symbol: instrument
            for instrument in self._instruments
            if instrument.venue == venue and instrument.market in markets
        }

        def note_unwatched(venue_symbol: str) -> None:
            self._note_unwatched(source, venue, VENUES[venue].unified(venue_symbol, markets[0]) or venue_symbol)

        parser = VENUES[venue].parser(_Watched(by_symbol, note_unwatched), self._listings[venue])
        connection = self._connections[key] = _Connection(parser, by_symbol, self.dropped)
        return connection

    def _note_unwatched(self, source: TapeSource, venue: str, symbol: str) -> None:
        symbol = clean_text(symbol, NAME_LIMIT)
        name = f"{symbol} of {venue}"
        if name not in self.unwatched and len(self.unwatched) < _MOST_UNWATCHED:
            self.unwatched[name] = None
            self._complaints.take("unwatched", f"{source.path}: nobody watches {name}: add --symbol {symbol}")

    def _count_and_complain(self, index: int, number: int, error: FrameError) -> None:
        path = self._sources[index].path
        reason = "cut tape" if isinstance(error, TapeCut) else UNREADABLE
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        # A tape has one end: each that is cut is told, however many there are.
        kind = f"{reason} {path}" if isinstance(error, TapeCut) else reason
        self._complaints.take(kind, f"{path}:{number}: {error}")


def _received(timed: tuple[int, int, int, TapeLine]) -> tuple[int, int]:
    return timed[0], timed[1]
