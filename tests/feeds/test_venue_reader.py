"""From frames to quotes that pass: in the order of the frames, and all that is told beside them before."""

from collections.abc import Mapping, Sequence

import pytest

from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.feeds.venue_reader import Told, VenueReader
from arbsniper_tui.model.errors import BadFrame, BookLost, VenueRejected
from arbsniper_tui.model.fact import Mark
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.venues.base import Parser, Reply

BTC = Instrument(0, "made-up", "BTC/USDT", "BTC-USDT", "USDT", 0.1)
ETH = Instrument(1, "made-up", "ETH/USDT", "ETH-USDT", "USDT", 0.1)
BY_SYMBOL = {each.venue_symbol: each for each in (BTC, ETH)}


def quote(instrument: Instrument, bid: float, ask: float | None = None) -> Quote:
    return Quote(instrument.id, bid, 1.0, ask or bid + 1, 1.0)


class ScriptedParser(Parser):
    """Gives for each frame what the test has put down for it."""

    def __init__(self, script: Mapping[bytes, object]) -> None:
        super().__init__(BY_SYMBOL.get, {})
        self._script = script

    def feed(self, frame: bytes) -> Sequence[Quote]:
        given = self._script[frame]
        if isinstance(given, Exception):
            raise given
        if isinstance(given, Quote):
            return (given,)
        self.asides.append(given)  # type: ignore[arg-type] # what is neither quote nor error is an aside
        return ()


class Reading:
    """A reader, and what it told."""

    def __init__(self, *given: object, barred: frozenset[int] = frozenset(), is_filtered: bool = True) -> None:
        self.told: list[Told] = []
        frames = [b"%d" % number for number in range(len(given))]
        self.dropped: dict[str, int] = {}
        quote_filter = QuoteFilter(self.dropped, barred=barred) if is_filtered else None
        parser = ScriptedParser(dict(zip(frames, given, strict=True)))
        self.quotes = list(VenueReader(parser, BY_SYMBOL, self.told.append, quote_filter).read(frames))


def test_quotes_pass_in_the_order_of_their_frames() -> None:
    reading = Reading(quote(BTC, 100), quote(ETH, 10), quote(BTC, 101))
    assert reading.quotes == [quote(BTC, 100), quote(ETH, 10), quote(BTC, 101)]
    assert reading.told == []


def test_an_unsound_quote_withdraws_its_instrument_and_is_counted() -> None:
    reading = Reading(quote(BTC, 100, 99), quote(ETH, 10))
    assert reading.quotes == [quote(ETH, 10)]
    assert reading.told == [Withdrawal((0,), Reason(ReasonCode.CROSSED))]
    assert reading.dropped == {"crossed": 1}


def test_an_unreadable_frame_costs_no_other_frame_of_the_read() -> None:
    bad = BadFrame("no frame")
    reading = Reading(quote(BTC, 100), bad, quote(ETH, 10))
    assert reading.quotes == [quote(BTC, 100), quote(ETH, 10)]
    assert reading.told == [bad]


def test_a_lost_book_withdraws_its_instrument_with_the_quotes_before_it() -> None:
    lost = BookLost("BTC-USDT", "a gap")
    reading = Reading(quote(BTC, 100), quote(ETH, 10), lost)
    assert reading.quotes == [quote(ETH, 10)]
    assert reading.told == [lost, Withdrawal((0,), Reason(ReasonCode.BOOK_LOST, words="a gap"))]


def test_a_new_snapshot_in_the_same_read_mends_a_lost_book() -> None:
    assert Reading(BookLost("BTC-USDT", "a gap"), quote(BTC, 100)).quotes == [quote(BTC, 100)]


@pytest.mark.parametrize("symbol", ["", "SOL-USDT", "BTC-USDT"])
def test_a_lost_book_of_nothing_that_takes_part_withdraws_nothing(symbol: str) -> None:
    lost = BookLost(symbol, "a gap")
    reading = Reading(quote(ETH, 10), lost, barred=frozenset((BTC.id,)))
    assert (reading.quotes, reading.told) == ([quote(ETH, 10)], [lost])


def test_what_is_told_may_bar_an_instrument_from_this_read_on() -> None:
    barred: set[int] = set()
    parser = ScriptedParser({b"0": quote(BTC, 100), b"1": VenueRejected("BTC-USDT", "no"), b"2": quote(BTC, 101)})
    reader = VenueReader(parser, BY_SYMBOL, lambda told: barred.add(BTC.id), QuoteFilter({}, barred=barred))
    assert list(reader.read((b"0", b"1", b"2"))) == []


def test_asides_are_told_once() -> None:
    told: list[Told] = []
    parser = ScriptedParser({b"0": Reply("pong"), b"1": Mark(0, 100.0), b"2": quote(BTC, 100)})
    reader = VenueReader(parser, BY_SYMBOL, told.append)
    reader.read((b"0", b"1"))
    reader.read((b"2",))
    assert told == [Reply("pong"), Mark(0, 100.0)]


def test_without_a_filter_every_quote_passes() -> None:
    reading = Reading(quote(BTC, 100, 99), is_filtered=False)
    assert (reading.quotes, reading.told) == ([quote(BTC, 100, 99)], [])
