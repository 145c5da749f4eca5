"""Coinbase Exchange spot: `level2_batch`, a whole book and then its changes, from which the top is kept here.

There is no public channel of the best bid and ask: `ticker` comes only with trades.
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from math import inf
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

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

_BOOK_TYPES = ("l2update", "snapshot")
# Sent at once by the venue, or asked for by others on a recorded connection; none carries a whole top of book.
_OTHER_TYPES = frozenset(
    ("subscriptions", "heartbeat", "ticker", "ticker_batch", "match", "last_match", "status")
    + ("received", "open", "done", "change", "activate", "auction", "rfq_match")
)
_JITTER_MS = 1000
"""A time that goes back by no more than this is the venue's own disorder."""


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

    def _unified(self, venue_symbol: str, market: Market) -> str:
        base, dash, quote = venue_symbol.partition("-")
        return f"{base}/{quote}" if dash and base and quote else ""

    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return _requests("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return _requests("unsubscribe", instruments)

    def parser(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> QuoteParser:
        return _Level2Parser(instruments)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        try:
            products = _PRODUCTS(body)
        except UNREADABLE as error:
            raise undecodable(body, "Coinbase products", error) from error
        return (
            (product.id, Listing(is_trading=product.status == "online" and not product.trading_disabled))
            for product in products
        )


def _requests(kind: str, instruments: Sequence[Instrument]) -> list[str]:
    # A frame a product: the venue answers one bad product with an error for the whole frame.
    channels = ["level2_batch", "heartbeat"]
    requests = ({"type": kind, "product_ids": [each.venue_symbol], "channels": channels} for each in instruments)
    return [msgspec.json.encode(request).decode() for request in requests]


class _Frame(Struct, gc=False):
    type: str
    product_id: str = ""
    changes: list[tuple[str, float, float]] | UnsetType = UNSET
    bids: list[tuple[float, float]] | UnsetType = UNSET
    asks: list[tuple[float, float]] | UnsetType = UNSET
    time: datetime | None = None
    message: str = ""
    reason: str = ""


class _Named(Struct):
    """What a frame is about, where the rest of it cannot be read."""

    type: Any = ""
    product_id: Any = ""


class _Product(Struct):
    id: str
    status: str = ""
    trading_disabled: bool = False


# Not strict, so that "22356.27" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_NAMED = msgspec.json.Decoder(_Named).decode
_PRODUCTS = msgspec.json.Decoder(list[_Product]).decode

# The same names in what is no JSON, such as a frame that was cut short.
_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_PRODUCT_ID = re.compile(rb'"product_id"\s*:\s*"([\w-]+)"')


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
    """One product's levels, and the time of its state.

    The time never goes back, also not from one snapshot to the next: what comes later on a connection is newer.
    """

    def __init__(self) -> None:
        self.is_lost = True
        self.bids = _Side(1, ())
        self.asks = _Side(-1, ())
        self.ts_venue_ms: int | None = None
        self._latest_ms: int | None = None

    def begin(self, bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]]) -> None:
        self.bids = _Side(1, bids)
        self.asks = _Side(-1, asks)
        self.ts_venue_ms = None
        self.is_lost = False

    def date(self, time: datetime | None) -> None:
        """Take in the time of a frame. Some updates carry the year 1, which says nothing of their age."""
        if time is None or time.year < 2000:
            self.ts_venue_ms = None
            return
        ts_ms, latest_ms = epoch_ms(time), self._latest_ms
        if latest_ms is None or ts_ms >= latest_ms:
            self.ts_venue_ms = self._latest_ms = ts_ms
        elif latest_ms - ts_ms <= _JITTER_MS:
            self.ts_venue_ms = latest_ms
        else:
            # The time before, or the venue's clock, was wrong: nothing compares with the time of this state.
            self.ts_venue_ms, self._latest_ms = None, ts_ms


class _Level2Parser:
    """{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45"]],"asks":[["10102.55","0.57"]],
     "time":"2024-01-01T00:00:00.000000Z"}
    {"type":"l2update","product_id":"BTC-USD","changes":[["buy","22356.27","0.00000000"]],
     "time":"2022-08-04T15:25:05.010758Z"}

    A change is side, price and the new size of that level; size 0 removes it. Updates have no number: one that cannot
    be read whole may have removed the best level, so it costs the book. That is raised once, and the product's updates
    are passed over until its next snapshot.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._books: dict[str, _Book] = {}

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
        except UNREADABLE as error:
            return self._without_message(frame, error)
        if message.type not in _BOOK_TYPES:
            return _without_book(message, frame)
        product_id = message.product_id
        instrument = self._instruments.get(product_id)
        if instrument is None:
            if not product_id:
                raise self._lost("", "expected a product_id in a book frame, found none")
            return ()
        book = self._books.get(product_id)
        if message.type == "snapshot":
            book = self._begin(message)
        elif book is None:
            raise self._lost(product_id, "an update came before its snapshot")
        elif book.is_lost:
            return ()
        else:
            self._apply(book, message)
        book.date(message.time)
        bid, bid_size = book.bids.best()
        ask, ask_size = book.asks.best()
        return (Quote(instrument.id, bid, bid_size, ask, ask_size, book.ts_venue_ms),)

    def _begin(self, message: _Frame) -> _Book:
        bids, asks = message.bids, message.asks
        if bids is UNSET or asks is UNSET:
            raise self._lost(message.product_id, "expected bids and asks in a snapshot, found one of them or none")
        if not all(0.0 < price < inf and 0.0 <= size < inf for price, size in chain(bids, asks)):
            raise self._lost(message.product_id, "expected positive prices and sizes in a snapshot")
        book = self._books.setdefault(message.product_id, _Book())
        book.begin(bids, asks)
        return book

    def _apply(self, book: _Book, message: _Frame) -> None:
        if message.changes is UNSET:
            raise self._lost(message.product_id, "expected changes in an l2update, found none")
        for side, price, size in message.changes:
            if not (0.0 < price < inf and 0.0 <= size < inf):
                raise self._lost(
                    message.product_id,
                    f"expected a positive price and a size in a change, found {side} {price:g} {size:g}",
                )
            if side == "buy":
                book.bids.set(price, size)
            elif side == "sell":
                book.asks.set(price, size)
            else:
                raise self._lost(message.product_id, f"expected buy or sell in a change, found {side!r}")

    def _lost(self, product_id: str, reason: str) -> BookLost:
        """Forget the book of this product, or without one every book, and say so."""
        for lost in (product_id,) if product_id else tuple(self._instruments):
            self._books.setdefault(lost, _Book()).is_lost = True
        return BookLost(product_id, reason)

    def _without_message(self, frame: bytes, error: Exception) -> tuple[()]:
        """A frame that cannot be read costs a book, unless it names something else, or the book is lost already."""
        bad = undecodable(frame, "Coinbase", error)
        types, products = _names(frame)
        if types and types.isdisjoint(_BOOK_TYPES):
            raise bad from error
        if len(products) != 1:
            raise self._lost("", str(bad)) from error
        (product_id,) = products
        if self._instruments.get(product_id) is None:
            raise bad from error
        book = self._books.get(product_id)
        if book is not None and book.is_lost and "snapshot" not in types:
            return ()
        raise self._lost(product_id, str(bad)) from error


def _names(frame: bytes) -> tuple[set[str], set[str]]:
    """The types and the products that an unreadable frame names; for JSON that is no book frame some other type."""
    try:
        named = _NAMED(frame)
    except msgspec.ValidationError:  # JSON, but no object
        return {""}, set()
    except UNREADABLE:
        types, products = _TYPE.findall(frame), _PRODUCT_ID.findall(frame)
        return {each.decode() for each in types}, {each.decode() for each in products}
    return {str(named.type)}, {named.product_id} if named.product_id and isinstance(named.product_id, str) else set()


def _without_book(message: _Frame, frame: bytes) -> tuple[()]:
    if message.type == "error":
        if message.message == "Failed to unsubscribe":  # which says nothing of whether the product is served
            return ()
        raise VenueRejected(_product_named(message.reason), f"{message.message}: {message.reason}")
    if message.type not in _OTHER_TYPES:
        raise bad_frame(frame, "a Coinbase Exchange message type")
    return ()


def _product_named(reason: str) -> str:
    """The product in `XYZ-USD is not a valid product`, or an empty string."""
    return next((word for word in reason.split() if "-" in word and word.upper() == word), "")
