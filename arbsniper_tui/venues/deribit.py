"""Deribit perpetuals, inverse and linear in USDC: `quote`, complete state on every change; `ticker` for slow facts.

https://docs.deribit.com/subscriptions/market-data/quoteinstrument_name
https://docs.deribit.com/api-reference/market-data/public-get_instruments
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, Reply, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, percent, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, Limits, Rate, Subscription
from arbsniper_tui.venues.sizes import in_coins_inverse, positive_number
from arbsniper_tui.venues.spelling import Spelling

_SUBSCRIBE = 2
"""The number of the request, which its answer repeats."""
_FUNDING_INTERVAL_H = 8.0


def _subscription(topic: str) -> Subscription:
    request = '{"jsonrpc":"2.0","id":%d,"method":"public/%s","params":{"channels":[$topics]}}'
    return Subscription(topic, request % (_SUBSCRIBE, "subscribe"), request % (3, "unsubscribe"), per_frame=500)


class Deribit(VenueAdapter):
    """Sizes of linear perpetuals are coins whatever the list calls a contract, those of inverse ones USD."""

    venue: ClassVar[str] = "deribit"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        VenueMarket(
            market=Market.PERP,
            ws_url="wss://www.deribit.com",
            ws_path="/ws/api/v2",
            rest_url="https://www.deribit.com",
            list_path="/api/v2/public/get_instruments?currency=any&kind=future&expired=false",
            channel="quote",
            taker_fee_pct=0.035,
            symbol_example="BTC-PERPETUAL",
            hosts=("www.deribit.com",),
            spelling=Spelling("_", suffix="-PERPETUAL", has_inverse_by_coin=True),
            subscription=_subscription('"quote.$symbol"'),
            # Calls cost credits, which come back at the pace of about 3.3 a second.
            limits=Limits(messages=Rate(3, 1.0)),
            connections=32,
            facts=FactSource(_subscription('"ticker.$symbol.agg2"')),
            opening=('{"jsonrpc":"2.0","id":1,"method":"public/set_heartbeat","params":{"interval":10}}',),
            connection_limit=500,
            # A heartbeat comes every 10 s.
            max_silence_s=30.0,
        ),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _QuoteParser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        for each in _LIST(body).result:
            if each.settlement_period == "perpetual":
                yield each.instrument_name, _listing(each)


class _Listed(Struct):
    instrument_name: str
    settlement_period: str = ""
    instrument_type: str = ""
    is_active: bool = False
    state: str = ""
    tick_size: float | None = None
    contract_size: float | None = None
    min_trade_amount: float | None = None
    creation_timestamp: VenueInt | None = None


class _Instruments(Struct):
    result: list[_Listed]


def _listing(listed: _Listed) -> Listing:
    state = (listed.state or "open") if listed.is_active else "not active"
    return Listing(
        1.0 if listed.instrument_type in ("linear", "reversed") else None,
        is_inverse=listed.instrument_type == "reversed",
        is_trading=state == "open",
        words="" if state == "open" else state,
        tick=positive_number(listed.tick_size),
        lot=positive_number(listed.contract_size),
        min_size=positive_number(listed.min_trade_amount),
        listed_ms=listed.creation_timestamp,
    )


class _Top(Struct, gc=False):
    instrument_name: str
    # null or 0 for an empty side.
    best_bid_price: float | None
    best_bid_amount: float | None
    best_ask_price: float | None
    best_ask_amount: float | None
    timestamp: VenueInt


_Number = Annotated[float, Meta(ge=-1e18, le=1e18)] | None


class _Ticker(Struct, gc=False):
    instrument_name: str
    timestamp: VenueInt
    mark_price: Annotated[float, Meta(ge=1e-9, le=1e18)] | None = None
    index_price: _Number = None
    current_funding: _Number = None
    open_interest: _Number = None


class _Params(Struct, gc=False):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    type: str = ""


class _Error(Struct):
    code: int = 0
    message: str = ""


class _Frame(Struct, gc=False):
    jsonrpc: str
    method: str = ""
    params: _Params | None = None
    id: int | str | None | UnsetType = UNSET
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


_LIST = decoder(_Instruments, "Deribit instruments")
_DECODE = msgspec.json.Decoder(_Frame).decode
_TOP = msgspec.json.Decoder(_Top).decode
_TICKER = msgspec.json.Decoder(_Ticker).decode
_TEST = '{"jsonrpc":"2.0","id":4,"method":"public/test","params":{}}'


class _QuoteParser(Parser):
    """{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL","data":{
     "timestamp":1765541767174,"instrument_name":"BTC-PERPETUAL","best_ask_price":92288.5,"best_bid_price":92288.0,
     "best_ask_amount":99470.0,"best_bid_amount":133440.0}}}
    {"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}

    The venue closes the connection 10 s after a test request without an answer.
    """

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
            params = message.params
            if params is None or message.method != "subscription":
                return self._without_quote(message, frame)
            if params.channel.startswith("quote."):
                return self._quotes(_TOP(params.data))
            if params.channel.startswith("ticker."):
                self.asides += self._facts(_TICKER(params.data))
            return ()
        except UNREADABLE as error:
            raise undecodable(frame, "Deribit JSON-RPC", error) from error

    def _quotes(self, top: _Top) -> Sequence[Quote]:
        instrument = self._find(top.instrument_name)
        if instrument is None:
            return ()
        bid, ask = top.best_bid_price or 0.0, top.best_ask_price or 0.0
        bid_size, ask_size = top.best_bid_amount or 0.0, top.best_ask_amount or 0.0
        if _is_inverse(top.instrument_name):
            bid_size, ask_size = in_coins_inverse(bid_size, 1.0, bid), in_coins_inverse(ask_size, 1.0, ask)
        return (Quote(instrument.id, bid, bid_size, ask, ask_size, top.timestamp),)

    def _facts(self, ticker: _Ticker) -> Iterator[Fact]:
        """`current_funding` is what 8 hours would cost at the rate of this moment. It accrues all the time, so there
        is no next settlement to name."""
        instrument = self._find(ticker.instrument_name)
        if instrument is None:
            return
        at_ms, mark, interest = ticker.timestamp, ticker.mark_price, ticker.open_interest
        if ticker.current_funding is not None:
            rate_pct = percent(ticker.current_funding)
            yield Funding(instrument.id, rate_pct, interval_h=_FUNDING_INTERVAL_H, at_ms=at_ms)
        if mark:
            yield Mark(instrument.id, mark, ticker.index_price or None, at_ms)
            if interest is not None:
                is_inverse = _is_inverse(ticker.instrument_name)
                coins = in_coins_inverse(interest, 1.0, mark) if is_inverse else interest
                yield OpenInterest(instrument.id, coins, at_ms)

    def _without_quote(self, message: _Frame, frame: bytes) -> tuple[()]:
        if message.method == "heartbeat" and message.params is not None:
            if message.params.type == "test_request":
                self.asides.append(Reply(_TEST))
        elif message.error is not None:
            raise VenueRejected("", f"{message.error.code}: {message.error.message}")
        elif message.id is UNSET or message.jsonrpc != "2.0":
            raise bad_frame(frame, "method or id of Deribit JSON-RPC")
        elif message.id == _SUBSCRIBE and bytes(message.result) == b"[]":
            # Unknown channels are missing from the answer, without an error.
            raise VenueRejected("", "subscribed to none of the channels asked for")
        return ()


def _is_inverse(name: str) -> bool:
    """BTC-PERPETUAL is inverse, BTC_USDC-PERPETUAL linear."""
    return "_" not in name
