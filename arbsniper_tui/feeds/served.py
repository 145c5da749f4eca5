"""Which of a connection's instruments the venue serves: by its list, and by its word on the connection."""

from collections.abc import Callable, Mapping, Sequence

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.venues.base import Listing, why_unlisted

NONE_SERVED = "the venue serves none of its symbols"

OnBarred = Callable[[Instrument, str], None]
"""An instrument that is not served any more, and why."""


class Served:
    """A reason that rests on the list falls with the list; a rejection stands until the symbol is asked for again."""

    def __init__(self, instruments: Sequence[Instrument], on_barred: OnBarred) -> None:
        self._instruments = instruments
        self._by_symbol = {each.venue_symbol: each for each in instruments}
        self._on_barred = on_barred
        self._unlisted: dict[str, str] = {}
        self._rejected: dict[str, str] = {}
        self.barred: set[int] = set()
        """Ids of what takes no part, whatever quotes come."""

    @property
    def by_symbol(self) -> Mapping[str, Instrument]:
        """By the venue's own symbol."""
        return self._by_symbol

    @property
    def reasons(self) -> dict[str, str]:
        """Unified symbol -> why it is not served."""
        return self._rejected | self._unlisted

    @property
    def wanted(self) -> list[Instrument]:
        """What to subscribe."""
        return [each for each in self._instruments if each.id not in self.barred]

    def take_list(self, listings: Mapping[str, Listing]) -> list[Instrument]:
        """Take a list as the venue's word of now. Returns what is served again, to be subscribed."""
        back: list[Instrument] = []
        for each in self._instruments:
            reason = why_unlisted(listings.get(each.venue_symbol))
            if reason:
                self._bar(each, self._unlisted, reason)
            elif self._unlisted.pop(each.symbol, "") or self._rejected.pop(each.symbol, ""):
                # The venue lists what it once refused: it is asked again.
                self._rejected.pop(each.symbol, None)
                self.barred.discard(each.id)
                back.append(each)
        return back

    def reject(self, venue_symbol: str, reason: str) -> Instrument | None:
        """The venue refuses a symbol. Returns which instrument that is, or None where it is none of these."""
        instrument = self._by_symbol.get(venue_symbol)
        if instrument is not None:
            self._bar(instrument, self._rejected, reason)
        return instrument

    def ask_again(self) -> None:
        """Forget rejections: what was refused on a connection before may be served on the next."""
        for symbol in self._rejected:
            self.barred -= {each.id for each in self._instruments if each.symbol == symbol} - self._unlisted_ids
        self._rejected.clear()

    @property
    def _unlisted_ids(self) -> set[int]:
        return {each.id for each in self._instruments if each.symbol in self._unlisted}

    def _bar(self, instrument: Instrument, reasons: dict[str, str], reason: str) -> None:
        is_news = reasons.get(instrument.symbol) != reason
        reasons[instrument.symbol] = reason
        self.barred.add(instrument.id)
        if is_news:
            self._on_barred(instrument, reason)
