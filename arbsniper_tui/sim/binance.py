"""Binance's wire, spot and USD-M on one port: `bookTicker`, and the two `exchangeInfo` lists."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Dialect,
    Flaw,
    LinkRules,
    Moment,
    Shown,
    Subscriber,
    Topic,
    damaged,
    flawed,
    json_text,
    shown_in_full,
)
from arbsniper_tui.sim.listing import Listing
from arbsniper_tui.sim.market import Top

RAW, WRAPPED = "ws", "stream"
_TARGET = re.compile(r"(?P<public>/public)?/(?P<channel>ws|stream)(?:/(?P<streams>[^?]*))?(?:\?(?P<query>.*))?")
_LISTS = {"/api/v3/exchangeInfo": Market.SPOT, "/fapi/v1/exchangeInfo": Market.PERP}
_TICKERS = {"/api/v3/ticker/bookTicker": Market.SPOT, "/fapi/v1/ticker/bookTicker": Market.PERP}
_NO_PRICE = Shown(*["0.00000000"] * 4)
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")
_RULES = {
    Market.SPOT: LinkRules(ping_interval_s=20.0, ping_timeout_s=60.0, requests_per_s=5),
    Market.PERP: LinkRules(ping_interval_s=180.0, ping_timeout_s=600.0, requests_per_s=10),
}


class _Request(Struct):
    method: str
    params: list[str] = []
    id: int | str | None = None


class Binance(Dialect):
    """`/ws` carries bare frames, `/stream` wrapped ones; under `/public` they are USD-M's."""

    venue: ClassVar[str] = "binance"
    channels: ClassVar[tuple[str, ...]] = (RAW, WRAPPED)

    def __init__(self, listings: Sequence[Listing], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(listings, top)
        self._by_stream = {(listing.market, _stream(listing)): listing for listing in self.listings}

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        path = target.partition("?")[0]
        if market := _LISTS.get(path):
            return _exchange_info(self._rows(market, halted))
        if market := _TICKERS.get(path):
            tops = [(each, self._top(each.id, now)) for each in self.listings if each.market is market]
            return json_text([_ticker(each, _shown(each, top), top.serial, now) for each, top in tops])
        return None

    def maintenance(self, target: str, now: Moment) -> str | None:
        path = target.partition("?")[0]
        if market := _LISTS.get(path):
            return _exchange_info(self._rows(market, {each.venue_symbol for each in self.listings}))
        if market := _TICKERS.get(path):
            return json_text([_ticker(each, _NO_PRICE, 0, now) for each in self.listings if each.market is market])
        return None

    def _rows(self, market: Market, halted: Collection[str]) -> list[dict[str, Any]]:
        row = _spot_row if market is Market.SPOT else _perp_row
        return [
            {**row(each), "status": "BREAK" if each.venue_symbol in halted else "TRADING"}
            for each in self.listings
            if each.market is market
        ]

    def is_stream(self, target: str) -> bool:
        return _TARGET.fullmatch(target) is not None

    def rules(self, target: str) -> LinkRules:
        return _RULES[_market(target)]

    def greet(self, subscriber: Subscriber, refused: Collection[str], now: Moment) -> list[str]:
        match = _TARGET.fullmatch(subscriber.target)
        assert match is not None, "a connection opens only on a path that is a stream"
        named = match["streams"] or "/".join(parse_qs(match["query"] or "").get("streams", ()))
        topics = self._topics(subscriber, unquote(named).split("/"), refused)
        subscriber.topics.update(dict.fromkeys(topics))
        return []

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> list[str]:
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.ValidationError as error:
            return [_error(2, f"Invalid request: {error}", None)]
        except msgspec.DecodeError as error:
            return [_error(3, f"Invalid JSON: {error}", None)]
        if wanted.method not in _METHODS:
            return [_error(2, f"Invalid request: unknown variant {wanted.method}", wanted.id)]
        if wanted.method == "LIST_SUBSCRIPTIONS":
            streams = [_stream(each) for each in self.listings if self._holds(subscriber, each)]
            return [json_text({"result": streams, "id": wanted.id})]
        for topic in self._topics(subscriber, wanted.params, refused):
            if wanted.method == "SUBSCRIBE":
                subscriber.topics[topic] = None
            else:
                subscriber.topics.pop(topic, None)
        return [json_text({"result": None, "id": wanted.id})]

    def render(self, listing: Listing, top: Top, channel: str, now: Moment) -> str:
        return _frame(listing, _shown(listing, top), top.serial, channel, now)

    def spoil(self, listing: Listing, top: Top, channel: str, flaw: Flaw, now: Moment) -> list[str]:
        frame = _frame(listing, flawed(_shown(listing, top), flaw), top.serial, channel, now)
        return [damaged(frame, flaw, top.serial)]

    def _topics(self, subscriber: Subscriber, streams: Sequence[str], refused: Collection[str]) -> list[Topic]:
        """Topics of the streams that exist; of the others the venue says nothing, then and later."""
        market = _market(subscriber.target)
        known = (self._by_stream.get((market, stream)) for stream in streams)
        channel = _channel(subscriber.target)
        return [Topic(each.id, channel) for each in known if each and each.venue_symbol not in refused]

    def _holds(self, subscriber: Subscriber, listing: Listing) -> bool:
        return Topic(listing.id, _channel(subscriber.target)) in subscriber.topics


def _market(target: str) -> Market:
    return Market.PERP if target.startswith("/public/") else Market.SPOT


def _channel(target: str) -> str:
    match = _TARGET.fullmatch(target)
    return match["channel"] if match else RAW


def _stream(listing: Listing) -> str:
    return f"{listing.venue_symbol.lower()}@bookTicker"


def _shown(listing: Listing, top: Top) -> Shown:
    if listing.market is Market.SPOT:
        prices, sizes = 10**listing.price_digits, 10**listing.size_digits
        return Shown(
            f"{top.bid_ticks / prices:.8f}",
            f"{top.bid_lots / sizes:.8f}",
            f"{top.ask_ticks / prices:.8f}",
            f"{top.ask_lots / sizes:.8f}",
        )
    return shown_in_full(listing, top)


def _frame(listing: Listing, shown: Shown, serial: int, channel: str, now: Moment) -> str:
    symbol = listing.venue_symbol
    book = f'"b":"{shown.bid}","B":"{shown.bid_size}","a":"{shown.ask}","A":"{shown.ask_size}"'
    if listing.market is Market.SPOT:
        frame = f'{{"u":{serial},"s":"{symbol}",{book}}}'
    else:
        sent_ms = now.wall_ms
        frame = (
            f'{{"e":"bookTicker","u":{serial},"s":"{symbol}","ps":"{symbol}",{book},'
            f'"T":{sent_ms - 1},"E":{sent_ms},"st":1}}'
        )
    return f'{{"stream":"{_stream(listing)}","data":{frame}}}' if channel == WRAPPED else frame


def _ticker(listing: Listing, shown: Shown, serial: int, now: Moment) -> dict[str, object]:
    """One instrument as REST shows its best bid and ask."""
    row: dict[str, object] = {
        "symbol": listing.venue_symbol,
        "bidPrice": shown.bid,
        "bidQty": shown.bid_size,
        "askPrice": shown.ask,
        "askQty": shown.ask_size,
    }
    return row if listing.market is Market.SPOT else {"lastUpdateId": serial, **row, "time": now.wall_ms - 1}


def _error(code: int, message: str, request_id: int | str | None) -> str:
    error: dict[str, object] = {"code": code, "msg": message}
    if request_id is not None:
        error["id"] = request_id
    return json_text(error)


def _exchange_info(rows: list[dict[str, Any]]) -> str:
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
    return json_text({"timezone": "UTC", "rateLimits": limits, "exchangeFilters": [], "symbols": rows})


def _filters(listing: Listing) -> list[dict[str, str]]:
    tick, lot = listing.tick_text, listing.lot_text
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "900000.00", "stepSize": lot},
    ]


def _spot_row(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.venue_symbol,
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            *_filters(listing),
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _perp_row(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.venue_symbol,
        "pair": listing.venue_symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "marginAsset": listing.quote,
        "pricePrecision": listing.price_digits + 1,
        "quantityPrecision": listing.size_digits,
        "underlyingType": "COIN",
        "orderTypes": ["LIMIT", "MARKET"],
        "filters": [
            *_filters(listing),
            {"filterType": "MARKET_LOT_SIZE", "minQty": listing.lot_text, "stepSize": listing.lot_text},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    }
