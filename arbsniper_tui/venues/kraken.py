"""Kraken spot, WebSocket v2: `ticker` with `event_trigger` "bbo", complete state on every change of the top.

https://docs.kraken.com/api/docs/websocket-v2/ticker
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import bad_frame, decoder, epoch_ms, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.sizes import positive_number
from arbsniper_tui.venues.spelling import Spelling

# The REST list keeps the names of version 1; frames spell symbols like the unified ones.
_IN_LIST = Spelling("/", renamed={"XBT": "BTC", "XDG": "DOGE"})
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
            spelling=Spelling("/"),
            subscription=Subscription(
                topic='"$symbol"',
                # Without the trigger the venue sends tickers only with trades.
                subscribe='{"method":"subscribe","params":{"channel":"ticker","symbol":[$topics],'
                '"event_trigger":"bbo","snapshot":true},"req_id":1}',
                unsubscribe='{"method":"unsubscribe","params":{"channel":"ticker","symbol":[$topics],'
                '"event_trigger":"bbo"},"req_id":2}',
            ),
            limits=Limits(connects=Rate(150, 600.0)),
            # A heartbeat comes each second in which nothing else was sent.
            max_silence_s=10.0,
            keep_alive=KeepAlive('{"method":"ping"}', every_s=30.0),
        ),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _TickerParser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        listed = _PAIRS(body)
        if listed.error:
            raise bad_frame(body, f"no error from Kraken AssetPairs ({', '.join(listed.error)})")
        for pair in listed.result.values():
            yield (
                _IN_LIST.read(pair.wsname, Market.SPOT),
                Listing(
                    is_trading=pair.status == "online",
                    words="" if pair.status == "online" else pair.status,
                    tick=positive_number(pair.tick_size),
                    lot=positive_number(f"1e-{pair.lot_decimals}"),
                    min_size=positive_number(pair.ordermin),
                    min_worth=positive_number(pair.costmin),
                ),
            )


class _Pair(Struct):
    wsname: str = ""
    status: str = ""
    tick_size: str = ""
    lot_decimals: int | None = None
    ordermin: str = ""
    costmin: str = ""


class _Pairs(Struct):
    error: list[str] = []
    result: dict[str, _Pair] = {}


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


_PAIRS = decoder(_Pairs, "Kraken AssetPairs")
_DECODE = msgspec.json.Decoder(_Frame).decode
_TOPS = msgspec.json.Decoder(list[_Top]).decode


class _TickerParser(Parser):
    """{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":99.9,"bid_qty":1.2,"ask":100.1,
     "ask_qty":2.3,"timestamp":"2026-07-10T00:00:02.123456Z"}]}

    A symbol with an empty book has bid and ask 0 at 1970-01-01.
    """

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
            if message.channel == "ticker":
                return [quote for top in _TOPS(message.data) if (quote := self._quote(top))]
        except UNREADABLE as error:
            raise undecodable(frame, "Kraken v2", error) from error
        if message.method:
            # After a failed unsubscription the symbol may still be served.
            if not message.success and message.method != "unsubscribe":
                raise VenueRejected(message.symbol, message.error)
            return ()
        if message.channel not in _OTHER_CHANNELS:
            raise bad_frame(frame, "a Kraken v2 channel or method")
        return ()

    def _quote(self, top: _Top) -> Quote | None:
        instrument = self._find(top.symbol)
        if instrument is None:
            return None
        ts_venue_ms = None
        if top.timestamp is not None and top.timestamp.year > 1970:
            ts_venue_ms = epoch_ms(top.timestamp)
        return Quote(instrument.id, top.bid, top.bid_qty, top.ask, top.ask_qty, ts_venue_ms)
