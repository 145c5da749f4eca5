"""OKX v5 spot and swaps on one connection: `bbo-tbt`, one level on each side, complete on every change.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from math import inf
from typing import ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, VenueClosing, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import (
    KeepAlive,
    Listing,
    QuoteParser,
    VenueAdapter,
    VenueInt,
    VenueMarket,
    bad_frame,
    in_coins,
    in_coins_inverse,
    undecodable,
)

_PING = KeepAlive("ping", every_s=18.0)
_CLOSING_SOON = "64008"


def _okx_market(market: Market, fee_pct: float, example: str, needs_list: bool, sizes: str) -> VenueMarket:
    kind = "SPOT" if market is Market.SPOT else "SWAP"
    return VenueMarket(
        market=market,
        ws_url="wss://ws.okx.com:8443",
        ws_path="/ws/v5/public",
        rest_url="https://www.okx.com",
        list_path=f"/api/v5/public/instruments?instType={kind}",
        channel="bbo-tbt",
        taker_fee_pct=fee_pct,
        symbol_example=example,
        hosts=("ws.okx.com", "wsus.okx.com", "wseea.okx.com"),
        needs_list=needs_list,
        sizes=sizes,
        # Silence of 30 s ends the connection on the venue's side; our ping brings a pong before.
        max_silence_s=30.0,
        keep_alive=_PING,
    )


class Okx(VenueAdapter):
    """Spot sizes are coins, swap sizes contracts of `ctVal` x `ctMult` coins (inverse: of quote currency)."""

    venue: ClassVar[str] = "okx"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        _okx_market(Market.SPOT, 0.10, "BTC-USDT", needs_list=False, sizes="coins"),
        _okx_market(Market.PERP, 0.05, "BTC-USDT-SWAP", needs_list=True, sizes="contracts"),
    )

    def venue_symbol(self, symbol: Symbol) -> str:
        return f"{symbol.base}-{symbol.quote}" + ("-SWAP" if symbol.settle else "")

    def _unified(self, venue_symbol: str, market: Market) -> str:
        parts = venue_symbol.split("-")
        if not all(parts):
            return ""
        if len(parts) == 2:
            return "/".join(parts)
        if len(parts) == 3 and parts[2] == "SWAP":
            base, quote, _ = parts
            return f"{base}/{quote}:{base if quote == 'USD' else quote}"
        return ""

    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return [_request("subscribe", instruments, "b1")]

    def unsubscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        return [_request("unsubscribe", instruments, "b2")]

    def parser(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> QuoteParser:
        return _BboParser(instruments, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        try:
            listed = _LIST(body)
        except UNREADABLE as error:
            raise undecodable(body, "OKX instruments", error) from error
        if listed.code != "0":
            raise bad_frame(body, f"code 0 from OKX instruments ({listed.msg})")
        return ((instrument.instId, _listing(instrument)) for instrument in listed.data)


def _request(op: str, instruments: Sequence[Instrument], request_id: str) -> str:
    # One frame: the venue counts 480 operations an hour and connection, and answers each argument by itself.
    args = [{"channel": "bbo-tbt", "instId": instrument.venue_symbol} for instrument in instruments]
    return msgspec.json.encode({"id": request_id, "op": op, "args": args}).decode()


class _Arg(Struct, gc=False):
    channel: str = ""
    instId: str = ""  # noqa: N815 - the venue's spelling


class _Level(Struct, array_like=True, gc=False):
    price: float
    size: float


class _Level1(Struct, gc=False):
    asks: list[_Level]
    bids: list[_Level]
    ts: VenueInt | None = None
    seqId: VenueInt | None = None  # noqa: N815 - the venue's spelling


_EMPTY = _Level(0.0, 0.0)
"""The level of an empty side."""


class _Frame(Struct, gc=False):
    arg: _Arg | None = None
    data: list[msgspec.Raw] = []
    event: str = ""
    code: str = ""
    msg: str = ""


class _Listed(Struct):
    instId: str  # noqa: N815 - the venue's spelling
    ctVal: str = ""  # noqa: N815 - the venue's spelling
    ctMult: str = ""  # noqa: N815 - the venue's spelling
    ctType: str = ""  # noqa: N815 - the venue's spelling
    state: str = ""


class _Instruments(Struct):
    data: list[_Listed]
    code: str = "0"
    msg: str = ""


_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_LEVEL1 = msgspec.json.Decoder(_Level1, strict=False).decode
_LIST = msgspec.json.Decoder(_Instruments).decode
_NUMBERS = partial(msgspec.convert, type=tuple[float, float], strict=False)


def _listing(listed: _Listed) -> Listing:
    """A swap's unit in coins or quote currency; spot has no contract fields."""
    contract_size: float | None = 1.0
    if listed.instId.count("-") > 1:
        contract_size = _contract_size(listed) if listed.ctType in ("linear", "inverse") else None
    return Listing(contract_size, listed.ctType == "inverse", listed.state == "live")


def _contract_size(listed: _Listed) -> float | None:
    """`ctVal` x `ctMult`; None where one of them is missing or no positive number."""
    try:
        # As frames are read: Python's own float() takes "1_000" and the digits of every script.
        size, multiplier = _NUMBERS((listed.ctVal, listed.ctMult))
    except UNREADABLE:
        return None
    if not (0.0 < size < inf and 0.0 < multiplier < inf):
        return None
    return float(Decimal(listed.ctVal) * Decimal(listed.ctMult))


class _BboParser:
    """{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["8476.98","415","0","13"]],
     "bids":[["8476.97","256","0","12"]],"ts":"1597026383085","seqId":123456}]}

    A level is price, size, a zero, and the number of orders; an empty list is an empty side.
    """

    def __init__(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> None:
        self._instruments = instruments
        self._listings = listings

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if frame == b"pong":
            return ()
        try:
            message = _DECODE(frame)
            if message.arg is None or message.event:
                return _without_quote(message, frame)
            if message.arg.channel != "bbo-tbt":
                return ()
            instrument = self._instruments.get(message.arg.instId)
            if instrument is None:
                return ()
            return [self._quote(instrument, _LEVEL1(raw)) for raw in message.data]
        except UNREADABLE as error:
            raise undecodable(frame, "OKX v5", error) from error

    def _quote(self, instrument: Instrument, top: _Level1) -> Quote:
        bids, asks = top.bids, top.asks
        bid, ask = bids[0] if bids else _EMPTY, asks[0] if asks else _EMPTY
        bid_size, ask_size = bid.size, ask.size
        # A perpetual; before Python 3.12, looking up an enum's member runs code each time.
        if ":" in instrument.symbol:
            listing = self._listings.get(instrument.venue_symbol)
            if listing is None or listing.contract_size is None:
                raise bad_frame(
                    instrument.venue_symbol.encode(),
                    "its contract size in the list of instruments (--instruments)",
                )
            if listing.is_inverse:
                bid_size = in_coins_inverse(bid_size, listing.contract_size, bid.price)
                ask_size = in_coins_inverse(ask_size, listing.contract_size, ask.price)
            else:
                bid_size = in_coins(bid_size, listing.contract_size)
                ask_size = in_coins(ask_size, listing.contract_size)
        return Quote(instrument.id, bid.price, bid_size, ask.price, ask_size, top.ts, top.seqId)


def _without_quote(message: _Frame, frame: bytes) -> tuple[()]:
    if message.event == "notice" and message.code == _CLOSING_SOON:
        raise VenueClosing(f"OKX: {message.msg}")
    if message.event == "error":
        raise VenueRejected(_instrument_named(message.msg), f"{message.code}: {message.msg}")
    if not message.event:
        raise bad_frame(frame, "arg and data, or event, of OKX v5")
    return ()


def _instrument_named(text: str) -> str:
    """The id in `channel:bbo-tbt,instId:XYZ-USDT doesn't exist`, or an empty string."""
    return text.partition("instId:")[2].partition(" ")[0].strip(",. ")
