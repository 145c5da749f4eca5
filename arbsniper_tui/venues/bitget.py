"""Bitget spot and USDT perpetuals: `books1` of the unified API (v3), one level on each side, complete on every push.

Frames of the classic API (v2) are read too: the venue serves both. Those of v1 and before are refused.
https://www.bitget.com/api-doc/uta/websocket/public/Order-Book-Channel
https://www.bitget.com/api-doc/contract/websocket/public/Order-Book-Channel
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, time_ms, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.multiplier import ScaledName
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.sizes import positive
from arbsniper_tui.venues.spelling import Spelling

_KINDS = {Market.SPOT: "spot", Market.PERP: "usdt-futures"}
_IS_PERP = {"spot": False, "SPOT": False, "usdt-futures": True, "USDT-FUTURES": True}
"""By what v3 and v2 call the two markets."""
_OTHER_KINDS = frozenset(("usdc-futures", "coin-futures", "susdt-futures", "susdc-futures", "scoin-futures"))
_QUOTES = ("USDT", "USDC", "USDE", "BTC", "ETH", "BGB", "EUR", "BRL", "TRY", "USD")


def _subscription(kind: str, topic: str) -> Subscription:
    return Subscription(
        topic=f'{{"instType":"{kind}","topic":"{topic}","symbol":"$symbol"}}',
        subscribe='{"op":"subscribe","args":[$topics]}',
        unsubscribe='{"op":"unsubscribe","args":[$topics]}',
        per_frame=20,
        frame_bytes=4096,
    )


def _bitget_market(market: Market, fee_pct: float, list_path: str, facts: FactSource | None = None) -> VenueMarket:
    return VenueMarket(
        market=market,
        ws_url="wss://ws.bitget.com",
        ws_path="/v3/ws/public",
        rest_url="https://api.bitget.com",
        list_path=list_path,
        channel="books1",
        taker_fee_pct=fee_pct,
        symbol_example="BTCUSDT",
        hosts=("ws.bitget.com",),
        spelling=Spelling(quotes=_QUOTES),
        subscription=_subscription(_KINDS[market], "books1"),
        limits=Limits(connects=Rate(300, 300.0), messages=Rate(10, 1.0)),
        connections=100,
        facts=facts,
        # The venue takes 1000, and advises fewer than 50.
        connection_limit=50,
        # The venue closes after 2 minutes without our ping, whatever it sends itself.
        keep_alive=KeepAlive("ping", every_s=25.0),
    )


class Bitget(VenueAdapter):
    """Sizes are in coins on both markets, which have the same names for their instruments."""

    venue: ClassVar[str] = "bitget"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        _bitget_market(Market.SPOT, 0.10, "/api/v2/spot/public/symbols"),
        _bitget_market(
            Market.PERP,
            0.06,
            "/api/v2/mix/market/contracts?productType=USDT-FUTURES",
            FactSource(_subscription(_KINDS[Market.PERP], "ticker")),
        ),
    )

    def read_name(self, venue_symbol: str, market: Market) -> ScaledName:
        # The parser says `perp:BTCUSDT` where a tape holds both markets and BTCUSDT alone is spot.
        told, colon, name = venue_symbol.partition(":")
        if colon and told in list(Market):
            return super().read_name(name, Market(told))
        return super().read_name(venue_symbol, market)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _Books1Parser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        listed = _LIST(body)
        if listed.code != "00000":
            raise bad_frame(body, f"code 00000 from Bitget's list ({listed.msg})")
        return ((each.symbol, _listing(each)) for each in listed.data or () if each.symbol_type == "perpetual")


class _Listed(Struct, rename="camel"):
    """A row of the spot list or of the list of contracts, which name alike only what they share."""

    symbol: str
    min_worth: str = field(name="minTradeUSDT", default="")
    open_time: str = ""
    status: str = ""
    price_precision: str = ""
    quantity_precision: str = ""
    min_trade_amount: str = ""
    symbol_status: str = ""
    symbol_type: str = "perpetual"
    price_end_step: str = "1"
    price_place: str = ""
    size_multiplier: str = ""
    min_trade_num: str = ""
    fund_interval: str = ""


def _listing(row: _Listed) -> Listing:
    words = row.status or row.symbol_status
    is_trading = words in ("online", "normal")
    return Listing(
        is_trading=is_trading,
        words="" if is_trading else words,
        tick=positive(row.price_end_step, f"1e-{row.price_place or row.price_precision}"),
        lot=positive(row.size_multiplier or f"1e-{row.quantity_precision}"),
        min_size=positive(row.min_trade_num or row.min_trade_amount),
        min_worth=positive(row.min_worth),
        listed_ms=time_ms(row.open_time),
        funding_interval_h=positive(row.fund_interval),
    )


class _Instruments(Struct):
    data: list[_Listed] | None
    code: str = "00000"
    msg: str = ""


class _Arg(Struct, rename="camel", gc=False):
    inst_type: str = ""
    topic: str = ""
    symbol: str = ""
    channel: str = ""
    inst_id: str = ""


class _Level(Struct, array_like=True, gc=False):
    price: float
    size: float


class _Books1(Struct, gc=False):
    """v3 calls its sides `a` and `b`, v2 `asks` and `bids`."""

    a: list[_Level] | UnsetType = UNSET
    b: list[_Level] | UnsetType = UNSET
    asks: list[_Level] | UnsetType = UNSET
    bids: list[_Level] | UnsetType = UNSET
    ts: VenueInt | None = None


class _Ticker(Struct, rename="camel"):
    mark_price: str = ""
    index_price: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""
    open_interest: str = ""
    holding_amount: str = ""
    """What v2 calls the open interest."""


class _Frame(Struct, gc=False):
    arg: _Arg | None = None
    data: list[msgspec.Raw] = []
    ts: VenueInt | None = None
    event: str = ""
    code: int | str = ""
    msg: str = ""


_EMPTY = _Level(0.0, 0.0)
"""The level of an empty side."""
_LIST = decoder(_Instruments, "Bitget instruments")
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_BOOKS1 = msgspec.json.Decoder(_Books1, strict=False).decode
_TICKER = msgspec.json.Decoder(_Ticker).decode


class _Books1Parser(Parser):
    """{"action":"snapshot","arg":{"instType":"spot","topic":"books1","symbol":"BTCUSDT"},"data":[{
     "a":[["76671.23","0.41581"]],"b":[["76671.22","0.531211"]],"seq":451057506670,"pseq":0,"ts":"1777358880105"}],
     "ts":1777358880106}
    {"action":"snapshot","arg":{"instType":"SPOT","channel":"books1","instId":"BTCUSDC"},"data":[{
     "asks":[["72377.25","0.00408"]],"bids":[["72354.67","1.16460"]],"ts":"1730332859984"}],"ts":1730332859985}

    v3, and v2. A level is price and size; an empty list is an empty side. The inner time is that of the book.
    """

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if frame == b"pong":
            return ()
        try:
            message = _DECODE(frame)
            arg = message.arg
            if arg is None or message.event:
                return _without_quote(message, frame)
            is_perp = _IS_PERP.get(arg.inst_type)
            if is_perp is None:
                return _of_another_kind(arg, frame)
            channel = arg.topic or arg.channel
            if channel != "books1" and channel != "ticker":
                return ()
            name = arg.symbol or arg.inst_id
            instrument = self._find(name)
            if instrument is not None and (":" in instrument.symbol) is not is_perp:
                # Both markets have the same names, and may stand on one tape.
                instrument = self._find(f"{'perp' if is_perp else 'spot'}:{name}")
            if instrument is None:
                return ()
            if channel == "books1":
                return [_quote(instrument, _BOOKS1(raw), frame) for raw in message.data]
            for raw in message.data:
                self._take_ticker(instrument, _TICKER(raw), message.ts)
        except UNREADABLE as error:
            raise undecodable(frame, "Bitget v3 or v2", error) from error
        return ()

    def _take_ticker(self, instrument: Instrument, ticker: _Ticker, at_ms: int | None) -> None:
        """{"arg":{"instType":"usdt-futures","topic":"ticker","symbol":"BTCUSDT"},"data":[{"markPrice":"76670.1",
        "indexPrice":"76690.5","fundingRate":"0.00007","nextFundingTime":"1777363200000","openInterest":"30123.5"}],
        "ts":1777358880110}

        A spot ticker has none of these. Open interest is in base coins.
        """
        self._tell_facts(
            instrument,
            at_ms,
            rate=ticker.funding_rate,
            next_time=ticker.next_funding_time,
            mark=ticker.mark_price,
            index=ticker.index_price,
            interest=ticker.open_interest or ticker.holding_amount,
        )


def _quote(instrument: Instrument, top: _Books1, frame: bytes) -> Quote:
    bids, asks = (top.bids, top.asks) if top.b is UNSET else (top.b, top.a)
    if bids is UNSET or asks is UNSET:
        raise bad_frame(frame, "a and b, or asks and bids, of Bitget books1")
    bid, ask = bids[0] if bids else _EMPTY, asks[0] if asks else _EMPTY
    return Quote(instrument.id, bid.price, bid.size, ask.price, ask.size, top.ts)


def _of_another_kind(arg: _Arg, frame: bytes) -> tuple[()]:
    """A market that is not read here passes in silence; the retired API called its own sp, mc and the like."""
    if arg.inst_type.lower() not in _OTHER_KINDS:
        raise bad_frame(frame, "an instType of Bitget v3 or v2, such as spot (v1 is retired)")
    return ()


def _without_quote(message: _Frame, frame: bytes) -> tuple[()]:
    if message.event == "error":
        # v2 sends the argument back, v3 writes it into its words: "{\\"symbol\\":\\"XYZUSDT\\",...} doesn't exist"
        named = message.arg.inst_id or message.arg.symbol if message.arg is not None else ""
        named = named or message.msg.partition('"symbol":"')[2].partition('"')[0]
        raise VenueRejected(named, f"{message.code}: {message.msg}")
    if not message.event:
        raise bad_frame(frame, "arg and data, or event, of Bitget v3 or v2 (v1 and older are retired)")
    return ()
