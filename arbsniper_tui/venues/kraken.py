"""Kraken spot, WebSocket v2: `ticker` with `event_trigger` "bbo", complete state on every change of the top.

https://docs.kraken.com/api/docs/websocket-v2/ticker
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import (
    KeepAlive,
    Listing,
    QuoteParser,
    VenueAdapter,
    VenueMarket,
    bad_frame,
    epoch_ms,
    undecodable,
)

# The REST list keeps the names of version 1.
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
_OTHER_CHANNELS = frozenset(("heartbeat", "status", "book", "trade", "ohlc", "level3", "instrument"))


class Kraken(VenueAdapter):
    """Symbols are spelled like the unified ones; prices and sizes are JSON numbers, in coins."""

    venue: ClassVar[str] = "kraken"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        VenueMarket(
            market=Market.SPOT,
            ws_url="wss://ws.kraken.com",
            ws_path="/v2",
            rest_url="https://api.kraken.com",
            list_path="/0/public/AssetPairs",
            channel="ticker (bbo)",
            taker_fee_pct=0.40,
            symbol_example="BTC/USDT",
            hosts=("ws.kraken.com",),
            # A heartbeat comes each second in which nothing else was sent.
            max_silence_s=10.0,
            keep_alive=KeepAlive('{"method":"ping"}', every_s=30.0),
        ),
    )

    def venue_symbol(self, symbol: Symbol) -> str:
        return "" if symbol.settle else str(symbol)

    def _unified(self, venue_symbol: str, market: Market) -> str:
        base, _, quote = venue_symbol.partition("/")
        return venue_symbol if base and quote and "/" not in quote else ""

    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return [_request("subscribe", instruments, 1)]

    def unsubscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return [_request("unsubscribe", instruments, 2)]

    def parser(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> QuoteParser:
        return _TickerParser(instruments)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        try:
            listed = _PAIRS(body)
        except UNREADABLE as error:
            raise undecodable(body, "Kraken AssetPairs", error) from error
        if listed.error:
            raise bad_frame(body, f"no error from Kraken AssetPairs ({', '.join(listed.error)})")
        pairs = listed.result.values()
        return ((_renamed(pair.wsname), Listing(is_trading=pair.status == "online")) for pair in pairs)


def _request(method: str, instruments: Sequence[Instrument], request_id: int) -> str:
    params: dict[str, object] = {
        "channel": "ticker",
        "symbol": [instrument.venue_symbol for instrument in instruments],
        # Without it the venue sends tickers only with trades.
        "event_trigger": "bbo",
    }
    if method == "subscribe":
        params["snapshot"] = True
    return msgspec.json.encode({"method": method, "params": params, "req_id": request_id}).decode()


class _Top(Struct, gc=False):
    symbol: str
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float
    timestamp: datetime | None = None


class _Frame(Struct, gc=False):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    """Of a shape that depends on the channel."""
    method: str = ""
    success: bool = True
    error: str = ""
    symbol: str = ""
    event: Any = None


class _Pair(Struct):
    wsname: str = ""
    status: str = ""


class _Pairs(Struct):
    error: list[str] = []
    result: dict[str, _Pair] = {}


_DECODE = msgspec.json.Decoder(_Frame).decode
_TOPS = msgspec.json.Decoder(list[_Top]).decode
_PAIRS = msgspec.json.Decoder(_Pairs).decode


def _renamed(wsname: str) -> str:
    """A pair of version 1, as version 2 spells it."""
    return "/".join(_RENAMED.get(coin, coin) for coin in wsname.split("/"))


class _TickerParser:
    """{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":99.9,"bid_qty":1.2,"ask":100.1,
     "ask_qty":2.3,"timestamp":"2026-07-10T00:00:02.123456Z"}]}

    A symbol with an empty book has bid and ask 0 at 1970-01-01.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
            if message.channel == "ticker":
                return [quote for top in _TOPS(message.data) if (quote := self._quote(top))]
        except UNREADABLE as error:
            raise undecodable(frame, "Kraken v2", error) from error
        if message.method:
            # A failed unsubscription says nothing of whether the symbol is served.
            if not message.success and message.method != "unsubscribe":
                raise VenueRejected(message.symbol, message.error)
            return ()
        if message.channel not in _OTHER_CHANNELS:
            raise bad_frame(frame, "a Kraken v2 channel or method")
        return ()

    def _quote(self, top: _Top) -> Quote | None:
        instrument = self._instruments.get(top.symbol)
        if instrument is None:
            return None
        ts_venue_ms = None
        if top.timestamp is not None and top.timestamp.year > 1970:
            ts_venue_ms = epoch_ms(top.timestamp)
        return Quote(instrument.id, top.bid, top.bid_qty, top.ask, top.ask_qty, ts_venue_ms)
