"""What a feed lets through: sound quotes that are not older than the one held. Counts the rest by reason."""

from collections.abc import Callable, Sequence

from arbsniper_tui.model.quote import Quote, Withdrawal, defect, is_older

OLDER = "older than the quote held"


class Sieve:
    """Made for one connection. An unsound quote says that the price held is no longer the venue's, so it withdraws
    its instrument; an older one says nothing new."""

    def __init__(self, dropped: dict[str, int], on_drop: Callable[[str, Quote], None] | None = None) -> None:
        self.dropped = dropped
        """Counts by reason; the caller's, so that they outlive the connection."""
        self._on_drop = on_drop
        self._held: dict[int, Quote] = {}
        self._withdrawn: set[int] = set()

    def sift(self, quotes: Sequence[Quote]) -> tuple[list[Quote], list[Withdrawal]]:
        """The quotes to pass on, and what is to be withdrawn, each instrument once until it is sound again."""
        sound: list[Quote] = []
        withdrawn: list[Withdrawal] = []
        for quote in quotes:
            instrument_id = quote.instrument_id
            if reason := defect(quote):
                self._drop(reason, quote)
                if instrument_id not in self._withdrawn:
                    self._withdrawn.add(instrument_id)
                    withdrawn.append(Withdrawal((instrument_id,), reason))
                # A sound quote that came before it in the same frame is no longer the venue's either.
                sound = [kept for kept in sound if kept.instrument_id != instrument_id]
                continue
            held = self._held.get(instrument_id)
            if held is not None and is_older(quote, held):
                self._drop(OLDER, quote)
                continue
            self._held[instrument_id] = quote
            self._withdrawn.discard(instrument_id)
            sound.append(quote)
        return sound, withdrawn

    def _drop(self, reason: str, quote: Quote) -> None:
        self.count(reason)
        if self._on_drop is not None:
            self._on_drop(reason, quote)

    def count(self, reason: str) -> None:
        """Count one dropped quote or frame."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
