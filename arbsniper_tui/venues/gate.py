"""Gate v4 spot and USDT perpetuals: `book_ticker`, complete state on every change; `futures.tickers` for slow facts.

https://www.gate.com/docs/developers/apiv4/ws/en/
https://www.gate.com/docs/developers/futures/ws/en/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from arbsniper_tui.model.errors import UNREADABLE, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, percent, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Subscription
from arbsniper_tui.venues.sizes import contract_size, in_coins, positive_number, sizes_in_coins
from arbsniper_tui.venues.spelling import Spelling

_SPOT_TOPS, _PERP_TOPS, _PERP_FACTS = "spot.book_ticker", "futures.book_ticker", "futures.tickers"
_CONTRACTS = "/api/v4/futures/usdt/contracts"
_LATEST_S = 1e10
_Number = Annotated[float, Meta(ge=-1e18, le=1e18)] | Literal[""] | None
"""A number, as such or as text, or nothing."""


def _subscription(channel: str) -> Subscription:
    request = '{"time":$s,"channel":"%s","event":"%s","payload":[$topics]}'
    # One unknown pair fails its whole request, so each pair has a request of its own.
    return Subscription('"$symbol"', request % (channel, "subscribe"), request % (channel, "unsubscribe"), per_frame=1)


_SPOT = VenueMarket(
    market=Market.SPOT,
    ws_url="wss://api.gateio.ws",
    ws_path="/ws/v4/",
    rest_url="https://api.gateio.ws",
    list_path="/api/v4/spot/currency_pairs",
    channel="book_ticker",
    # What the venue's own list of pairs says; accounts may pay less.
    taker_fee_pct=0.20,
    symbol_example="BTC_USDT",
    hosts=("api.gateio.ws",),
    spelling=Spelling("_"),
    subscription=_subscription(_SPOT_TOPS),
    connections=300,
    connection_limit=150,
    # A connection on which neither side says anything lives for about 30 s; each of our pings brings a pong.
    max_silence_s=45.0,
    keep_alive=KeepAlive('{"time":$s,"channel":"spot.ping"}', every_s=15.0),
)
_PERP = replace(
    _SPOT,
    market=Market.PERP,
    ws_url="wss://fx-ws.gateio.ws",
    ws_path="/v4/ws/usdt",
    list_path=_CONTRACTS,
    taker_fee_pct=0.05,
    hosts=("fx-ws.gateio.ws",),
    subscription=_subscription(_PERP_TOPS),
    # Without it sizes are rounded down to whole contracts, some to nothing.
    headers=(("X-Gate-Size-Decimal", "1"),),
    # The stream says nothing of a contract that does not trade; the list of contracts always does.
    facts=FactSource(_subscription(_PERP_FACTS), path=_CONTRACTS, every_s=300.0),
    needs_list=True,
    sizes="contracts",
    keep_alive=KeepAlive('{"time":$s,"channel":"futures.ping"}', every_s=15.0),
)


class Gate(VenueAdapter):
    """Spot sizes are coins, those of perpetuals contracts of `quanto_multiplier` coins."""

    venue: ClassVar[str] = "gate"
    markets: ClassVar[tuple[VenueMarket, ...]] = (_SPOT, _PERP)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _BookTickerParser(find, listings, _PERP_TOPS if market is Market.PERP else _SPOT_TOPS)

    def parse_facts(self, body: bytes, find: Find, listings: Mapping[str, Listing]) -> Iterable[Fact]:
        return _facts(_FACTS(body), find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        for each in _LIST(body):
            if each.id:
                yield each.id, _pair(each)
            # Stocks, metals and the like stand in the list of perpetuals too, some under the name of a coin.
            elif not each.contract_type:
                yield each.name, _contract(each)


class _Listed(Struct):
    """A pair of the spot list, which has an `id`, or a contract."""

    id: str = ""
    base_name: str | None = None
    trade_status: str = ""
    precision: int | None = None
    amount_precision: int | None = None
    min_base_amount: str | float | None = None
    min_quote_amount: str | float | None = None
    buy_start: float | None = None
    """Seconds since 1970, and so all times of the lists."""
    name: str = ""
    type: str = ""
    contract_type: str = ""
    quanto_multiplier: str = ""
    order_price_round: str | float | None = None
    order_size_min: str | float | None = None
    enable_decimal: bool = False
    in_delisting: bool = False
    status: str = ""
    launch_time: float | None = None
    funding_interval: float | None = None


def _pair(listed: _Listed) -> Listing:
    is_trading = listed.trade_status == "tradable"
    return Listing(
        is_trading=is_trading,
        words="" if is_trading else listed.trade_status,
        tick=_step(listed.precision),
        lot=_step(listed.amount_precision),
        min_size=positive_number(listed.min_base_amount),
        min_worth=positive_number(listed.min_quote_amount),
        listed_ms=_epoch_ms(listed.buy_start),
        coin_name=listed.base_name or "",
    )


def _contract(listed: _Listed) -> Listing:
    words = "in delisting" if listed.in_delisting else "" if listed.status == "trading" else listed.status
    return Listing(
        contract_size(listed.quanto_multiplier) if listed.type == "direct" else None,
        is_trading=listed.status == "trading" and not listed.in_delisting,
        words=words,
        tick=positive_number(listed.order_price_round),
        # The list does not tell into what parts a contract may be divided.
        lot=None if listed.enable_decimal else 1.0,
        min_size=positive_number(listed.order_size_min),
        listed_ms=_epoch_ms(listed.launch_time),
        funding_interval_h=_hours(listed.funding_interval),
    )


def _step(digits: int | None) -> float | None:
    return None if digits is None else positive_number(f"1e{-digits}")


def _epoch_ms(seconds: _Number) -> int | None:
    return round(seconds * 1000) if seconds and 0.0 < seconds < _LATEST_S else None


def _hours(seconds: _Number) -> float | None:
    return seconds / 3600 if seconds and 0.0 < seconds < _LATEST_S else None


class _SlowFacts(Struct, gc=False):
    """On the stream `contract` and `total_size`, in the list of contracts `name` and `position_size`."""

    contract: str = ""
    name: str = ""
    mark_price: _Number = None
    index_price: _Number = None
    funding_rate: _Number = None
    funding_interval: _Number = None
    """Seconds."""
    funding_next_apply: _Number = None
    """Seconds since 1970."""
    total_size: _Number = None
    position_size: _Number = None
    t: VenueInt | None = None


class _Top(Struct, gc=False):
    s: str
    # An empty side has an empty price.
    b: float | Literal[""]
    B: float | Literal[""]
    a: float | Literal[""]
    A: float | Literal[""]
    t: VenueInt | None = None
    u: VenueInt | None = None


class _Error(Struct):
    code: int = 0
    message: str = ""


class _Notice(Struct):
    type: str = ""
    msg: str = ""


class _Frame(Struct, gc=False):
    channel: str = ""
    event: str = ""
    error: _Error | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")


_LIST = decoder(list[_Listed], "Gate v4 list", strict=False)
_FACTS = decoder(list[_SlowFacts], "Gate v4 contracts", strict=False)
_DECODE = msgspec.json.Decoder(_Frame).decode
# Not strict, so that "16716.8" is read as the number it writes.
_TOP = msgspec.json.Decoder(_Top, strict=False).decode
_TICKERS = msgspec.json.Decoder(list[_SlowFacts], strict=False).decode
_NOTICE = msgspec.json.Decoder(_Notice).decode


class _BookTickerParser(Parser):
    """{"time":1671363004,"time_ms":1671363004235,"channel":"spot.book_ticker","event":"update","result":{
     "t":1671363004228,"u":9793320464,"s":"BTC_USDT","b":"16716.8","B":"0.0134","a":"16716.9","A":"0.0353"}}
    {"time":1789456337,"channel":"futures.tickers","event":"update","result":[{"contract":"BTC_USDT",
     "mark_price":"77183.5","index_price":"77221.8","funding_rate":"0.000072","funding_interval":28800,
     "funding_next_apply":1789459200,"total_size":"52100","t":1789456337802}]}

    Perpetuals have the same spellings and fields as spot on a channel of their own; sizes may be numbers there.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing], channel: str) -> None:
        super().__init__(find, listings)
        self._channel = channel
        self._in_contracts = channel == _PERP_TOPS

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
            if message.event != "update":
                return _without_quote(message, frame)
            if message.channel == self._channel:
                top = _TOP(message.result)
                instrument = self._find(top.s)
                return () if instrument is None else (self._quote(instrument, top),)
            if message.channel == _PERP_FACTS and self._in_contracts:
                self.asides += _facts(_TICKERS(message.result), self._find, self._listings)
            return _without_quote(message, frame)
        except UNREADABLE as error:
            raise undecodable(frame, "Gate v4", error) from error

    def _quote(self, instrument: Instrument, top: _Top) -> Quote:
        bid, bid_size, ask, ask_size = top.b or 0.0, top.B or 0.0, top.a or 0.0, top.A or 0.0
        if self._in_contracts:
            listing = self._listings.get(top.s)
            bid_size, ask_size = sizes_in_coins(listing, instrument, bid, bid_size, ask, ask_size)
        return Quote(instrument.id, bid, bid_size, ask, ask_size, top.t, top.u)


def _without_quote(message: _Frame, frame: bytes) -> tuple[()]:
    if not message.channel.startswith(("spot.", "futures.")):
        raise bad_frame(frame, "a channel of Gate v4")
    # After a failed unsubscription the pair may still be served.
    if message.error is not None and message.event != "unsubscribe":
        # "unknown currency pair: XYZ_USDT"; perpetuals have no colon.
        named = message.error.message.partition("unknown currency pair")[2].strip(": ")
        raise VenueRejected(named, f"{message.error.code}: {message.error.message}")
    if message.channel.endswith(".system") and (notice := _NOTICE(message.result)).type == "upgrade":
        raise VenueClosing(f"Gate: {notice.msg or notice.type}")
    return ()


def _facts(rows: Iterable[_SlowFacts], find: Find, listings: Mapping[str, Listing]) -> Iterator[Fact]:
    for row in rows:
        name = row.contract or row.name
        if (instrument := find(name)) is None:
            continue
        if isinstance(row.funding_rate, float):
            next_ms, interval_h = _epoch_ms(row.funding_next_apply), _hours(row.funding_interval)
            yield Funding(instrument.id, percent(row.funding_rate), next_ms, interval_h, at_ms=row.t)
        if row.mark_price:
            yield Mark(instrument.id, row.mark_price, row.index_price or None, row.t)
        contracts = row.position_size if row.total_size is None else row.total_size
        listing = listings.get(name)
        if isinstance(contracts, float) and listing is not None and listing.contract_size is not None:
            yield OpenInterest(instrument.id, in_coins(contracts, listing.contract_size), row.t)
