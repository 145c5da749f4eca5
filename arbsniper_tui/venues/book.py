"""Books of price levels, for venues that send a snapshot and then changes: the best bid and ask are kept here."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from math import inf

from arbsniper_tui.model.errors import BookLost
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.decoding import epoch_ms

Level = tuple[float, float]
"""Price and size."""
_JITTER_MS = 1000
"""A time may go back by this much: venues send frames slightly out of order."""


CROSSED_STATES = 3
"""After so many states in a row with the bid above the ask, a change must have been missed. A venue may show one or two
while it makes a change in parts."""


class Side:
    """One side of a book. Keys are the prices, negated for asks, so that the best is last on both sides and a
    change near the top moves little."""

    def __init__(self, sign: int, levels: Sequence[Level] = ()) -> None:
        self._sign = sign
        self.size_at = {price * sign: size for price, size in levels if size}
        self.keys = sorted(self.size_at)

    def set(self, price: float, size: float) -> None:
        """The new size of a level; 0 removes it."""
        key = price * self._sign
        if size:
            if key not in self.size_at:
                insort(self.keys, key)
            self.size_at[key] = size
        elif self.size_at.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]

    def trim(self, depth: int) -> None:
        """Keep the best `depth` levels: a venue that tells so many says nothing of one that falls behind them."""
        if len(self.keys) > depth:
            for key in self.keys[:-depth]:
                del self.size_at[key]
            del self.keys[:-depth]


class Book:
    """One instrument's levels, and the time of its state.

    The time never goes back, not even from one snapshot to the next: what arrives later on a connection is newer.
    """

    def __init__(self) -> None:
        self.is_lost = True
        self.bids = Side(1)
        self.asks = Side(-1)
        self._ts_venue_ms: int | None = None
        self._latest_ms: int | None = None
        self.crossed = 0
        """How many of the newest states in a row had the bid above the ask."""

    def begin(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Take a snapshot."""
        self.bids = Side(1, bids)
        self.asks = Side(-1, asks)
        self._ts_venue_ms = None
        self.is_lost = False
        self.crossed = 0

    def date(self, time: datetime | None) -> None:
        """Take the time of a frame. Some of Coinbase's updates carry the year 1, which says nothing of their age."""
        self.date_ms(None if time is None or time.year < 2000 else epoch_ms(time))

    def date_ms(self, ts_ms: int | None) -> None:
        """Take the time of a frame, ms since 1970."""
        latest_ms = self._latest_ms
        if ts_ms is None:
            self._ts_venue_ms = None
        elif latest_ms is None or ts_ms >= latest_ms:
            self._ts_venue_ms = self._latest_ms = ts_ms
        elif latest_ms - ts_ms <= _JITTER_MS:
            self._ts_venue_ms = latest_ms
        else:
            # The time before, or the venue's clock, was wrong: nothing compares with the time of this state.
            self._ts_venue_ms, self._latest_ms = None, ts_ms

    def quote(self, instrument_id: int) -> Quote:
        """The top as it is now, with zeros for an empty side."""
        bids, asks = self.bids, self.asks
        bid = bids.keys[-1] if bids.keys else 0.0
        ask = asks.keys[-1] if asks.keys else 0.0
        bid_size, ask_size = bids.size_at.get(bid, 0.0), asks.size_at.get(ask, 0.0)
        self.crossed = self.crossed + 1 if bids.keys and asks.keys and bid > -ask else 0
        # Not -ask, which is -0.0 for an empty side.
        return Quote(instrument_id, bid, bid_size, 0.0 - ask, ask_size, self._ts_venue_ms)


class Books:
    """The books of one connection, by the venue's own symbol.

    A change that cannot be read may have removed the best level, so the book is lost. `lose` gives the error to raise,
    once; later changes of the book are ignored until its next snapshot.
    """

    def __init__(self, *, lost_together: bool = False) -> None:
        """`lost_together`: only a new connection brings a new snapshot, so that one lost book costs all of them."""
        self._books: dict[str, Book] = {}
        self._lost_together = lost_together
        self._are_all_lost = False

    def begin(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level]) -> Book:
        """Take a snapshot. Raises BookLost for prices and sizes that cannot be."""
        if not all(0.0 < price < inf and 0.0 <= size < inf for price, size in chain(bids, asks)):
            raise self.lose(symbol, "expected positive prices and sizes in a snapshot")
        book = self._books.setdefault(symbol, Book())
        book.begin(bids, asks)
        return book

    def find(self, symbol: str) -> Book | None:
        """The book that a change belongs to, None for a lost one. Raises BookLost for a change without a snapshot."""
        book = self._books.get(symbol)
        if book is None and not self._are_all_lost:
            raise self.lose(symbol, "an update came before its snapshot")
        return None if book is None or book.is_lost else book

    def quote(self, symbol: str, book: Book, instrument_id: int) -> Quote:
        """The top of a book as it is now. Raises BookLost for one that stays crossed."""
        quote = book.quote(instrument_id)
        if book.crossed >= CROSSED_STATES:
            raise self.lose(symbol, f"the bid {quote.bid:g} stays above the ask {quote.ask:g}: a change was missed")
        return quote

    def is_lost(self, symbol: str) -> bool:
        """Whether this book was lost, and has had no snapshot since."""
        book = self._books.get(symbol)
        return self._are_all_lost if book is None else book.is_lost

    def lose(self, symbol: str, reason: str) -> BookLost:
        """Forget this book, or for an empty symbol every book. Returns what to raise."""
        if symbol and self._lost_together:
            symbol, reason = "", f"{symbol}: {reason}"
        if symbol:
            self._books.setdefault(symbol, Book()).is_lost = True
        else:
            self._are_all_lost = True
            for book in self._books.values():
                book.is_lost = True
        return BookLost(symbol, reason)
