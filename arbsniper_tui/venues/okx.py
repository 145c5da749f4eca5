"""OKX v5 spot and swaps on one connection: `bbo-tbt`, one level on each side, complete on every change.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.model.errors import UNREADABLE, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, number, percent_of, time_ms, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription
from arbsniper_tui.venues.sizes import contract_size, positive_number, sizes_in_coins
from arbsniper_tui.venues.spelling import Spelling

_CLOSING_SOON = "64008"
_SWAP = "-SWAP"
_MOST_BYTES = 60_000
"""The venue takes arguments of 64 KiB in one frame."""


def _facts(*channels: str) -> Subscription:
    return Subscription(
        topic=",".join(f'{{"channel":"{channel}","instId":"$symbol"}}' for channel in channels),
        subscribe='{"id":"f1","op":"subscribe","args":[$topics]}',
        frame_bytes=_MOST_BYTES,
    )


_SWAP_FACTS = _facts("funding-rate", "mark-price", "open-interest")
_INDEXES = _facts("index-tickers")


def _okx_market(market: Market, fee_pct: float, example: str, *, kind: str, suffix: str) -> VenueMarket:
    is_swap = market is Market.PERP
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
        spelling=Spelling("-", suffix=suffix, has_inverse=is_swap),
        # One frame: the venue counts 480 operations an hour and connection, and answers each argument by itself.
        subscription=Subscription(
            topic='{"channel":"bbo-tbt","instId":"$symbol"}',
            subscribe='{"id":"b1","op":"subscribe","args":[$topics]}',
            unsubscribe='{"id":"b2","op":"unsubscribe","args":[$topics]}',
        ),
        limits=Limits(connects=Rate(3, 1.0)),
        facts=FactSource(_SWAP_FACTS) if is_swap else None,
        needs_list=is_swap,
        sizes="contracts" if is_swap else "coins",
        # Silence of 30 s ends the connection on the venue's side; our ping brings a pong before.
        max_silence_s=30.0,
        keep_alive=KeepAlive("ping", every_s=18.0),
    )


class Okx(VenueAdapter):
    """Spot sizes are coins, swap sizes contracts of `ctVal` x `ctMult` coins (inverse: of quote currency)."""

    venue: ClassVar[str] = "okx"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        _okx_market(Market.SPOT, 0.10, "BTC-USDT", kind="SPOT", suffix=""),
        _okx_market(Market.PERP, 0.05, "BTC-USDT-SWAP", kind="SWAP", suffix=_SWAP),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _BboParser(find, listings)

    def subscribe_facts(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        # The index of BTC-USDT-SWAP is called BTC-USDT.
        indexes = [replace(each, venue_symbol=each.venue_symbol.removesuffix(_SWAP)) for each in instruments]
        return super().subscribe_facts(instruments, wall_ms) + (_INDEXES.frames(indexes) if indexes else [])

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        listed = _LIST(body)
        if listed.code != "0":
            raise bad_frame(body, f"code 0 from OKX instruments ({listed.msg})")
        for each in listed.data:
            size: float | None = 1.0
            if each.inst_id.count("-") > 1:  # spot has no contract fields
                size = contract_size(each.ct_val, each.ct_mult) if each.ct_type in ("linear", "inverse") else None
            yield (
                each.inst_id,
                Listing(
                    size,
                    each.ct_type == "inverse",
                    each.state == "live",
                    words="" if each.state == "live" else each.state,
                    tick=positive_number(each.tick_sz),
                    lot=positive_number(each.lot_sz),
                    min_size=positive_number(each.min_sz),
                    listed_ms=int(positive_number(each.list_time) or 0) or None,
                ),
            )


class _Listed(Struct, rename="camel"):
    inst_id: str
    ct_val: str = ""
    ct_mult: str = ""
    ct_type: str = ""
    state: str = ""
    tick_sz: str = ""
    lot_sz: str = ""
    min_sz: str = ""
    list_time: str = ""


class _Instruments(Struct):
    data: list[_Listed]
    code: str = "0"
    msg: str = ""


class _Arg(Struct, rename="camel", gc=False):
    channel: str = ""
    inst_id: str = ""


class _Level(Struct, array_like=True, gc=False):
    price: float
    size: float


class _Level1(Struct, rename="camel", gc=False):
    asks: list[_Level]
    bids: list[_Level]
    ts: VenueInt | None = None
    seq_id: VenueInt | None = None


class _Said(Struct, rename="camel", gc=False):
    funding_rate: str = ""
    funding_time: str = ""
    next_funding_rate: str = ""
    next_funding_time: str = ""
    mark_px: str = ""
    idx_px: str = ""
    oi_ccy: str = ""
    ts: str = ""


class _Frame(Struct, gc=False):
    arg: _Arg | None = None
    data: list[msgspec.Raw] = []
    event: str = ""
    code: str = ""
    msg: str = ""


_EMPTY = _Level(0.0, 0.0)
"""The level of an empty side."""
_LIST = decoder(_Instruments, "OKX instruments")
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_LEVEL1 = msgspec.json.Decoder(_Level1, strict=False).decode
_SAID = msgspec.json.Decoder(_Said).decode
_MS_PER_HOUR = 3_600_000


class _BboParser(Parser):
    """{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["8476.98","415","0","13"]],
     "bids":[["8476.97","256","0","12"]],"ts":"1597026383085","seqId":123456}]}

    A level is price, size, a zero, and the number of orders; an empty list is an empty side. Slow facts:

    {"arg":{"channel":"funding-rate","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","fundingRate":"0.0001",
     "fundingTime":"1785110400000","nextFundingRate":"","nextFundingTime":"1785139200000","ts":"1785096000123"}]}
    {"arg":{"channel":"mark-price","instId":"BTC-USDT-SWAP"},"data":[{"markPx":"42310.6","ts":"1630049139746"}]}
    {"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"idxPx":"42310.1","ts":"1630049139746"}]}
    {"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},"data":[{"oi":"5000","oiCcy":"555.55","ts":"..."}]}
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        super().__init__(find, listings)
        self._indexes: dict[int, float] = {}
        """By instrument, until the next mark price tells it."""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if frame == b"pong":
            return ()
        try:
            message = _DECODE(frame)
            if message.arg is None or message.event:
                return _without_quote(message, frame)
            if message.arg.channel != "bbo-tbt":
                self._take_facts(message.arg, message.data)
                return ()
            instrument = self._find(message.arg.inst_id)
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
            bid_size, ask_size = sizes_in_coins(listing, instrument, bid.price, bid_size, ask.price, ask_size)
        return Quote(instrument.id, bid.price, bid_size, ask.price, ask_size, top.ts, top.seq_id)

    def _take_facts(self, arg: _Arg, data: Sequence[msgspec.Raw]) -> None:
        is_index = arg.channel == "index-tickers"
        if not is_index and arg.channel not in ("funding-rate", "mark-price", "open-interest"):
            return
        instrument = self._find(f"{arg.inst_id}{_SWAP}" if is_index else arg.inst_id)
        if instrument is None:
            return
        for said in map(_SAID, data):
            if is_index:
                self._indexes[instrument.id] = number(said.idx_px) or 0.0
            elif fact := self._fact(instrument.id, arg.channel, said):
                self.asides.append(fact)

    def _fact(self, instrument_id: int, channel: str, said: _Said) -> Fact | None:
        at_ms = time_ms(said.ts)
        if channel == "mark-price":
            mark = number(said.mark_px)
            return Mark(instrument_id, mark, self._indexes.get(instrument_id) or None, at_ms) if mark else None
        if channel == "open-interest":
            coins = number(said.oi_ccy)
            return None if coins is None else OpenInterest(instrument_id, coins, at_ms)
        rate_pct = percent_of(said.funding_rate)
        if rate_pct is None:
            return None
        next_ms, after_ms = time_ms(said.funding_time), time_ms(said.next_funding_time)
        interval_h = (after_ms - next_ms) / _MS_PER_HOUR if next_ms and after_ms else None
        return Funding(instrument_id, rate_pct, next_ms, interval_h, percent_of(said.next_funding_rate), at_ms)


def _without_quote(message: _Frame, frame: bytes) -> tuple[()]:
    if message.event == "notice" and message.code == _CLOSING_SOON:
        raise VenueClosing(f"OKX: {message.msg}")
    if message.event == "error":
        # "channel:bbo-tbt,instId:XYZ-USDT doesn't exist"
        named = message.msg.partition("instId:")[2].partition(" ")[0].strip(",. ")
        raise VenueRejected(named, f"{message.code}: {message.msg}")
    if not message.event:
        raise bad_frame(frame, "arg and data, or event, of OKX v5")
    return ()
