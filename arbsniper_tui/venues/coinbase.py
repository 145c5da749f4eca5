"""Coinbase Exchange spot: `level2_batch`, a whole book and then its changes, from which the top is kept here.

There is no public channel of the best bid and ask: `ticker` comes only with trades.
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.book import Book, Books, Level
from arbsniper_tui.venues.decoding import bad_frame, decoder, texts_named, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import Limits, Rate, Subscription
from arbsniper_tui.venues.sizes import positive_number
from arbsniper_tui.venues.spelling import Spelling

_BOOK_TYPES = ("l2update", "snapshot")
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
            spelling=Spelling("-"),
            subscription=Subscription(
                topic='"$symbol"',
                subscribe='{"type":"subscribe","product_ids":[$topics],"channels":["level2_batch","heartbeat"]}',
                unsubscribe='{"type":"unsubscribe","product_ids":[$topics],"channels":["level2_batch","heartbeat"]}',
                # The venue answers one bad product with an error for the whole frame.
                per_frame=1,
            ),
            limits=Limits(connects=Rate(8, 1.0), messages=Rate(100, 1.0)),
            connection_limit=50,
            # The heartbeat channel, subscribed beside the book, comes once a second.
            max_silence_s=15.0,
        ),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _Level2Parser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        return (
            (
                each.id,
                Listing(
                    is_trading=not each.halted,
                    words=each.halted,
                    tick=positive_number(each.quote_increment),
                    lot=positive_number(each.base_increment),
                    min_worth=positive_number(each.min_market_funds),
                ),
            )
            for each in _PRODUCTS(body)
        )


class _Product(Struct):
    id: str
    status: str = ""
    trading_disabled: bool = False
    cancel_only: bool = False
    quote_increment: str = ""
    base_increment: str = ""
    min_market_funds: str = ""

    @property
    def halted(self) -> str:
        """The venue's word for why it does not trade; empty where it does."""
        if self.status != "online":
            return self.status or "not online"
        return "trading disabled" if self.trading_disabled else "cancel only" if self.cancel_only else ""


class _Frame(Struct, gc=False):
    type: str
    product_id: str = ""
    changes: list[tuple[str, float, float]] | UnsetType = UNSET
    bids: list[Level] | UnsetType = UNSET
    asks: list[Level] | UnsetType = UNSET
    time: datetime | None = None
    message: str = ""
    reason: str = ""


_PRODUCTS = decoder(list[_Product], "Coinbase products")
# Not strict, so that "22356.27" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode


class _Level2Parser(Parser):
    """{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45"]],"asks":[["10102.55","0.57"]],
     "time":"2024-01-01T00:00:00.000000Z"}
    {"type":"l2update","product_id":"BTC-USD","changes":[["buy","22356.27","0.00000000"]],
     "time":"2022-08-04T15:25:05.010758Z"}

    A change is side, price and the new size of that level; size 0 removes it. Updates have no number, so a book
    is lost with the first update that cannot be read whole.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        super().__init__(find, listings)
        self._books = Books()

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
        except UNREADABLE as error:
            return self._without_message(frame, error)
        if message.type not in _BOOK_TYPES:
            return _without_book(message, frame)
        product_id = message.product_id
        instrument = self._find(product_id)
        if instrument is None:
            if not product_id:
                raise self._books.lose("", "expected a product_id in a book frame, found none")
            return ()
        if message.type == "snapshot":
            if message.bids is UNSET or message.asks is UNSET:
                reason = "expected bids and asks in a snapshot, found one of them or none"
                raise self._books.lose(product_id, reason)
            book: Book | None = self._books.begin(product_id, message.bids, message.asks)
        else:
            book = self._books.find(product_id)
            if book is not None:
                self._apply(book, message)
        if book is None:
            return ()
        book.date(message.time)
        return (self._books.quote(product_id, book, instrument.id),)

    def _apply(self, book: Book, message: _Frame) -> None:
        if message.changes is UNSET:
            raise self._books.lose(message.product_id, "expected changes in an l2update, found none")
        for side, price, size in message.changes:
            if not (0.0 < price < inf and 0.0 <= size < inf):
                reason = f"expected a positive price and a size in a change, found {side} {price:g} {size:g}"
                raise self._books.lose(message.product_id, reason)
            if side == "buy":
                book.bids.set(price, size)
            elif side == "sell":
                book.asks.set(price, size)
            else:
                raise self._books.lose(message.product_id, f"expected buy or sell in a change, found {side!r}")

    def _without_message(self, frame: bytes, error: Exception) -> tuple[()]:
        """An unreadable frame loses a book, unless it names another type, or the book is lost already."""
        bad = undecodable(frame, "Coinbase", error)
        types, products = texts_named(frame, "type", "product_id")
        products.discard("")
        if types and types.isdisjoint(_BOOK_TYPES):
            raise bad from error
        if len(products) != 1:
            raise self._books.lose("", str(bad)) from error
        (product_id,) = products
        if self._find(product_id) is None:
            raise bad from error
        if self._books.is_lost(product_id) and "snapshot" not in types:
            return ()
        raise self._books.lose(product_id, str(bad)) from error


def _without_book(message: _Frame, frame: bytes) -> tuple[()]:
    if message.type == "error":
        if message.message == "Failed to unsubscribe":  # the product may still be served
            return ()
        # "XYZ-USD is not a valid product"
        named = next((word for word in message.reason.split() if "-" in word and word.upper() == word), "")
        raise VenueRejected(named, f"{message.message}: {message.reason}")
    if message.type not in _OTHER_TYPES:
        raise bad_frame(frame, "a Coinbase Exchange message type")
    return ()
