"""Bybit v5 spot and linear perpetuals: `orderbook.1`, complete state on every change; `tickers` for slow facts.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
https://bybit-exchange.github.io/docs/v5/websocket/public/ticker
https://bybit-exchange.github.io/docs/v5/market/instrument
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote_plus

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, VenueNumber, bad_frame, decoder, number, undecodable, updated
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.spelling import Spelling

_BOOK, _TICKERS = "orderbook.1.", "tickers."
_SPOT_QUOTES = ("USDT", "USDC", "USDE", "USD1", "DAI", "EUR", "BRL", "TRY", "PLN", "BTC", "ETH", "SOL", "MNT")
_PERP_SPELLING = Spelling(quotes=("USDT", "PERP"), renamed_quotes={"PERP": "USDC"})


def _subscription(channel: str) -> Subscription:
    # The venue refuses a whole frame for one topic that it does not have, or that is subscribed already.
    return Subscription(
        topic=f'"{channel}$symbol"',
        subscribe='{"op":"subscribe","args":[$topics]}',
        unsubscribe='{"op":"unsubscribe","args":[$topics]}',
        per_frame=1,
    )


def _bybit_market(market: Market, category: str, fee_pct: float, spelling: Spelling) -> VenueMarket:
    return VenueMarket(
        market=market,
        ws_url="wss://stream.bybit.com",
        ws_path=f"/v5/public/{category}",
        rest_url="https://api.bybit.com",
        list_path=f"/v5/market/instruments-info?category={category}&limit=1000",
        channel="orderbook.1",
        taker_fee_pct=fee_pct,
        symbol_example="BTCUSDT",
        hosts=("stream.bybit.com",),
        spelling=spelling,
        subscription=_subscription(_BOOK),
        limits=Limits(connects=Rate(500, 300.0)),
        connections=1000,
        facts=FactSource(_subscription(_TICKERS)) if market is Market.PERP else None,
        # The topics of one connection may have 21,000 characters; the longest has 40 with its quotes and comma.
        connection_limit=500,
        max_silence_s=30.0,
        keep_alive=KeepAlive('{"op":"ping"}', every_s=20.0),
    )


class Bybit(VenueAdapter):
    """Sizes are in coins on both markets. Spot and perpetuals share their names, and have a socket each."""

    venue: ClassVar[str] = "bybit"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        _bybit_market(Market.SPOT, "spot", 0.10, Spelling(quotes=_SPOT_QUOTES)),
        _bybit_market(Market.PERP, "linear", 0.055, _PERP_SPELLING),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _BybitParser(find, listings)

    def next_list_path(self, market: Market, body: bytes) -> str:
        cursor = _list(body).next_page_cursor
        declared = self.market(market)
        return f"{declared.list_path}&cursor={quote_plus(cursor)}" if declared is not None and cursor else ""

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        for each in _list(body).rows:
            if each.contract_type not in ("", "LinearPerpetual"):
                continue
            sizes = each.lot_size_filter
            listing = Listing(
                is_trading=each.status == "Trading",
                words=each.status if each.status != "Trading" else "",
                tick=number(each.price_filter.get("tickSize", "")),
                lot=number(sizes.get("qtyStep") or sizes.get("basePrecision", "")),
                min_size=number(sizes.get("minOrderQty", "")),
                min_worth=number(sizes.get("minNotionalValue") or sizes.get("minOrderAmt", "")),
                listed_ms=int(number(each.launch_time) or 0) or None,
                funding_interval_h=each.funding_interval / 60 if each.funding_interval else None,
            )
            yield each.symbol, listing


class _Listed(Struct, rename="camel"):
    symbol: str
    status: str = ""
    contract_type: str = ""
    launch_time: str = ""
    funding_interval: int | None = None
    """Minutes."""
    price_filter: dict[str, str] = {}
    lot_size_filter: dict[str, str] = {}


class _Page(Struct, rename="camel"):
    rows: list[_Listed] = field(name="list", default_factory=list)
    next_page_cursor: str = ""


class _InstrumentsInfo(Struct, rename="camel"):
    ret_code: int
    result: _Page
    ret_msg: str = ""


class _Level(Struct, array_like=True, gc=False):
    price: float
    size: float


_Levels = list[_Level] | UnsetType


class _Book(Struct, gc=False):
    s: str = ""
    b: _Levels = UNSET
    a: _Levels = UNSET
    u: VenueInt | None = None


class _Frame(Struct, gc=False):
    topic: str = ""
    type: str = ""
    ts: VenueInt | None = None
    cts: VenueInt | None = None
    data: _Book | list[msgspec.Raw] | UnsetType = UNSET
    op: str = ""
    success: bool = True
    ret_msg: str = ""


class _Ticker(Struct, rename="camel"):
    mark_price: VenueNumber | UnsetType = UNSET
    index_price: VenueNumber | UnsetType = UNSET
    funding_rate: VenueNumber | UnsetType = UNSET
    next_funding_time: VenueInt | UnsetType = UNSET
    funding_interval_hour: VenueNumber | UnsetType = UNSET
    open_interest: VenueNumber | UnsetType = UNSET
    """Of both sides."""


class _TickerFrame(Struct):
    data: _Ticker


_EMPTY = _Level(0.0, 0.0)
"""The level of an empty side."""
_NAMED = re.compile(r"orderbook\.1\.([\w-]+)")
_RESTARTED = 1
"""The `u` of the first state after a restart of the venue's service: no number of those before it."""
_LIST = decoder(_InstrumentsInfo, "Bybit instruments-info")
_TICKER = decoder(_TickerFrame, "Bybit tickers", strict=False)
# Not strict, so that "27450.00" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode


def _list(body: bytes) -> _Page:
    answer = _LIST(body)
    if answer.ret_code != 0:
        raise bad_frame(body, f"retCode 0 from Bybit instruments-info ({answer.ret_msg})")
    return answer.result


class _BybitParser(Parser):
    """{"topic":"orderbook.1.BTCUSDT","ts":1709891679000,"type":"snapshot","data":{"s":"BTCUSDT",
     "b":[["27450.00","0.500"]],"a":[["27451.00","0.750"]],"u":123456789,"seq":987654321},"cts":1709891678998}

    A level is price and size; an empty list is an empty side. What has not changed for 3 s is sent again with the same
    `u`. `u` is 1 after a restart of the venue's service.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        super().__init__(find, listings)
        self._books: dict[str, _Book] = {}
        self._tickers: dict[str, _Ticker] = {}

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
        except UNREADABLE as error:
            raise undecodable(frame, "Bybit v5", error) from error
        book = message.data
        if not isinstance(book, _Book) or not message.topic.startswith(_BOOK):
            return self._without_quote(message, frame)
        if not book.s or message.ts is None:
            raise bad_frame(frame, "s and ts of a Bybit orderbook.1")
        instrument = self._find(book.s)
        if instrument is None:
            return ()
        known = self._books.get(book.s)
        if message.type == "delta" and known is not None:
            book = _Book(book.s, _after(known.b, book.b), _after(known.a, book.a), book.u)
        bids, asks = book.b, book.a
        if bids is UNSET or asks is UNSET:
            raise bad_frame(frame, "b and a of a Bybit orderbook.1, or its snapshot before a delta")
        self._books[book.s] = book
        bid, ask = bids[0] if bids else _EMPTY, asks[0] if asks else _EMPTY
        # With the same `u` nothing has changed since, and the venue says so at `ts`.
        is_repeated = known is not None and known.u == book.u
        ts_ms = message.ts if is_repeated or message.cts is None else message.cts
        seq = None if book.u == _RESTARTED else book.u
        return (Quote(instrument.id, bid.price, bid.size, ask.price, ask.size, ts_ms, seq),)

    def _without_quote(self, message: _Frame, frame: bytes) -> tuple[()]:
        """Acks and other channels pass; refusals, and shapes that version 5 does not have, are raised."""
        if message.topic:
            if message.ts is None:
                raise bad_frame(frame, "ts beside the topic of a Bybit v5 frame")
            if message.topic.startswith(_TICKERS):
                self._take_ticker(message.topic.removeprefix(_TICKERS), message.ts, frame)
        elif not message.op:
            raise bad_frame(frame, "topic or op of Bybit v5")
        elif not message.success and message.op != "unsubscribe" and "already subscribed" not in message.ret_msg:
            # "error:handler not found,topic:orderbook.1.XYZUSDT", on spot "Invalid symbol :[orderbook.1.XYZUSDT]"
            named = _NAMED.search(message.ret_msg)
            raise VenueRejected(named[1] if named else "", message.ret_msg)
        return ()

    def _take_ticker(self, symbol: str, at_ms: int, frame: bytes) -> None:
        """{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","markPrice":"66666.60"},"ts":1760325052630}

        A snapshot has every field, a delta those that have changed.
        """
        instrument = self._find(symbol)
        if instrument is None:
            return
        known = self._tickers.get(symbol, _Ticker())
        ticker = self._tickers[symbol] = updated(known, _TICKER(frame).data)
        told = _facts(instrument.id, known, at_ms)
        self.asides += [fact for fact in _facts(instrument.id, ticker, at_ms) if fact not in told]


def _facts(instrument_id: int, ticker: _Ticker, at_ms: int) -> list[Fact]:
    facts: list[Fact] = []
    if ticker.mark_price is not UNSET:
        facts.append(Mark(instrument_id, ticker.mark_price, ticker.index_price or None, at_ms))
    if ticker.funding_rate is not UNSET:
        rate_pct = round(ticker.funding_rate * 100, 10)
        next_ms, interval_h = ticker.next_funding_time or None, ticker.funding_interval_hour or None
        facts.append(Funding(instrument_id, rate_pct, next_ms, interval_h, at_ms=at_ms))
    if ticker.open_interest is not UNSET:
        facts.append(OpenInterest(instrument_id, ticker.open_interest / 2, at_ms))
    return facts


def _after(levels: _Levels, changes: _Levels) -> _Levels:
    """A side after a delta: as it was where the delta has nothing of it; size 0 removes a level."""
    return [each for each in changes if each.size] if changes else levels
