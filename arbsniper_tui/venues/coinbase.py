"""Coinbase Exchange spot: `level2_batch`, a whole book and then its changes, from which the top is kept here.

There is no public channel of the best bid and ask: `ticker` comes only with trades.
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf, nan
from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, BookLost, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import (
    Listing,
    QuoteParser,
    VenueAdapter,
    VenueMarket,
    bad_frame,
    epoch_ms,
    undecodable,
)

# Sent at once by the venue, or asked for by others on a recorded connection; none carries a whole top of book.
_OTHER_TYPES = frozenset(
    ("subscriptions", "heartbeat", "ticker", "ticker_batch", "match", "last_match", "status")
    + ("received", "open", "done", "change", "activate", "auction", "rfq_match")
)


class Coinbase(VenueAdapter):
    """No perpetuals on this API; USD, USDC and USDT are different products."""

    venue: ClassVar[str] = "coinbase"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        VenueMarket(
            market=Market.SPOT,
            ws_url="wss://ws-feed.exchange.coinbase.com",
            ws_path="/",
            rest_url="https://api.exchange.coinbase.com",
            list_path="/products",
            channel="level2_batch",
            taker_fee_pct=0.60,
            symbol_example="BTC-USD",
            hosts=("ws-feed.exchange.coinbase.com", "ws-feed.pro.coinbase.com"),
            connection_limit=50,
            # The heartbeat channel, subscribed beside the book, comes once a second.
            max_silence_s=15.0,
        ),
    )

    def venue_symbol(self, symbol: Symbol) -> str:
        return "" if symbol.settle else f"{symbol.base}-{symbol.quote}"

    def unified(self, venue_symbol: str, market: Market) -> str:
        base, dash, quote = venue_symbol.partition("-")
        return f"{base}/{quote}" if dash and base and quote else ""

    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        # A frame a product: the venue answers one bad product with an error for the whole frame.
        channels = ["level2_batch", "heartbeat"]
        return [
            msgspec.json.encode(
                {"type": "subscribe", "product_ids": [instrument.venue_symbol], "channels": channels}
            ).decode()
            for instrument in instruments
        ]

    def parser(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> QuoteParser:
        return _Level2Parser(instruments)

    def parse_listings(self, body: bytes) -> dict[str, Listing]:
        try:
            products = _PRODUCTS(body)
        except UNREADABLE as error:
            raise undecodable(body, "Coinbase products", error) from error
        return {
            product.id: Listing(is_trading=product.status == "online" and not product.trading_disabled)
            for product in products
        }


class _Frame(Struct, gc=False):
    type: str
    product_id: str = ""
    changes: list[tuple[str, float, float]] = []
    bids: list[tuple[float, float]] = []
    asks: list[tuple[float, float]] = []
    time: datetime | None = None
    message: str = ""
    reason: str = ""


class _Unsound(Struct, gc=False):
    """A frame of which some number cannot be read; what else it says still counts."""

    type: Literal["snapshot", "l2update"]
    product_id: str
    changes: list[tuple[str, str, str]] = []
    time: datetime | None = None


class _Product(Struct):
    id: str
    status: str = ""
    trading_disabled: bool = False


# Not strict, so that "22356.27" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_DECODE_UNSOUND = msgspec.json.Decoder(_Unsound).decode
_PRODUCTS = msgspec.json.Decoder(list[_Product]).decode


class _Side:
    """One side of a book. Keys are the prices, negated for asks, so that the best is last on both sides and a
    change near the top moves little."""

    def __init__(self, sign: int, levels: Sequence[tuple[float, float]]) -> None:
        self._sign = sign
        self._size_at = {price * sign: size for price, size in levels if size}
        self._keys = sorted(self._size_at)

    def set(self, price: float, size: float) -> None:
        key = price * self._sign
        if size:
            if key not in self._size_at:
                insort(self._keys, key)
            self._size_at[key] = size
        elif self._size_at.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def best(self) -> tuple[float, float]:
        """Price and size of the best level; zeros for an empty side."""
        if not self._keys:
            return 0.0, 0.0
        key = self._keys[-1]
        return key * self._sign, self._size_at[key]


class _Book:
    def __init__(self, bids: _Side, asks: _Side) -> None:
        self.bids = bids
        self.asks = asks
        self.ts_venue_ms: int | None = None


class _Level2Parser:
    """{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45"]],"asks":[["10102.55","0.57"]],
     "time":"2024-01-01T00:00:00.000000Z"}
    {"type":"l2update","product_id":"BTC-USD","changes":[["buy","22356.27","0.00000000"]],
     "time":"2022-08-04T15:25:05.010758Z"}

    A change is side, price and the new size of that level; size 0 removes it.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._books: dict[str, _Book] = {}

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
        except UNREADABLE as error:
            message = self._with_gaps(frame, error)
        if message.type == "error":
            raise VenueRejected(_product_named(message.reason), f"{message.message}: {message.reason}")
        if message.type not in ("l2update", "snapshot"):
            if message.type not in _OTHER_TYPES:
                raise bad_frame(frame, "a Coinbase Exchange message type")
            return ()
        instrument = self._instruments.get(message.product_id)
        if instrument is None:
            return ()
        if message.type == "snapshot":
            # The book before is over, whether or not this one can be read.
            self._books.pop(message.product_id, None)
            book = self._books[message.product_id] = _snapshot(message, frame)
        else:
            book = self._books.get(message.product_id) or _lost(message.product_id)
            _apply(book, message, frame)
        # Year 1 stands on some updates in place of a time: the time before it goes on.
        if message.time is not None and message.time.year > 2000:
            book.ts_venue_ms = epoch_ms(message.time)
        bid, bid_size = book.bids.best()
        ask, ask_size = book.asks.best()
        return (Quote(instrument.id, bid, bid_size, ask, ask_size, book.ts_venue_ms),)

    def _with_gaps(self, frame: bytes, error: Exception) -> _Frame:
        """An update with NaN for the numbers that cannot be read. Raises BadFrame for any other unreadable frame."""
        try:
            unsound = _DECODE_UNSOUND(frame)
        except UNREADABLE:
            raise undecodable(frame, "Coinbase", error) from error
        if unsound.type == "snapshot":
            self._books.pop(unsound.product_id, None)
            raise undecodable(frame, "Coinbase", error) from error
        changes = [(side, _number(price), _number(size)) for side, price, size in unsound.changes]
        return _Frame(unsound.type, unsound.product_id, changes, time=unsound.time)


def _snapshot(message: _Frame, frame: bytes) -> _Book:
    if not all(0.0 < price < inf and 0.0 <= size < inf for price, size in message.bids + message.asks):
        raise bad_frame(frame, "positive prices and sizes in a snapshot")
    return _Book(_Side(1, message.bids), _Side(-1, message.asks))


def _apply(book: _Book, message: _Frame, frame: bytes) -> None:
    """Put every sound change into the book; a level whose new size cannot be read is no longer known, and goes.
    Raises BadFrame afterwards if one was not sound."""
    unsound = ""
    for side, price, size in message.changes:
        levels = book.bids if side == "buy" else book.asks
        if not 0.0 < price < inf or side not in ("buy", "sell"):
            unsound = f"{side} {price:g}"
        elif 0.0 <= size < inf:
            levels.set(price, size)
        else:
            unsound = f"{side} {price:g} {size:g}"
            levels.set(price, 0.0)
    if unsound:
        raise bad_frame(frame, f"side, price and size in a change ({unsound})")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def _lost(product_id: str) -> _Book:
    raise BookLost(product_id, "an update came before its snapshot")


def _product_named(reason: str) -> str:
    """The product in `XYZ-USD is not a valid product`, or an empty string."""
    return next((word for word in reason.split() if "-" in word and word.upper() == word), "")
