"""`decode`: what a venue's parser makes of each line of a tape."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.config.venue_names import why_unknown
from arbsniper_tui.feeds.venue_reader import Told, VenueReader
from arbsniper_tui.model.errors import BadFrame, FrameError, TapeCut, TapeError, UsageError
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.model.words import counted, counted_by_reason
from arbsniper_tui.tapes.complaints import Complaints, kind_of
from arbsniper_tui.tapes.listings import read_listings
from arbsniper_tui.tapes.source import TapeSource, venue_and_markets
from arbsniper_tui.tapes.tape import DISCONNECTED, INSTRUMENTS, LISTING, SETTINGS, TapeLine, read_tape
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Find, SymbolsByRule, by_each_name

_to_json = msgspec.json.Encoder().encode


class _Decoded(Struct):
    venue: str
    symbol: str
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    ts_venue_ms: int | None
    t: float | None


class Decoder:
    """One reader for each connection of the tape. No quote is filtered: each is shown, or said to take no part."""

    def __init__(
        self, argument: str, symbols: Sequence[str], list_file: Path | None, say: Callable[[str], None]
    ) -> None:
        venue, _, market = argument.lower().partition(":")
        if venue not in VENUES:
            raise _no_venue(argument, venue)
        if market and market not in list(Market):
            raise UsageError(f"VENUE {argument}: expected {venue}, {venue}:spot or {venue}:perp")
        self._adapter = VENUES[venue]
        self._source = TapeSource("", venue, market)
        asked = by_each_name(self._adapter, [self._instrument(text) for text in symbols]).values()
        self._subscribed = [replace(each, id=number) for number, each in enumerate(asked)]
        self._listings = read_listings(venue, list_file) if list_file else {}
        self._connections: dict[str, tuple[VenueReader, Sequence[Instrument]]] = {}
        self._say = say
        self._complaints = Complaints(say)
        self._number = self._frames = self._quotes = 0
        self._told_venue = ""

    def run(self, tape: Path, output: BinaryIO) -> None:
        """Decode a whole tape, up to where it is cut off. Raises TapeError for one that cannot be opened."""
        for number, line in read_tape(tape):
            self._number = number
            if isinstance(line, TapeCut):
                self._complaints.take("cut tape", f"tape {tape}, line {number}: {line}")
                break
            try:
                if isinstance(line, BadFrame):
                    self._frames += 1
                    raise line
                for quote, instrument in self._decode(line):
                    if words := reason_words(defect(quote)):
                        text = f"line {number}: a quote that takes no part: {words}: {quote}"
                        self._complaints.take(words, text)
                    else:
                        self._quotes += 1
                        output.write(_to_json(_decoded(quote, instrument, line.t)) + b"\n")
            except FrameError as error:
                is_list = isinstance(line, TapeLine) and line.kind == LISTING
                self._complaints.take("unreadable list" if is_list else kind_of(error), f"line {number}: {error}")
        output.flush()

    def conclude(self) -> None:
        """Say how much there was, where there was trouble. Raises TapeError where no quote was in what there was."""
        has_nothing = not self._quotes and bool(self._frames or self._complaints.counts)
        if self._complaints.counts or has_nothing:
            counts = {"quote" if self._quotes == 1 else "quotes": self._quotes, **self._complaints.counts}
            self._say(f"{counted(self._frames, 'frame')}: {counted_by_reason(counts)}")
        if has_nothing:
            raise TapeError(self._why_nothing())

    def _why_nothing(self) -> str:
        told, own = self._told_venue, self._adapter.venue
        if told not in ("", own):
            return f"no quote could be read as {own}: the frames come from {told}, by their URL; write decode {told}"
        asked = ", ".join(dict.fromkeys(instrument.symbol for instrument in self._subscribed))
        return f"no quote could be read as {own}" + (f" of {asked}" if asked else "")

    def _decode(self, line: TapeLine) -> list[tuple[Quote, Instrument]]:
        if line.dir == "out" or line.kind in (SETTINGS, INSTRUMENTS):
            return []
        if line.kind == LISTING:
            self._listings.update(self._adapter.parse_listings(line.frame()))
            return []
        if line.kind == DISCONNECTED:
            self._connections.pop(line.url or "", None)
            return []
        self._frames += 1
        self._told_venue = self._told_venue or venue_and_markets(TapeSource(""), line)[0]
        reader, instruments = self._connection(line)
        return [(quote, instruments[quote.instrument_id]) for quote in reader.read((line.frame(),))]

    def _take(self, told: Told) -> None:
        if isinstance(told, FrameError):
            self._complaints.take(kind_of(told), f"line {self._number}: {told}")

    def _connection(self, line: TapeLine) -> tuple[VenueReader, Sequence[Instrument]]:
        key = line.url or ""
        if key not in self._connections:
            _, markets = venue_and_markets(self._source, line)
            by_rule = SymbolsByRule(self._adapter, markets[0])
            find: Find = by_rule.find
            by_symbol, instruments, multipliers = by_rule.by_symbol, by_rule.all, by_rule.multipliers
            if self._subscribed:
                if not line.url and not self._source.market:
                    markets = tuple({instrument.market for instrument in self._subscribed})
                by_symbol = {i.venue_symbol: i for i in self._subscribed if i.market in markets}
                find, instruments = by_symbol.get, self._subscribed
                multipliers = {i.id: i.multiplier for i in self._subscribed if i.multiplier != 1}
            parser = self._adapter.parser(markets[0], find, self._listings)
            self._connections[key] = (
                VenueReader(parser, by_symbol, self._take, multipliers=multipliers),
                instruments,
            )
        return self._connections[key]

    def _instrument(self, text: str) -> Instrument:
        symbol = parse_symbol(text)
        spelled = self._adapter.venue_symbol(symbol)
        if not spelled or self._adapter.market(symbol.market) is None:
            raise UsageError(f"--symbol {text}: {self._adapter.venue} has no such market")
        return Instrument(0, self._adapter.venue, str(symbol), spelled, symbol.quote, 0.0)


def _no_venue(argument: str, venue: str) -> UsageError:
    names_a_file = argument == "-" or any(mark in argument for mark in "./") or Path(argument).exists()
    if not names_a_file:
        return UsageError(f"VENUE {argument}: {why_unknown(venue)}")
    expected = f"expected decode VENUE {argument} with one of {', '.join(VENUES)}"
    return UsageError(f"decode {argument}: VENUE is missing, {expected}")


def _decoded(quote: Quote, instrument: Instrument, t: float | None) -> _Decoded:
    return _Decoded(
        instrument.venue,
        instrument.symbol,
        quote.bid,
        quote.bid_size,
        quote.ask,
        quote.ask_size,
        quote.ts_venue_ms,
        t,
    )
