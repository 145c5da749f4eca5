"""Binance spot and USD-M perpetuals: `<symbol>@bookTicker`, complete state on every change.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#individual-symbol-book-ticker-streams
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.errors import UNREADABLE, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, FundingInterval, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, number, percent_of, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, Limits, Rate, Subscription
from arbsniper_tui.venues.rest_tops import rest_tops
from arbsniper_tui.venues.sizes import positive_number
from arbsniper_tui.venues.spelling import Spelling

# FDUSD before USD, so that a name splits in one way.
_SPELLING = Spelling(quotes=("FDUSD", "USDT", "USDC", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "USD"))
_SUBSCRIPTION = Subscription(
    topic='"$lower@bookTicker"',
    subscribe='{"method":"SUBSCRIBE","params":[$topics],"id":1}',
    unsubscribe='{"method":"UNSUBSCRIBE","params":[$topics],"id":2}',
)
_FACTS = FactSource(
    # Every 3 s; fast streams and slow ones have paths of their own.
    subscription=Subscription('"$lower@markPrice"', _SUBSCRIPTION.subscribe),
    ws_path="/market/ws",
    path="/fapi/v1/fundingInfo",
    every_s=300.0,
    # 30 of the 2400 requests that the venue takes in a minute.
    path_each="/fapi/v1/openInterest?symbol=$symbol",
    each_every_s=2.0,
)
_USUAL_INTERVAL_H = 8.0
"""Of a perpetual that fundingInfo does not name."""


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
            spelling=_SPELLING,
            subscription=_SUBSCRIPTION,
            other_ws_urls=("wss://stream.binance.com:443", "wss://data-stream.binance.vision"),
            # Pings and pongs count too.
            limits=Limits(connects=Rate(300, 300.0), messages=Rate(5, 1.0)),
            lifetime_h=24.0,
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
            spelling=_SPELLING,
            subscription=_SUBSCRIPTION,
            limits=Limits(connects=Rate(300, 300.0), messages=Rate(10, 1.0)),
            lifetime_h=24.0,
            facts=_FACTS,
            connection_limit=200,
            # The venue pings every 3 minutes, and drops after 10 without a pong.
            max_silence_s=240.0,
        ),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _BookTickerParser(find, listings)

    def parse_seeds(self, body: bytes, find: Find) -> Sequence[Quote]:
        return _SEEDS(body, find)

    def parse_facts(self, body: bytes, find: Find, listings: Mapping[str, Listing]) -> Sequence[Fact]:
        # [{"symbol":"BLZUSDT","fundingIntervalHours":4}], or {"symbol":"BTCUSDT","openInterest":"10659.509","time":...}
        if not body.startswith(b"["):
            said = _INTEREST(body)
            instrument = find(said.symbol)
            return () if instrument is None else (OpenInterest(instrument.id, said.open_interest, said.time),)
        told = {each.symbol: each.funding_interval_hours for each in _INTERVALS(body)}
        hours = dict.fromkeys((name for name in listings if name not in told), _USUAL_INTERVAL_H) | told
        found = ((find(name), interval_h) for name, interval_h in hours.items())
        return [FundingInterval(each.id, interval_h) for each, interval_h in found if each is not None]

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        for each in _LIST(body).symbols:
            if each.contract_type not in ("", "PERPETUAL"):
                continue
            filters = {one.filter_type: one for one in each.filters}
            lots = filters.get("LOT_SIZE", _NO_FILTER)
            worth = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL", _NO_FILTER)
            yield (
                each.symbol,
                Listing(
                    is_trading=each.status == "TRADING",
                    words="" if each.status == "TRADING" else each.status,
                    tick=positive_number(filters.get("PRICE_FILTER", _NO_FILTER).tick_size),
                    lot=positive_number(lots.step_size),
                    min_size=positive_number(lots.min_qty),
                    min_worth=positive_number(worth.min_notional or worth.notional),
                    listed_ms=each.onboard_date,
                ),
            )


class _Filter(Struct, rename="camel"):
    filter_type: str = ""
    tick_size: str = ""
    step_size: str = ""
    min_qty: str = ""
    min_notional: str = ""
    notional: str = ""


class _Listed(Struct, rename="camel"):
    symbol: str
    status: str = ""
    contract_type: str = ""
    onboard_date: VenueInt | None = None
    filters: list[_Filter] = []


class _ExchangeInfo(Struct):
    symbols: list[_Listed]


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
    code: int | None = None
    msg: str = ""
    error: Any = UNSET


class _Frame(_Ticker, gc=False):
    data: _Ticker | list[msgspec.Raw] | UnsetType = UNSET
    id: Any = UNSET


class _Mark(Struct, gc=False):
    s: str
    p: float
    i: str = ""
    r: str = ""
    T: VenueInt | None = None
    E: VenueInt | None = None


class _Marked(Struct):
    data: _Mark


class _Interval(Struct, rename="camel"):
    symbol: str
    funding_interval_hours: float


class _Interest(Struct, rename="camel"):
    symbol: str
    open_interest: float
    time: VenueInt | None = None


class _Named(Struct):
    e: str = ""
    data: "_Named | None" = None


_NO_FILTER = _Filter()
_LIST = decoder(_ExchangeInfo, "Binance exchangeInfo")
_SEEDS = rest_tops("Binance bookTicker")
# Not strict, so that "25.35190000" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_INTERVALS = decoder(list[_Interval], "Binance fundingInfo", strict=False)
_INTEREST = decoder(_Interest, "Binance openInterest", strict=False)
_MARK = msgspec.json.Decoder(_Mark, strict=False).decode
_MARKED = msgspec.json.Decoder(_Marked, strict=False).decode
_NAME = msgspec.json.Decoder(_Named).decode


class _BookTickerParser(Parser):
    """Reads raw frames (`/ws`) and wrapped ones (`/stream`).

    {"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}
    {"stream":"ethusdt@bookTicker","data":{"e":"bookTicker","u":11139947831981,"s":"ETHUSDT","ps":"ETHUSDT",
     "b":"1943.64","B":"113.445","a":"1943.65","A":"182.433","T":1785121247583,"E":1785121247584,"st":1}}

    Slow facts, where T is the next settlement:
    {"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000","i":"11784.62659091",
     "P":"11784.25641265","r":"0.00038167","T":1562306400000}
    """

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
            if ticker.e == "markPriceUpdate":
                self._take_mark(frame, is_wrapped=ticker is not message)
                return ()
            return _without_quote(ticker, message, frame)
        if ticker.e not in ("", "bookTicker"):
            return ()
        instrument = self._find(ticker.s)
        if instrument is None:
            return ()
        return (Quote(instrument.id, ticker.b, ticker.B, ticker.a, ticker.A, ticker.T, ticker.u),)

    def _take_mark(self, frame: bytes, *, is_wrapped: bool) -> None:
        try:
            said = _MARKED(frame).data if is_wrapped else _MARK(frame)
        except UNREADABLE as error:
            raise undecodable(frame, "Binance", error) from error
        instrument = self._find(said.s)
        if instrument is None:
            return
        self.asides.append(Mark(instrument.id, said.p, number(said.i) or None, said.E))
        rate_pct = percent_of(said.r)
        if rate_pct is not None and said.T:
            self.asides.append(Funding(instrument.id, rate_pct, said.T, at_ms=said.E))


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
