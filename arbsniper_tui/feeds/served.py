"""Which instruments their venue serves: by its list, by what it says of their status, and by its refusals."""

from collections.abc import Callable, Collection, Mapping, Sequence

from arbsniper_tui.model.fact import InstrumentStatus
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.venues.listing import Listing, why_unlisted

NONE_SERVED = "the venue serves none of its symbols"

OnBarred = Callable[[Instrument, Reason], None]
"""An instrument that is not served any more, and why."""


class Served:
    """An instrument that a list or a status took out comes back with the next one. A rejection stands until the symbol
    is subscribed again."""

    def __init__(self, instruments: Sequence[Instrument], on_barred: OnBarred) -> None:
        self._by_id = {each.id: each for each in instruments}
        self._on_barred = on_barred
        self._unlisted: dict[int, Reason] = {}
        self._rejected: dict[int, Reason] = {}
        self.barred: set[int] = set()
        """Ids of instruments whose quotes are ignored."""

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Serve these as well."""
        self._by_id |= {each.id: each for each in instruments}

    def remove(self, instrument_ids: Collection[int]) -> list[Instrument]:
        """Serve these no more. Returns those that were served."""
        gone = [self._by_id.pop(i) for i in instrument_ids if i in self._by_id]
        for each in gone:
            self._unlisted.pop(each.id, None)
            self._rejected.pop(each.id, None)
            self.barred.discard(each.id)
        return gone

    @property
    def reasons(self) -> dict[int, Reason]:
        """By id, why an instrument is not served."""
        return self._rejected | self._unlisted

    @property
    def wanted(self) -> list[Instrument]:
        """What to subscribe."""
        return [each for each in self._by_id.values() if each.id not in self.barred]

    def take_list(
        self, listings: Mapping[str, Listing], instruments: Sequence[Instrument] | None = None
    ) -> list[Instrument]:
        """Take a list for these instruments, or for all. Returns those that are served again, to be subscribed."""
        about = self._by_id.values() if instruments is None else instruments
        return [each for each in about if self._take(each, why_unlisted(listings.get(each.venue_symbol)))]

    def take_status(self, status: InstrumentStatus) -> list[Instrument]:
        """Take the status of one instrument. Returns it where it is served again, to be subscribed."""
        instrument = self._by_id[status.instrument_id]
        reason = None if status.is_trading else Reason(ReasonCode.NOT_TRADING, words=status.words)
        return [instrument] if self._take(instrument, reason) else []

    def reject(self, instrument: Instrument, reason: Reason) -> None:
        """The venue refuses an instrument."""
        self._bar(instrument, self._rejected, reason)

    def ask_again(self, instruments: Sequence[Instrument] | None = None) -> None:
        """Forget the rejections of these instruments, or of all: what was refused on a connection before may be served
        on the next."""
        for instrument_id in tuple(self._rejected) if instruments is None else [each.id for each in instruments]:
            self._rejected.pop(instrument_id, None)
            if instrument_id not in self._unlisted:
                self.barred.discard(instrument_id)

    def _take(self, instrument: Instrument, reason: Reason | None) -> bool:
        """Whether the instrument was out, and is served again."""
        if reason is not None:
            self._bar(instrument, self._unlisted, reason)
            return False
        # A listed instrument that was rejected before is subscribed again.
        was_out = instrument.id in self.barred
        self._unlisted.pop(instrument.id, None)
        self._rejected.pop(instrument.id, None)
        self.barred.discard(instrument.id)
        return was_out

    def _bar(self, instrument: Instrument, reasons: dict[int, Reason], reason: Reason) -> None:
        is_news = reasons.get(instrument.id) != reason
        reasons[instrument.id] = reason
        self.barred.add(instrument.id)
        if is_news:
            self._on_barred(instrument, reason)
