"""KuCoin spot and perpetuals on the sockets of its unified account (UTA): `obu` at depth 1, complete on every change.

The classic sockets want a token by REST before each connection, send spot at most every 10 ms and without a sequence,
and tell no open interest; their frames are refused.
https://www.kucoin.com/docs-new/3470221w0 https://www.kucoin.com/docs-new/websocket-api/base-info/introduction-uta
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, Ready, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.sizes import contract_size, in_coins, in_coins_inverse, sizes_in_coins
from arbsniper_tui.venues.spelling import Spelling

_HOUR_MS = 3_600_000
_EARLIEST_US, _EARLIEST_NS = 10**14, 10**17
"""Times in 1973; as ms the former would be in the year 5138."""
_PERPETUAL = "FFWCSX"


def _subscription(channel: str, request_id: str, options: str = "") -> Subscription:
    # One symbol a frame: the venue refuses a list of them for `obu`.
    frame = f'"channel":"{channel}",{options}"symbol":"$topics"}}'
    return Subscription(
        topic="$symbol",
        subscribe=f'{{"id":"{request_id}","action":"SUBSCRIBE",{frame}',
        unsubscribe=f'{{"id":"-{request_id}","action":"UNSUBSCRIBE",{frame}',
        per_frame=1,
    )


def _obu(trade_type: str) -> Subscription:
    # The id comes back with a refusal, and so names the symbol.
    return _subscription("obu", "$topics", f'"tradeType":"{trade_type}","depth":"1",')


_MARKS = _subscription("mark-price", "mark-price $topics")
_RATES = _subscription("funding-fee", "funding-fee $topics")
_SPOT = VenueMarket(
    market=Market.SPOT,
    ws_url="wss://x-push-spot.kucoin.com",
    ws_path="/",
    rest_url="https://api.kucoin.com",
    list_path="/api/v2/symbols",
    channel="obu depth 1",
    taker_fee_pct=0.10,
    symbol_example="BTC-USDT",
    hosts=("x-push-spot.kucoin.com", "ws-api-spot.kucoin.com", "push-private.kucoin.com"),
    spelling=Spelling("-"),
    subscription=_obu("SPOT"),
    # https://www.kucoin.com/docs-new/rate-limit-rule-uta
    limits=Limits(connects=Rate(250, 300.0), messages=Rate(300, 10.0)),
    connections=800,
    sends_first_state=False,
    lifetime_h=24.0,
    greets=True,
    # The venue allows 600 topics, and the facts of an instrument take two.
    connection_limit=200,
    max_silence_s=45.0,
    # The interval of the venue's welcome; more than one ping a second ends the connection.
    keep_alive=KeepAlive('{"id":"$count","type":"ping"}', every_s=18.0),
)
_PERP = replace(
    _SPOT,
    market=Market.PERP,
    ws_url="wss://x-push-futures.kucoin.com",
    rest_url="https://api-futures.kucoin.com",
    list_path="/api/v1/contracts/active",
    taker_fee_pct=0.06,
    symbol_example="XBTUSDTM",
    hosts=("x-push-futures.kucoin.com", "ws-api-futures.kucoin.com"),
    spelling=Spelling(suffix="M", quotes=("USDT", "USDC", "USD"), has_inverse=True, renamed={"XBT": "BTC"}),
    subscription=_obu("FUTURES"),
    facts=FactSource(subscription=_MARKS),
    needs_list=True,
    sizes="contracts",
)


class Kucoin(VenueAdapter):
    """Spot sizes are coins, those of perpetuals lots of `multiplier` coins; inverse ones have the multiplier -1, which
    is one USD a lot. An unknown symbol is acknowledged, and nothing comes for it."""

    venue: ClassVar[str] = "kucoin"
    markets: ClassVar[tuple[VenueMarket, ...]] = (_SPOT, _PERP)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _ObuParser(find, listings)

    def subscribe_facts(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        marks = super().subscribe_facts(instruments, wall_ms)
        return [*marks, *_RATES.frames(instruments)] if marks else []

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        listed = _LIST(body)
        if listed.code != "200000":
            raise bad_frame(body, f"code 200000 from the list of KuCoin ({listed.msg})")
        for each in listed.data:
            if each.type is None:
                yield each.symbol, _spot_listing(each)
            elif each.type == _PERPETUAL:
                yield each.symbol, _perp_listing(each)


class _Listed(Struct, rename="camel"):
    """Spot has the fields up to `trading_start_time`, futures those from `type` on."""

    symbol: str
    enable_trading: bool = False
    price_increment: float | None = None
    base_increment: float | None = None
    base_min_size: float | None = None
    min_funds: float | None = None
    trading_start_time: VenueInt | None = None
    type: str | None = None
    status: str = ""
    multiplier: float | None = None
    is_inverse: bool = False
    tick_size: float | None = None
    lot_size: float | None = None
    first_open_date: VenueInt | None = None
    funding_rate_granularity: VenueInt | None = None


class _List(Struct):
    data: list[_Listed] = []
    code: str = ""
    msg: str = ""


def _spot_listing(each: _Listed) -> Listing:
    return Listing(
        is_trading=each.enable_trading,
        tick=each.price_increment,
        lot=each.base_increment,
        min_size=each.base_min_size,
        min_worth=each.min_funds,
        listed_ms=each.trading_start_time,
    )


def _perp_listing(each: _Listed) -> Listing:
    multiplier = each.multiplier or 0.0
    is_open = each.status == "Open"
    interval_ms = each.funding_rate_granularity
    return Listing(
        contract_size(repr(-multiplier if each.is_inverse else multiplier)),
        is_inverse=each.is_inverse,
        is_trading=is_open,
        words="" if is_open else each.status,
        tick=each.tick_size,
        lot=each.lot_size,
        min_size=each.lot_size,
        listed_ms=each.first_open_date,
        funding_interval_h=interval_ms / _HOUR_MS if interval_ms else None,
    )


class _Level(Struct, array_like=True, gc=False):
    price: float
    size: float


class _Obu(Struct, gc=False):
    s: str
    b: list[_Level]
    a: list[_Level]
    M: VenueInt | None = None
    C: VenueInt | None = None


class _Top(Struct, gc=False):
    """A frame of `obu`, decoded in one pass; `d` of most other channels does not fit."""

    T: str = ""
    dp: str = ""
    d: _Obu | None = None


class _MarkPrice(Struct, gc=False):
    s: str
    mp: float
    ip: float | None = None
    oi: float | None = None
    ts: VenueInt | None = None


class _FundingFee(Struct, gc=False):
    s: str
    fr: float
    nt: VenueInt | None = None
    gl: VenueInt | None = None


class _Frame(Struct, gc=False):
    T: str = ""
    dp: str = ""
    d: msgspec.Raw = msgspec.Raw(b"null")
    """Of a shape that depends on the channel."""
    P: VenueInt | None = None
    id: str = ""
    result: bool | UnsetType = UNSET
    message: str = ""
    reason: str = ""
    type: str = ""
    code: int | str = ""
    msg: str = ""


_EMPTY = _Level(0.0, 0.0)
"""The level of an empty side."""
_LIST = decoder(_List, "KuCoin list", strict=False)
# Not strict, so that "68145.8" is read as the number it writes, and a time sent as text too.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_TOP = msgspec.json.Decoder(_Top, strict=False).decode
_OBU = msgspec.json.Decoder(_Obu, strict=False).decode
_MARK = msgspec.json.Decoder(_MarkPrice, strict=False).decode
_FUNDING = msgspec.json.Decoder(_FundingFee, strict=False).decode


class _ObuParser(Parser):
    """{"T":"obu.SPOT","dp":"1","t":"snapshot","P":"1785121200126000509","d":{"C":20452522782,"O":20452522782,
     "M":"1785121200123000000","a":[["64000.2","0.3"]],"b":[["64000.1","0.5"]],"s":"BTC-USDT"}}
    {"T":"mark-price","P":1785121200443102278,"d":{"s":"XBTUSDTM","mp":"64001.79","ip":"64003.81","oi":"11481754",
     "ts":1785121200000}}
    {"T":"funding-fee","P":1785121200967760880,"d":{"s":"XBTUSDTM","fr":"-0.000076","nt":1785139200000,"gl":28800000}}

    P is the time of the push and M that of matching, C the last sequence; oi is in lots, fr the rate of the settlement
    at nt, gl the ms between two settlements. Frames come as binary ones, and hold JSON.
    """

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _TOP(frame)
        except UNREADABLE:
            return self._take(frame)
        if message.d is None or message.dp != "1" or not message.T.startswith("obu."):
            return self._take(frame)
        return self._quotes(message.d)

    def _take(self, frame: bytes) -> Sequence[Quote]:
        """A frame of another channel or depth, an answer, or one that cannot be read."""
        try:
            message = _DECODE(frame)
            channel = message.T
            if channel.startswith("obu."):
                return self._quotes(_OBU(message.d)) if message.dp == "1" else ()
            if channel == "mark-price":
                self._tell_mark(_MARK(message.d), frame)
            elif channel == "funding-fee":
                self._tell_funding(_FUNDING(message.d), message.P, frame)
        except UNREADABLE as error:
            raise undecodable(frame, "KuCoin UTA", error) from error
        if not channel:
            self._take_answer(message, frame)
        return ()

    def _quotes(self, top: _Obu) -> Sequence[Quote]:
        instrument = self._find(top.s)
        if instrument is None:
            return ()
        bids, asks = top.b, top.a
        bid, ask = bids[0] if bids else _EMPTY, asks[0] if asks else _EMPTY
        bid_size, ask_size = bid.size, ask.size
        # A perpetual; before Python 3.12, looking up an enum's member runs code each time.
        if ":" in instrument.symbol:
            listing = self._listings.get(instrument.venue_symbol)
            bid_size, ask_size = sizes_in_coins(listing, instrument, bid.price, bid_size, ask.price, ask_size)
        return (Quote(instrument.id, bid.price, bid_size, ask.price, ask_size, _in_ms(top.M), top.C),)

    def _tell_mark(self, mark: _MarkPrice, frame: bytes) -> None:
        if not 0.0 < mark.mp < inf:
            raise bad_frame(frame, "a positive mark price of KuCoin")
        instrument = self._find(mark.s)
        if instrument is None:
            return
        at_ms = _in_ms(mark.ts)
        self.asides.append(Mark(instrument.id, mark.mp, mark.ip, at_ms))
        listing = self._listings.get(mark.s)
        if mark.oi is None or listing is None or listing.contract_size is None:
            return
        lots, size = mark.oi, listing.contract_size
        coins = in_coins_inverse(lots, size, mark.mp) if listing.is_inverse else in_coins(lots, size)
        self.asides.append(OpenInterest(instrument.id, coins, at_ms))

    def _tell_funding(self, fee: _FundingFee, pushed: int | None, frame: bytes) -> None:
        if not abs(fee.fr) < 1.0:
            raise bad_frame(frame, "a funding rate of KuCoin below 1")
        instrument = self._find(fee.s)
        if instrument is not None:
            interval_h = fee.gl / _HOUR_MS if fee.gl else None
            # Rounded, since -0.000076 * 100 is -0.007600000000000001.
            rate_pct = round(fee.fr * 100, 10)
            self.asides.append(Funding(instrument.id, rate_pct, fee.nt, interval_h, at_ms=_in_ms(pushed)))

    def _take_answer(self, message: _Frame, frame: bytes) -> None:
        """A welcome, an ack, a pong or a refusal, {"id":"p18","result":false,"message":"invalid request data"}."""
        if message.message == "welcome":
            self.asides.append(Ready())
        elif message.result is False or message.type == "error":
            # After a refused unsubscription the symbol may still be served.
            if not message.id.startswith("-"):
                words = message.message or message.reason or f"{message.code} {message.msg}".strip()
                raise VenueRejected(message.id, words or "refused")
        elif message.result is UNSET and message.type != "pong":
            raise bad_frame(
                frame, "a frame of KuCoin's UTA sockets (T, result, pong or welcome; classic ones have none)"
            )


def _in_ms(time: int | None) -> int | None:
    """Whole ms of a time since 1970 in ms, us or ns: the examples of the venue's pages mix them in one field."""
    if time is None or time < _EARLIEST_US:
        return time
    return time // 1_000_000 if time >= _EARLIEST_NS else time // 1000
