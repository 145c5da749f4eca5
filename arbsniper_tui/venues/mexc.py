"""MEXC spot: `aggre.bookTicker` in protobuf. Perpetuals: `depth.full`, five levels some three times a second.

https://www.mexc.com/api-docs/spot-v3/websocket-market-streams, https://github.com/mexcdevelop/websocket-proto,
https://www.mexc.com/api-docs/futures/websocket-api; why so, docs/decisions/0018-mexc-protobuf.md says.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.protobuf import read_fields
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.rest_tops import rest_tops
from arbsniper_tui.venues.sizes import contract_size, sizes_in_coins
from arbsniper_tui.venues.spelling import Spelling

_BOOK_TICKER = "spot@public.aggre.bookTicker.v3.api.pb@10ms@"
_SPOT = VenueMarket(
    market=Market.SPOT,
    ws_url="wss://wbs-api.mexc.com",
    ws_path="/ws",
    rest_url="https://api.mexc.com",
    list_path="/api/v3/exchangeInfo",
    seed_path="/api/v3/ticker/bookTicker",
    channel="aggre.bookTicker@10ms",
    taker_fee_pct=0.05,
    symbol_example="BTCUSDT",
    # wbs.mexc.com served JSON until 2025.
    hosts=("wbs-api.mexc.com", "wbs.mexc.com"),
    spelling=Spelling(quotes=("USDT", "USDC", "USDE", "USD1", "BTC", "ETH", "EUR")),
    subscription=Subscription(
        topic=f'"{_BOOK_TICKER}$symbol"',
        subscribe='{"method":"SUBSCRIPTION","params":[$topics]}',
        unsubscribe='{"method":"UNSUBSCRIPTION","params":[$topics]}',
        # The page does not say what becomes of a request of which one topic is refused.
        per_frame=1,
    ),
    connection_limit=30,
    limits=Limits(messages=Rate(100, 1.0)),
    lifetime_h=24.0,
    max_silence_s=45.0,
    keep_alive=KeepAlive('{"method":"PING"}', every_s=15.0),
)
_PERP = VenueMarket(
    market=Market.PERP,
    ws_url="wss://contract.mexc.com",
    ws_path="/edge",
    rest_url="https://api.mexc.com",
    list_path="/api/v1/contract/detail",
    channel="depth.full (5)",
    # For orders by API, since 2026-06-01.
    taker_fee_pct=0.08,
    symbol_example="BTC_USDT",
    hosts=("contract.mexc.com",),
    spelling=Spelling("_", has_inverse=True),
    subscription=Subscription(
        topic='{"symbol":"$symbol","limit":5}',
        subscribe='{"method":"sub.depth.full","param":$topics}',
        unsubscribe='{"method":"unsub.depth.full","param":$topics}',
        per_frame=1,
    ),
    needs_list=True,
    sizes="contracts",
    facts=FactSource(Subscription('{"symbol":"$symbol"}', '{"method":"sub.ticker","param":$topics}', per_frame=1)),
    max_silence_s=45.0,
    # Without a ping of the client the venue closes after some 60 s, even while data flows.
    keep_alive=KeepAlive('{"method":"ping"}', every_s=15.0),
)
# The ticker carries a funding rate too, but not the time of the next settlement.
_FUNDING = Subscription('{"symbol":"$symbol"}', '{"method":"sub.funding.rate","param":$topics}', per_frame=1)

_SPOT_STATES = {"2": "pause", "3": "offline"}
_CONTRACT_STATES = {1: "delivery", 2: "delivered", 3: "offline", 4: "pause"}
_PERPETUAL = 1


class Mexc(VenueAdapter):
    """Spot sizes are coins, perpetual sizes contracts of `contractSize` coins (inverse: of quote currency)."""

    venue: ClassVar[str] = "mexc"
    markets: ClassVar[tuple[VenueMarket, ...]] = (_SPOT, _PERP)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return (_BookTickerParser if market is Market.SPOT else _ContractParser)(find, listings)

    def parse_seeds(self, body: bytes, find: Find) -> Sequence[Quote]:
        return _SEEDS(body, find)

    def subscribe_facts(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        tickers = super().subscribe_facts(instruments, wall_ms)
        return [*tickers, *_FUNDING.frames(instruments)] if tickers else []

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        lists = _LISTS(body)
        if lists.symbols is not None:
            return ((each.symbol, _spot_listing(each)) for each in lists.symbols)
        if lists.data is not None:
            return ((each.symbol, _contract_listing(each)) for each in lists.data if each.type == _PERPETUAL)
        raise bad_frame(body, "symbols or data of a list of MEXC")


class _Spot(Struct, rename="camel"):
    symbol: str
    status: str | int = ""
    is_spot_trading_allowed: bool = True
    trade_side_type: str | int = "1"
    quote_precision: int | None = None
    base_asset_precision: int | None = None
    base_size_precision: str = ""
    quote_amount_precision: str = ""
    full_name: str | None = None
    contract_address: str | None = None


class _Contract(Struct, rename="camel"):
    symbol: str
    base_coin: str = ""
    quote_coin: str = ""
    settle_coin: str = ""
    contract_size: float | None = None
    price_unit: float | None = None
    vol_unit: float | None = None
    min_vol: float | None = None
    state: int = -1
    api_allowed: bool = True
    type: int = _PERPETUAL
    create_time: VenueInt | None = None
    opening_time: VenueInt | None = None


class _Lists(Struct):
    symbols: list[_Spot] | None = None
    data: list[_Contract] | None = None


_LISTS = decoder(_Lists, "MEXC instruments")
_SEEDS = rest_tops("MEXC bookTicker")


def _spot_listing(each: _Spot) -> Listing:
    state, takes_all = str(each.status), each.is_spot_trading_allowed and str(each.trade_side_type) == "1"
    words = "" if takes_all else "not all orders allowed"
    if state not in ("1", "ENABLED"):
        words = _SPOT_STATES.get(state, f"status {state}")
    least = contract_size(each.base_size_precision)
    return Listing(
        is_trading=not words,
        words=words,
        tick=_step(each.quote_precision),
        lot=least or _step(each.base_asset_precision),
        min_size=least,
        min_worth=contract_size(each.quote_amount_precision),
        coin_name=each.full_name or "",
        contract=each.contract_address or "",
    )


def _contract_listing(each: _Contract) -> Listing:
    words = "" if each.api_allowed else "not allowed by API"
    if each.state != 0:
        words = _CONTRACT_STATES.get(each.state, f"state {each.state}")
    is_settled_in_a_leg = each.settle_coin in (each.base_coin, each.quote_coin)
    return Listing(
        contract_size(repr(each.contract_size)) if is_settled_in_a_leg else None,
        is_inverse=each.settle_coin == each.base_coin,
        is_trading=not words,
        words=words,
        tick=each.price_unit,
        lot=each.vol_unit,
        min_size=each.min_vol,
        listed_ms=each.opening_time or each.create_time,
    )


def _step(digits: int | None) -> float | None:
    """One unit of the last of so many decimals."""
    return float(f"1e-{digits}") if digits is not None and 0 <= digits <= 30 else None


class _Ack(Struct):
    code: int
    msg: str


_ACK = msgspec.json.Decoder(_Ack).decode
# The text of a price is read as a JSON number: float() would take "nan" and "1_0" too.
_NUMBER = msgspec.json.Decoder(float).decode
_CHANNEL, _SYMBOL, _SEND_TIME, _TICKER = 1, 3, 6, 315
"""Fields of PushDataV3ApiWrapper. Those of PublicAggreBookTickerV3Api are bid, its size, ask, its size: 1 to 4."""


class _BookTickerParser(Parser):
    """Data come in binary frames, acks and pongs in text:

    0a 33 "spot@public.aggre.bookTicker.v3.api.pb@10ms@BTCUSDT"  1a 07 "BTCUSDT"  30 <ms since 1970, varint>
    da 13 29 (0a 08 "62383.56"  12 0a "0.07956651"  1a 08 "62383.57"  22 07 "0.09556")
    {"id":0,"code":0,"msg":"spot@public.aggre.bookTicker.v3.api.pb@10ms@BTCUSDT"}

    proto3 does not tell an empty text from a missing field: both are an empty side.
    """

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if frame.startswith((b"{", b"[")):
            return _acknowledged(frame)
        parts, numbers = read_fields(frame)
        ticker = parts.get(_TICKER)
        if ticker is None:
            return _without_ticker(parts, frame)
        try:
            symbol = parts.get(_SYMBOL, b"").decode()
            instrument = self._find(symbol)
            if instrument is None and symbol:
                return ()
            top, _ = read_fields(ticker)
            bid, bid_size, ask, ask_size = [
                _NUMBER(text) if (text := top.get(field)) else 0.0 for field in (1, 2, 3, 4)
            ]
        except UNREADABLE as error:
            raise undecodable(frame, "MEXC aggre.bookTicker", error) from error
        if instrument is None:
            raise bad_frame(frame, "the symbol of a MEXC aggre.bookTicker")
        return (Quote(instrument.id, bid, bid_size, ask, ask_size, numbers.get(_SEND_TIME)),)


def _without_ticker(parts: dict[int, bytes], frame: bytes) -> tuple[()]:
    """Other channels of the connection pass."""
    channel = parts.get(_CHANNEL, b"")
    if not channel.startswith(b"spot@") or channel.startswith(b"spot@public.aggre.bookTicker."):
        raise bad_frame(frame, "channel and publicAggreBookTicker of MEXC spot v3")
    return ()


def _acknowledged(frame: bytes) -> tuple[()]:
    try:
        ack = _ACK(frame)
    except UNREADABLE as error:
        raise bad_frame(frame, f"an ack of MEXC spot v3, whose data is no JSON since 2025 ({error})") from error
    if ack.code == 0 and (ack.msg == "PONG" or ack.msg.startswith("spot@")):
        return ()
    # "Not Subscribed successfully! [spot@public.aggre.bookTicker.v3.api.pb@10ms@XYZUSDT]. Reason: Blocked! "
    is_refused = ack.msg.startswith("Not Subscribed")
    # Other words, such as those on what could not be unsubscribed, refuse no symbol.
    named = ack.msg.partition("[")[2].partition("]")[0].rpartition("@")[2] if is_refused else ""
    raise VenueRejected(named, f"{ack.code}: {ack.msg}" if ack.code else ack.msg.strip())


class _Level(Struct, array_like=True, gc=False):
    price: float
    size: float


class _Depth(Struct, gc=False):
    asks: list[_Level]
    bids: list[_Level]
    cts: VenueInt | None = None
    version: VenueInt | None = None


class _Rate(Struct, rename="camel", gc=False):
    rate: float
    next_settle_time: VenueInt | None = None


class _Ticker(Struct, rename="camel", gc=False):
    fair_price: float
    hold_vol: float
    index_price: float | None = None


class _Frame(Struct, gc=False):
    channel: str
    # The retired spot API had channels of the same names, without a time.
    ts: VenueInt
    symbol: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


_EMPTY = _Level(0.0, 0.0)
"""The level of an empty side."""
_DECODE = msgspec.json.Decoder(_Frame).decode
_DEPTH = msgspec.json.Decoder(_Depth).decode
_WORDS = msgspec.json.Decoder(str).decode
_RATE = msgspec.json.Decoder(_Rate).decode
_CONTRACT_TICKER = msgspec.json.Decoder(_Ticker).decode


class _ContractParser(Parser):
    """{"symbol":"RIF_USDT","data":{"cts":1789498322165,"asks":[[0.08055,48,1]],"bids":[[0.08049,46,1]],
     "version":5220571685},"channel":"push.depth.full","ts":1789498322169}
    {"symbol":"BTC_USDT","data":{"symbol":"BTC_USDT","rate":0.000081,"nextSettleTime":1789516800000},
     "channel":"push.funding.rate","ts":1789498322169}

    A level is price, contracts, and the number of orders; the best comes first. `cts` is the time of the matching.
    """

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
            channel = message.channel
            if not channel.startswith("push."):
                return _without_push(message, frame)
            instrument = self._find(message.symbol)
            if instrument is None:
                return ()
            if channel == "push.depth.full":
                return (self._quote(instrument, _DEPTH(message.data)),)
            if channel == "push.funding.rate":
                funding = _RATE(message.data)
                rate_pct = round(funding.rate * 100, 10)
                self.asides.append(Funding(instrument.id, rate_pct, funding.next_settle_time, at_ms=message.ts))
            elif channel == "push.ticker":
                self._take_ticker(instrument, _CONTRACT_TICKER(message.data), message.ts)
        except UNREADABLE as error:
            raise undecodable(frame, "MEXC contract", error) from error
        return ()

    def _quote(self, instrument: Instrument, depth: _Depth) -> Quote:
        bid = depth.bids[0] if depth.bids else _EMPTY
        ask = depth.asks[0] if depth.asks else _EMPTY
        bid_size, ask_size = sizes_in_coins(
            self._listings.get(instrument.venue_symbol), instrument, bid.price, bid.size, ask.price, ask.size
        )
        return Quote(instrument.id, bid.price, bid_size, ask.price, ask_size, depth.cts, depth.version)

    def _take_ticker(self, instrument: Instrument, ticker: _Ticker, at_ms: int) -> None:
        fair, held = ticker.fair_price, ticker.hold_vol
        self.asides.append(Mark(instrument.id, fair, ticker.index_price, at_ms))
        coins, _ = sizes_in_coins(self._listings.get(instrument.venue_symbol), instrument, fair, held, fair, held)
        self.asides.append(OpenInterest(instrument.id, coins, at_ms))


def _without_push(message: _Frame, frame: bytes) -> tuple[()]:
    if message.channel == "rs.error":
        # "Contract [XYZ_USDT] not exists"
        words = _WORDS(message.data)
        raise VenueRejected(words.partition("[")[2].partition("]")[0], words)
    if message.channel != "pong" and not message.channel.startswith("rs."):
        raise bad_frame(frame, "a channel of MEXC contracts")
    return ()
