"""Which quotes of a connection a feed passes on: sound ones that are not older than the one held."""

from collections.abc import Callable, Sequence, Set

from arbsniper_tui.model.quote import Quote, Withdrawal, defect, is_older
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words

OLDER = Reason(ReasonCode.OLDER)
RESTARTED = Reason(ReasonCode.NUMBERS_RESTARTED)
CHAIN = 3
"""After this many quotes in a row that are older than the one held, but in order, the venue has begun to count anew."""


class QuoteFilter:
    """Made for one connection. An unsound quote shows that the price held is no longer the venue's, so it withdraws
    its instrument; an older one shows nothing new, unless the venue has begun to count anew."""

    def __init__(
        self,
        dropped: dict[str, int],
        on_drop: Callable[[str, Quote], None] | None = None,
        barred: Set[int] = frozenset(),
    ) -> None:
        self.dropped = dropped
        """Counts by reason. The caller owns them, so that they outlive the connection."""
        self.barred = barred
        """Ids of instruments whose quotes are ignored. The caller owns and changes the set."""
        self._on_drop = on_drop
        self._held: dict[int, Quote] = {}
        self._withdrawn: set[int] = set()
        self._chains: dict[int, tuple[int, Quote]] = {}
        """By instrument: how many quotes in a row were older than the one held, and the last of them."""

    def apply(self, quotes: Sequence[Quote]) -> tuple[list[Quote], list[Withdrawal]]:
        """The quotes to pass on, and the instruments to withdraw, each once until it has a sound quote again."""
        sound: list[Quote] = []
        withdrawn: list[Withdrawal] = []
        for quote in quotes:
            instrument_id = quote.instrument_id
            if self.barred and instrument_id in self.barred:
                continue
            reason = defect(quote)
            held = self._held.get(instrument_id)
            if reason is None and held is not None and is_older(quote, held):
                if not self._is_new_chain(quote):
                    self._drop(OLDER, quote)
                    continue
                self._held[instrument_id] = quote
                reason = RESTARTED
            if reason is not None:
                self._drop(reason, quote)
                if instrument_id not in self._withdrawn:
                    self._withdrawn.add(instrument_id)
                    withdrawn.append(Withdrawal((instrument_id,), reason))
                # A sound quote before it in the same read is outdated too.
                sound = [kept for kept in sound if kept.instrument_id != instrument_id]
                continue
            self._held[instrument_id] = quote
            if self._withdrawn or self._chains:
                self._withdrawn.discard(instrument_id)
                self._chains.pop(instrument_id, None)
            sound.append(quote)
        return sound, withdrawn

    def has(self, instrument_id: int) -> bool:
        """Whether the instrument has had a sound quote."""
        return instrument_id in self._held

    def withdraw(self, instrument_id: int) -> None:
        """Note that an instrument was withdrawn for another reason; its next sound quote brings it back."""
        self._withdrawn.add(instrument_id)
        self._held.pop(instrument_id, None)

    def count(self, reason: str) -> None:
        """Count one dropped quote or frame."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def _is_new_chain(self, quote: Quote) -> bool:
        """Whether enough older quotes came in order, so that the one held must be wrong."""
        count, last = self._chains.get(quote.instrument_id, (0, quote))
        count = 1 if is_older(quote, last) else count + 1
        self._chains[quote.instrument_id] = (count, quote)
        if count < CHAIN:
            return False
        del self._chains[quote.instrument_id]
        return True

    def _drop(self, reason: Reason, quote: Quote) -> None:
        words = reason_words(reason)
        self.count(words)
        if self._on_drop is not None:
            self._on_drop(words, quote)
