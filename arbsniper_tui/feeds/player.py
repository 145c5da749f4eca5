"""Tapes through the parsers: one stream of quotes in the order of receipt, with the tapes' times."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.feeds.served import Served
from arbsniper_tui.feeds.venue_reader import Told, VenueReader, told_of_one_coin
from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text
from arbsniper_tui.model.errors import BadFrame, BookLost, FrameError, TapeCut, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import FACT_TYPES, Fact, InstrumentStatus
from arbsniper_tui.model.instrument import Instrument, InstrumentChange, Market
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.tapes.complaints import UNREADABLE, Complaints, kind_of
from arbsniper_tui.tapes.source import TapeSource, unknown_venue, venue_and_markets
from arbsniper_tui.tapes.tape import (
    DISCONNECTED,
    FACT_STREAM,
    FACTS,
    INSTRUMENTS,
    LISTING,
    SETTINGS,
    TapeLine,
    read_tape,
)
from arbsniper_tui.universe.names import listed_as
from arbsniper_tui.venues import adapter_of
from arbsniper_tui.venues.base import Find, by_each_name
from arbsniper_tui.venues.decoding import decoder
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.sizes import order_limits

Complaint = Callable[[str], None]
Came = list[Quote] | Withdrawal | Fact | InstrumentChange
Played = tuple[int, Came]
"""Receive time in ns since 1970, and what came."""

_TIME_LIMIT_S = 2**63 / 1e9
"""Above this, ns since 1970 do not fit 64 bits: the time was written in ms or us."""
_MOST_UNWATCHED = 1000
_CHANGE = decoder(InstrumentChange, "instruments of a tape")


class _Connection:
    """One recorded connection: the reader of its frames, and which of its instruments have had a quote."""

    def __init__(
        self,
        reader: VenueReader,
        quote_filter: QuoteFilter,
        by_symbol: dict[str, Instrument],
        serves: Callable[[Instrument], bool],
    ) -> None:
        """`by_symbol` is what its parser finds instruments in; `serves` tells those of its venue and markets."""
        self.reader = reader
        self.quote_filter = quote_filter
        self.by_symbol = by_symbol
        self._serves = serves
        self.quoted: set[int] = set()

    def change(self, added: Iterable[Instrument], gone: Iterable[Instrument]) -> None:
        """Find also these from now on, and no more those that are gone."""
        for each in gone:
            if self.by_symbol.get(each.venue_symbol, each).id == each.id:
                self.by_symbol.pop(each.venue_symbol, None)
        self.by_symbol |= {each.venue_symbol: each for each in added if self._serves(each)}


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
        *,
        follows: bool = False,
    ) -> None:
        """With `follows`, instruments come and go as the tapes say."""
        self.dropped: dict[str, int] = {}
        """Frames and quotes that took no part, by reason."""
        self.frames = self.quotes = 0
        self.unwatched: dict[str, None] = {}
        """`SYMBOL of VENUE` for each symbol of the tapes that is not among the instruments, in order."""
        self._sources = sources
        self.instruments = list(instruments)
        self._follows = follows
        self._listings: dict[str, dict[str, Listing]] = defaultdict(dict)
        for venue, known in listings.items():
            self._listings[venue].update(known)
        self._complaints = Complaints(complain)
        self._connections: dict[tuple[int, str], _Connection] = {}
        self._served = Served(instruments, self._bar)
        self._line: tuple[int, int, TapeLine]
        """Tape, line number and line of the frame that is being read."""
        self._came: list[Came] = []
        """What the current line gave so far."""

    @property
    def unserved(self) -> dict[int, Reason]:
        """By instrument, why its venue does not serve it at this point of the tapes."""
        return self._served.reasons

    def play(self) -> Iterator[Played]:
        """Everything that came, merged by receive time; at the same time in the order of the tapes."""
        for ts_recv_ns, index, number, line in heapq.merge(*map(self._timed, range(len(self._sources))), key=_received):
            try:
                self._play_line(index, number, line)
            except FrameError as error:
                self._count_and_complain(index, number, error)
            came, self._came = self._came, []
            for each in came:
                yield ts_recv_ns, each

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

    def _play_line(self, index: int, number: int, line: TapeLine) -> None:
        if line.kind == LISTING:
            self._take_list(index, line)
            return
        if line.kind == FACTS:
            self._take_facts(index, line)
            return
        key = (index, line.url or "")
        if line.kind == INSTRUMENTS:
            if self._follows:
                self._change(_CHANGE(line.frame()))
            return
        if line.kind == DISCONNECTED:
            self._disconnect(key, clean_text(line.raw or "no reason"))
            return
        self._line = index, number, line
        connection = self._connections.get(key) or self._connect(key, line)
        self.frames += 1
        quotes = list(connection.reader.read((line.frame(),)))
        if quotes:
            self.quotes += len(quotes)
            connection.quoted.update(quote.instrument_id for quote in quotes)
            self._came.append(quotes)

    def _take(self, told: Told) -> None:
        """Take what a frame says beside quotes. Replies were sent when the tape was recorded."""
        index, number, line = self._line
        if isinstance(told, (Withdrawal, *FACT_TYPES)):
            self._came.append(told)
        elif isinstance(told, InstrumentStatus):
            self._served.take_status(told)
        elif isinstance(told, VenueClosing):
            self._disconnect((index, line.url or ""), str(told))
        elif isinstance(told, VenueRejected | BookLost):
            self._complaints.take(kind_of(told), f"{self._sources[index].path}: {kind_of(told)}: {told}")
            if isinstance(told, VenueRejected):
                self._take_rejection(told)
            elif not told.venue_symbol:
                self._disconnect((index, line.url or ""), str(told))
        elif isinstance(told, FrameError):
            self._count_and_complain(index, number, told)

    def _take_rejection(self, rejected: VenueRejected) -> None:
        """An instrument that our own feed was refused stays out until the next connection. Another recorder may have
        subscribed it again."""
        index, _, line = self._line
        connection = self._connections[index, line.url or ""]
        instrument = connection.by_symbol.get(rejected.venue_symbol)
        if instrument is None:
            return
        reason = Reason(ReasonCode.REJECTED, words=rejected.reason)
        if line.is_own:
            self._served.reject(instrument, reason)
        else:
            connection.quote_filter.withdraw(instrument.id)
            self._came.append(Withdrawal((instrument.id,), reason))

    def _bar(self, instrument: Instrument, reason: Reason) -> None:
        """The venue does not serve this instrument: withdraw it, and ignore its quotes."""
        for connection in self._connections.values():
            connection.quote_filter.withdraw(instrument.id)
        self._came.append(Withdrawal((instrument.id,), reason))

    def _take_list(self, index: int, line: TapeLine) -> None:
        venue, markets = venue_and_markets(self._sources[index], line)
        if not venue:
            raise BadFrame("expected the venue that a list of instruments belongs to, found none")
        listings = adapter_of(venue).parse_listings(line.frame())
        self._listings[venue].update(listings)
        if line.is_own:  # another recorder's list need not be whole, or of one market
            own = [each for each in self.instruments if each.venue == venue and each.market in markets]
            listed = [listed_as(adapter_of(venue), each, listings) for each in own]
            self._served.take_list(listings, listed)
            for each in listed:
                if (listing := listings.get(each.venue_symbol)) and (limits := order_limits(listing, each)):
                    self._came.append(limits)

    def _change(self, change: InstrumentChange) -> None:
        """Watch the instruments that joined, and no more those that left."""
        gone = self._served.remove(change.removed)
        known = {each.id for each in self.instruments} - {each.id for each in gone}
        added = tuple(each for each in change.added if each.id not in known)
        self.instruments = [each for each in self.instruments if each.id in known] + list(added)
        self._served.add(added)
        for connection in self._connections.values():
            connection.change(added, gone)
        self._came.append(InstrumentChange(added, tuple(each.id for each in gone)))

    def _take_facts(self, index: int, line: TapeLine) -> None:
        """What a venue told by REST."""
        venue, markets = venue_and_markets(self._sources[index], line)
        if not venue:
            raise BadFrame("expected the venue that facts belong to, found none")
        multipliers: dict[int, int] = {}
        find = _noting(multipliers, self._instruments_of(venue, markets))
        for fact in adapter_of(venue).parse_facts(line.frame(), find, self._listings[venue]):
            if told := told_of_one_coin(fact, multipliers):
                self._came.append(told)

    def _disconnect(self, key: tuple[int, str], reason: str) -> None:
        """Withdraw the instruments of a connection. The next frame of its URL belongs to a new connection."""
        connection = self._connections.pop(key, None)
        if connection is not None:
            if served := connection.quoted - self._served.barred:
                ids = tuple(each.id for each in self.instruments if each.id in served)
                self._came.append(Withdrawal(ids, Reason(ReasonCode.DISCONNECTED, words=reason)))
            self._served.ask_again(list(connection.by_symbol.values()))

    def _connect(self, key: tuple[int, str], line: TapeLine) -> _Connection:
        source = self._sources[key[0]]
        venue, markets = venue_and_markets(source, line)
        if not venue:
            raise unknown_venue(source, line.url)
        by_symbol = self._instruments_of(venue, markets)
        multipliers: dict[int, int] = {}
        find_watched = _noting(multipliers, by_symbol)

        def find(venue_symbol: str) -> Instrument | None:
            if (known := find_watched(venue_symbol)) is None and line.kind != FACT_STREAM:
                self._note_unwatched(source, venue, adapter_of(venue).unified(venue_symbol, markets[0]) or venue_symbol)
            return known

        parser = adapter_of(venue).parser(markets[0], find, self._listings[venue])
        quote_filter = QuoteFilter(self.dropped, barred=self._served.barred)
        reader = VenueReader(parser, by_symbol, self._take, quote_filter, multipliers=multipliers)

        def serves(instrument: Instrument) -> bool:
            return instrument.venue == venue and instrument.market in markets

        connection = self._connections[key] = _Connection(reader, quote_filter, by_symbol, serves)
        return connection

    def _instruments_of(self, venue: str, markets: Sequence[Market]) -> dict[str, Instrument]:
        """By each name under which the venue may list them."""
        return by_each_name(
            adapter_of(venue), [i for i in self.instruments if i.venue == venue and i.market in markets]
        )

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
        # A tape has one end, so each cut tape is reported, however many there are.
        kind = f"{reason} {path}" if isinstance(error, TapeCut) else reason
        self._complaints.take(kind, f"{path}:{number}: {error}")


def _noting(multipliers: dict[int, int], by_name: Mapping[str, Instrument]) -> Find:
    """Gives an instrument, and notes how many coins one is under the name that was asked for."""

    def find(venue_symbol: str) -> Instrument | None:
        known = by_name.get(venue_symbol)
        if known is not None and known.multiplier != 1:
            multipliers[known.id] = known.multiplier
        return known

    return find


def _received(timed: tuple[int, int, int, TapeLine]) -> tuple[int, int]:
    return timed[0], timed[1]
