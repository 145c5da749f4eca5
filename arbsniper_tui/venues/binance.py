"""Binance spot and USD-M perpetuals: `<symbol>@bookTicker`, complete state on every change.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#individual-symbol-book-ticker-streams
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.errors import UNREADABLE, VenueClosing, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import (
    Listing,
    QuoteParser,
    VenueAdapter,
    VenueInt,
    VenueMarket,
    bad_frame,
    undecodable,
)

# Longest first where one ends like another (FDUSD, USD), so that a spelling splits in one way.
_QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "USD")


class Binance(VenueAdapter):
    """Sizes are in coins on both markets; spot frames carry no time at all."""

    venue: ClassVar[str] = "binance"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        VenueMarket(
            market=Market.SPOT,
            ws_url="wss://stream.binance.com:9443",
            ws_path="/ws",
            rest_url="https://api.binance.com",
            # Without the permission sets of each symbol, so that the list is shorter.
            list_path="/api/v3/exchangeInfo?showPermissionSets=false",
            seed_path="/api/v3/ticker/bookTicker",
            channel="bookTicker",
            taker_fee_pct=0.10,
            symbol_example="BTCUSDT",
            hosts=("stream.binance.com", "data-stream.binance.vision"),
            has_venue_time=False,
            connection_limit=1024,
        ),
        VenueMarket(
            market=Market.PERP,
            ws_url="wss://fstream.binance.com",
            # Book streams live under /public since 2026-04-23; the unrouted path serves nothing.
            ws_path="/public/ws",
            rest_url="https://fapi.binance.com",
            list_path="/fapi/v1/exchangeInfo",
            seed_path="/fapi/v1/ticker/bookTicker",
            channel="bookTicker (/public)",
            taker_fee_pct=0.05,
            symbol_example="BTCUSDT",
            hosts=("fstream.binance.com",),
            connection_limit=200,
            # The venue pings every 3 minutes, and drops after 10 without a pong.
            max_silence_s=240.0,
        ),
    )

    def venue_symbol(self, symbol: Symbol) -> str:
        if symbol.is_inverse:
            return ""
        return symbol.base + symbol.quote

    def _unified(self, venue_symbol: str, market: Market) -> str:
        for quote in _QUOTES:
            base = venue_symbol.removesuffix(quote)
            if base and base != venue_symbol and "_" not in base:
                return f"{base}/{quote}" + (f":{quote}" if market is Market.PERP else "")
        return ""

    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return [_request("SUBSCRIBE", instruments, 1)]

    def unsubscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return [_request("UNSUBSCRIBE", instruments, 2)]

    def parser(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> QuoteParser:
        return _BookTickerParser(instruments)

    def parse_seeds(self, body: bytes, instruments: Mapping[str, Instrument]) -> Sequence[Quote]:
        # All symbols in one answer: asked for by name, one that is not listed costs the others their answer too.
        try:
            seeds = _SEEDS(body)
        except UNREADABLE as error:
            raise undecodable(body, "Binance bookTicker", error) from error
        return [
            Quote(instrument.id, seed.bidPrice, seed.bidQty, seed.askPrice, seed.askQty, seed.time)
            for seed in seeds
            if (instrument := instruments.get(seed.symbol)) is not None
        ]

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        try:
            listed = _LIST(body)
        except UNREADABLE as error:
            raise undecodable(body, "Binance exchangeInfo", error) from error
        return (
            (symbol.symbol, Listing(is_trading=symbol.status == "TRADING"))
            for symbol in listed.symbols
            if symbol.contractType in ("", "PERPETUAL")
        )


def _request(method: str, instruments: Sequence[Instrument], request_id: int) -> str:
    params = [f"{instrument.venue_symbol.lower()}@bookTicker" for instrument in instruments]
    return msgspec.json.encode({"method": method, "params": params, "id": request_id}).decode()


class _Ticker(Struct, gc=False):
    s: str = ""
    b: float | None = None
    B: float | None = None
    a: float | None = None
    A: float | None = None
    u: VenueInt | None = None
    e: str = ""
    T: VenueInt | None = None
    lastUpdateId: int | None = None  # noqa: N815 - the venue's spelling
    result: Any = UNSET
    code: int | None = None
    msg: str = ""
    error: Any = UNSET


class _Frame(_Ticker, gc=False):
    data: _Ticker | list[msgspec.Raw] | UnsetType = UNSET
    id: Any = UNSET


class _Seed(Struct, gc=False):
    symbol: str
    bidPrice: float  # noqa: N815 - the venue's spelling
    bidQty: float  # noqa: N815 - the venue's spelling
    askPrice: float  # noqa: N815 - the venue's spelling
    askQty: float  # noqa: N815 - the venue's spelling
    time: VenueInt | None = None


class _Listed(Struct):
    symbol: str
    status: str = ""
    contractType: str = ""  # noqa: N815 - the venue's spelling


class _ExchangeInfo(Struct):
    symbols: list[_Listed]


class _Named(Struct):
    e: str = ""
    data: "_Named | None" = None


# Not strict, so that "25.35190000" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_SEEDS = msgspec.json.Decoder(list[_Seed], strict=False).decode
_NAME = msgspec.json.Decoder(_Named).decode
_LIST = msgspec.json.Decoder(_ExchangeInfo).decode


class _BookTickerParser:
    """Reads raw frames (`/ws`) and wrapped ones (`/stream`).

    {"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}
    {"stream":"ethusdt@bookTicker","data":{"e":"bookTicker","u":11139947831981,"s":"ETHUSDT","ps":"ETHUSDT",
     "b":"1943.64","B":"113.445","a":"1943.65","A":"182.433","T":1785121247583,"E":1785121247584,"st":1}}
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
        except UNREADABLE as error:
            if _is_another_stream(frame):
                return ()
            raise undecodable(frame, "Binance", error) from error
        ticker: _Ticker = message
        if message.data is not UNSET:
            if isinstance(message.data, list):  # an all-symbols stream, which carries no best bid and ask
                return ()
            ticker = message.data
        if ticker.b is None or ticker.B is None or ticker.a is None or ticker.A is None or not ticker.s:
            return _without_quote(ticker, message, frame)
        if ticker.e not in ("", "bookTicker"):
            return ()
        instrument = self._instruments.get(ticker.s)
        if instrument is None:
            return ()
        return (Quote(instrument.id, ticker.b, ticker.B, ticker.a, ticker.A, ticker.T, ticker.u),)


def _is_another_stream(frame: bytes) -> bool:
    """Whether a frame that is no bookTicker names another event: `b` and `a` of a depthUpdate are lists."""
    try:
        named = _NAME(frame)
    except UNREADABLE:
        return False
    return (named.data or named).e not in ("", "bookTicker")


def _without_quote(ticker: _Ticker, message: _Frame, frame: bytes) -> tuple[()]:
    """Acks and other streams pass; errors and shapes that Binance does not send are raised."""
    if ticker.e == "serverShutdown":
        raise VenueClosing("Binance announces that it shuts this connection down")
    if message.code is not None or message.error is not UNSET:
        raise VenueRejected("", message.msg or str(message.error))
    if ticker.e == "bookTicker" or not (ticker.e or ticker.lastUpdateId or message.id is not UNSET):
        raise bad_frame(frame, "s, b, B, a and A of a bookTicker")
    return ()
