"""OKX v5 spot and swaps on one connection: `bbo-tbt`, one level on each side, complete on every change.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

from collections.abc import Iterable, Mapping, Sequence
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


class _Level1(Struct, gc=False):
    asks: list[list[float]]
    bids: list[list[float]]
    ts: VenueInt | None = None
    seqId: VenueInt | None = None  # noqa: N815 - the venue's spelling


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


def _listing(listed: _Listed) -> Listing:
    """A swap's unit in coins or quote currency; spot has no contract fields. Raises BadFrame."""
    try:
        contract_size = float(listed.ctVal or 1) * float(listed.ctMult or 1)
    except ValueError as error:
        raise bad_frame(repr(listed).encode(), f"numbers in ctVal and ctMult of {listed.instId}") from error
    return Listing(contract_size, listed.ctType == "inverse", listed.state == "live")


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
        except ValueError as error:
            raise bad_frame(frame, "price and size in a level") from error

    def _quote(self, instrument: Instrument, top: _Level1) -> Quote:
        bid, bid_size = top.bids[0][:2] if top.bids else (0.0, 0.0)
        ask, ask_size = top.asks[0][:2] if top.asks else (0.0, 0.0)
        if instrument.market is Market.PERP:
            listing = self._listings.get(instrument.venue_symbol)
            if listing is None:
                raise bad_frame(
                    instrument.venue_symbol.encode(),
                    "its contract size in the list of instruments (--instruments)",
                )
            if listing.is_inverse:
                bid_size = bid_size * listing.contract_size / bid if bid else 0.0
                ask_size = ask_size * listing.contract_size / ask if ask else 0.0
            else:
                bid_size *= listing.contract_size
                ask_size *= listing.contract_size
        return Quote(instrument.id, bid, bid_size, ask, ask_size, top.ts, top.seqId)


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
