"""Steps of a quote's way one by one, in this process, on the frames of a recording."""

import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.feeds.venue_reader import Told, VenueReader
from arbsniper_tui.model.errors import BadFrame, FrameError
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.tapes.tape import LISTING, TapeLine, read_tape
from arbsniper_tui.tools.benchmark.report import Cost
from arbsniper_tui.tools.benchmark.rounds import median_us
from arbsniper_tui.tools.benchmark.small_costs import measure_small_costs
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Parser
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.wire.messages import QuoteBatch, decode_from_feed, encode


def measure_costs(folder: Path, instruments: Sequence[Instrument], route_kinds: Sequence[str]) -> tuple[Cost, ...]:
    """Parse each tape of the folder, carry its quotes over the codec, and judge them in the detector."""
    costs: list[Cost] = []
    quotes: list[Quote] = []
    gc.disable()
    try:
        for tape in sorted(folder.iterdir()):
            recording = _Recording(tape, instruments)
            if recording.frames:
                costs.append(Cost(f"parse {recording.name}", recording.parse_us(), "frame"))
                quotes += recording.quotes
        if quotes:
            costs.append(Cost("encode for the bus", median_us(lambda: _encode_all(quotes), len(quotes)), "quote"))
            sent = [encode(QuoteBatch(1, 1, [quote])) for quote in quotes]
            costs.append(Cost("decode from the bus", median_us(lambda: _decode_all(sent), len(sent)), "quote"))
            costs.append(Cost("detector", _detector_us(quotes, instruments, route_kinds), "quote"))
        costs += measure_small_costs(instruments)
    finally:
        gc.enable()
    return tuple(costs)


class _Recording:
    """One connection's frames that can be read, and the quotes in them that pass the filter."""

    def __init__(self, tape: Path, instruments: Sequence[Instrument]) -> None:
        self.name = ""
        self.frames: list[bytes] = []
        self.quotes: list[Quote] = []
        self._listings: dict[str, Listing] = {}
        frames: list[bytes] = []
        for line in _lines(tape):
            venue, market = line.venue or "", line.market or ""
            if not self.name and market:
                self.name = f"{venue} {market}"
                self._adapter, self._market = VENUES[venue], Market(market)
                self._subscribed = {
                    each.venue_symbol: each for each in instruments if each.venue == venue and each.market == market
                }
            if line.kind == LISTING:
                self._listings.update(self._adapter.parse_listings(line.frame()))
            elif line.is_frame:
                frames.append(line.frame())
        if frames:
            self._read(frames)

    def _read(self, frames: Sequence[bytes]) -> None:
        told: list[Told] = []
        reader = VenueReader(self._parser(), self._subscribed, told.append, QuoteFilter({}))
        for frame in frames:
            self.quotes += reader.read((frame,))
            if not any(isinstance(each, FrameError) for each in told):
                self.frames.append(frame)
            told.clear()

    def parse_us(self) -> float:
        """For one frame, with the connection's state made anew each time the recording is gone through."""

        def parse_all() -> None:
            feed = self._parser().feed
            for frame in self.frames:
                feed(frame)

        return median_us(parse_all, len(self.frames))

    def _parser(self) -> Parser:
        return self._adapter.parser(self._market, self._subscribed.get, self._listings)


def _lines(tape: Path) -> Iterator[TapeLine]:
    for _, line in read_tape(tape):
        if not isinstance(line, BadFrame):
            yield line


def _encode_all(quotes: Sequence[Quote]) -> None:
    for quote in quotes:
        encode(QuoteBatch(1, 1, [quote]))


def _decode_all(sent: Sequence[bytes]) -> None:
    for body in sent:
        decode_from_feed(body)


def _detector_us(quotes: Sequence[Quote], instruments: Sequence[Instrument], route_kinds: Sequence[str]) -> float:
    detector = Detector(instruments, route_kinds, Rules(), "bench")
    clock_ns = 0

    def judge_all() -> None:
        nonlocal clock_ns
        for quote in quotes:
            clock_ns += 1_000_000
            detector.on_quote(quote, clock_ns, clock_ns)

    return median_us(judge_all, len(quotes))
