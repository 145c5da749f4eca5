"""From the frames of one connection to the quotes that pass: live, from tapes, in `decode` and in the benchmark."""

from collections.abc import Callable, Mapping, Sequence

from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.model.errors import BookLost, FrameError
from arbsniper_tui.model.fact import FACT_TYPES, Fact, Mark, OpenInterest, is_sound
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.venues.base import Aside, Parser
from arbsniper_tui.venues.multiplier import fact_of_one_coin, of_one_coin

Told = FrameError | Withdrawal | Aside
"""What frames say beside quotes: an unreadable frame, a refusal, a lost book, an announced end; instruments that take
no part until their next quote; facts, replies to send, and that subscriptions are taken."""


class VenueReader:
    """A parser and the filter behind it.

    What frames say beside quotes is told before `read` returns the quotes. So a rejection that is told can bar its
    instrument from this read on.
    """

    def __init__(
        self,
        parser: Parser,
        instruments: Mapping[str, Instrument],
        tell: Callable[[Told], None],
        quote_filter: QuoteFilter | None = None,
        *,
        multipliers: Mapping[int, int] | None = None,
    ) -> None:
        """`instruments` is by the venue's own symbol; without `quote_filter` every quote passes. `multipliers` is by
        id, of instruments that are sold by the thousand alone; the caller owns and changes it."""
        self._feed = parser.feed
        self._asides = parser.asides
        self._instruments = instruments
        self._tell = tell
        self._filter = quote_filter
        self._multipliers = multipliers if multipliers is not None else {}

    def read(self, frames: Sequence[bytes]) -> Sequence[Quote]:
        """The quotes of these frames that pass, in their order."""
        # One function from frames to quotes, since it runs for every read of every connection.
        feed = self._feed
        found: list[Quote] = []
        for frame in frames:
            try:
                found += feed(frame)
            except FrameError as error:
                found = self._take_error(error, found)
        if self._asides:
            self._tell_asides()
        if self._multipliers:
            found = [of_one_coin(quote, self._multipliers) for quote in found]
        if not found or self._filter is None:
            return found
        sound, withdrawn = self._filter.apply(found)
        for withdrawal in withdrawn:
            self._tell(withdrawal)
        return sound

    def _take_error(self, error: FrameError, found: list[Quote]) -> list[Quote]:
        """Tell of a frame without quotes. Returns which quotes before it are still valid."""
        self._tell(error)
        if not isinstance(error, BookLost):
            return found
        lost = self._instruments.get(error.venue_symbol)
        if lost is None or self._filter is None or lost.id in self._filter.barred:
            return found
        self._filter.withdraw(lost.id)
        self._tell(Withdrawal((lost.id,), Reason(ReasonCode.BOOK_LOST, words=error.reason)))
        return [quote for quote in found if quote.instrument_id != lost.id]

    def _tell_asides(self) -> None:
        asides = self._asides.copy()
        self._asides.clear()
        for aside in asides:
            told = told_of_one_coin(aside, self._multipliers) if isinstance(aside, FACT_TYPES) else aside
            if told is not None:
                self._tell(told)


def told_of_one_coin(fact: Fact, multipliers: Mapping[int, int]) -> Fact | None:
    """What a venue says of an instrument, of one base coin; None where its numbers cannot be true."""
    told = fact_of_one_coin(fact, multipliers) if isinstance(fact, Mark | OpenInterest) else fact
    return told if is_sound(told) else None
