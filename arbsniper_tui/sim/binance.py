"""Binance's wire, spot and USD-M on one port: `bookTicker`, and the two `exchangeInfo` lists."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Allowance,
    LinkRules,
    Moment,
    Shown,
    Subscriber,
    TopDialect,
    Topic,
    json_text,
    shown_in_full,
)
from arbsniper_tui.sim.instruments import SimInstrument, linear, magnitude, perp_multiplier, spot
from arbsniper_tui.sim.market import Top
from arbsniper_tui.sim.slow_facts import SlowFacts

RAW, WRAPPED = "ws", "stream"
MARK = "markPrice"
_TARGET = re.compile(r"(?P<routed>/public|/market)?/(?P<channel>ws|stream)(?:/(?P<streams>[^?]*))?(?:\?(?P<query>.*))?")
_LISTS = {"/api/v3/exchangeInfo": Market.SPOT, "/fapi/v1/exchangeInfo": Market.PERP}
_TICKERS = {"/api/v3/ticker/bookTicker": Market.SPOT, "/fapi/v1/ticker/bookTicker": Market.PERP}
_ONBOARD_MS = 1_569_398_400_000
_INTERVALS, _INTEREST = "/fapi/v1/fundingInfo", "/fapi/v1/openInterest"
_USUAL_INTERVAL_H = 8
_NO_PRICE = Shown(*["0.00000000"] * 4)
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")
_RULES = {
    Market.SPOT: LinkRules(ping_interval_s=20.0, ping_timeout_s=60.0, requests=Allowance(5, 1.0)),
    Market.PERP: LinkRules(ping_interval_s=180.0, ping_timeout_s=600.0, requests=Allowance(10, 1.0)),
}


class _Request(Struct):
    method: str
    params: list[str] = []
    id: int | str | None = None


class Binance(TopDialect):
    """`/ws` carries bare frames, `/stream` wrapped ones; under `/public` they are USD-M's, and under `/market` its mark
    prices."""

    venue: ClassVar[str] = "binance"
    channels: ClassVar[tuple[str, ...]] = (RAW, WRAPPED)
    fact_channels: ClassVar[tuple[str, ...]] = (MARK,)
    list_paths: ClassVar[tuple[str, ...]] = tuple(_LISTS)
    weight: ClassVar[float] = 1.6
    usual_spread: ClassVar[float] = 0.02e-4

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(instruments, top)
        self._by_stream = {
            (stream.partition("@")[2], instrument.market, stream): instrument
            for instrument in self.instruments
            for stream in (_stream(instrument), _mark_stream(instrument))
        }

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}USDT", most_digits=8, size_digits=min(8, max(0, magnitude(base) + 1)))
        for base in bases:
            many = perp_multiplier(base)
            name = f"{many}{base}" if many > 1 else base
            yield linear(base, f"{name}USDT", size_digits=max(0, magnitude(base) - 1), multiplier=many)

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        if market := _TICKERS.get(target.partition("?")[0]):
            tops = [(each, self._top(each.id, now)) for each in self.instruments if each.market is market]
            return json_text([_ticker(each, self.shown(each, top), top.serial, now) for each, top in tops])
        path, _, query = target.partition("?")
        perpetuals = {each.venue_symbol: each for each in self.instruments if each.market is Market.PERP}
        if path == _INTERVALS:
            intervals = {name: self.facts(each, now).interval_h for name, each in perpetuals.items()}
            unusual = {name: hours for name, hours in intervals.items() if hours != _USUAL_INTERVAL_H}
            return json_text([{"symbol": name, "fundingIntervalHours": hours} for name, hours in unusual.items()])
        if path == _INTEREST:
            return self._interest(perpetuals.get(parse_qs(query).get("symbol", [""])[0]), now)
        return super().rest(target, halted, now)

    def _interest(self, instrument: SimInstrument | None, now: Moment) -> str | None:
        if instrument is None:
            return None
        held = f"{self.facts(instrument, now).open_interest:.3f}"
        return json_text({"symbol": instrument.venue_symbol, "openInterest": held, "time": now.wall_ms})

    def maintenance(self, target: str, now: Moment) -> str | None:
        if market := _TICKERS.get(target.partition("?")[0]):
            return json_text([_ticker(each, _NO_PRICE, 0, now) for each in self.instruments if each.market is market])
        return super().maintenance(target, now)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        return _exchange_info(self._rows(_LISTS[path], halted))

    def closed_body(self, path: str) -> str:
        return _exchange_info(self._rows(_LISTS[path], self._by_symbol))

    def _rows(self, market: Market, halted: Collection[str]) -> list[dict[str, Any]]:
        return [
            {**_row(each), "status": "BREAK" if each.venue_symbol in halted else "TRADING"}
            for each in self.instruments
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
            streams = [_stream(each) for each in self.instruments if self._holds(subscriber, each)]
            return [json_text({"result": streams, "id": wanted.id})]
        for topic in self._topics(subscriber, wanted.params, refused):
            if wanted.method == "SUBSCRIBE":
                subscriber.topics[topic] = None
            else:
                subscriber.topics.pop(topic, None)
        return [json_text({"result": None, "id": wanted.id})]

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> str:
        frame = {
            "e": "markPriceUpdate",
            "E": now.wall_ms,
            "s": instrument.venue_symbol,
            "p": f"{facts.mark_price:.8f}",
            "ap": f"{facts.mark_price:.8f}",
            "i": f"{facts.index_price:.8f}",
            "P": f"{facts.index_price:.8f}",
            "r": f"{facts.funding_rate:.8f}",
            "T": facts.next_funding_ms,
            "st": 1,
        }
        return json_text(frame)

    def shown(self, instrument: SimInstrument, top: Top) -> Shown:
        return _in_eight_digits(instrument, top) if instrument.market is Market.SPOT else shown_in_full(instrument, top)

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        symbol = instrument.venue_symbol
        book = f'"b":"{shown.bid}","B":"{shown.bid_size}","a":"{shown.ask}","A":"{shown.ask_size}"'
        if instrument.market is Market.SPOT:
            frame = f'{{"u":{serial},"s":"{symbol}",{book}}}'
        else:
            sent_ms = now.wall_ms
            frame = (
                f'{{"e":"bookTicker","u":{serial},"s":"{symbol}","ps":"{symbol}",{book},'
                f'"T":{sent_ms - 1},"E":{sent_ms},"st":1}}'
            )
        return f'{{"stream":"{_stream(instrument)}","data":{frame}}}' if channel == WRAPPED else frame

    def _topics(self, subscriber: Subscriber, streams: Sequence[str], refused: Collection[str]) -> list[Topic]:
        """Topics of the streams that exist; of the others the venue says nothing, then and later."""
        market = _market(subscriber.target)
        served = MARK if subscriber.target.startswith("/market/") else "bookTicker"
        known = (self._by_stream.get((served, market, stream)) for stream in streams)
        channel = MARK if served == MARK else _channel(subscriber.target)
        return [Topic(each.id, channel) for each in known if each and each.venue_symbol not in refused]

    def _holds(self, subscriber: Subscriber, instrument: SimInstrument) -> bool:
        return Topic(instrument.id, _channel(subscriber.target)) in subscriber.topics


def _market(target: str) -> Market:
    return Market.PERP if target.startswith(("/public/", "/market/")) else Market.SPOT


def _channel(target: str) -> str:
    match = _TARGET.fullmatch(target)
    return match["channel"] if match else RAW


def _stream(instrument: SimInstrument) -> str:
    return f"{instrument.venue_symbol.lower()}@bookTicker"


def _mark_stream(instrument: SimInstrument) -> str:
    return f"{instrument.venue_symbol.lower()}@{MARK}"


def _in_eight_digits(instrument: SimInstrument, top: Top) -> Shown:
    prices, sizes = 10**instrument.price_digits, 10**instrument.size_digits
    return Shown(
        f"{top.bid_ticks / prices:.8f}",
        f"{top.bid_lots / sizes:.8f}",
        f"{top.ask_ticks / prices:.8f}",
        f"{top.ask_lots / sizes:.8f}",
    )


def _ticker(instrument: SimInstrument, shown: Shown, serial: int, now: Moment) -> dict[str, object]:
    """One instrument as REST shows its best bid and ask."""
    row: dict[str, object] = {
        "symbol": instrument.venue_symbol,
        "bidPrice": shown.bid,
        "bidQty": shown.bid_size,
        "askPrice": shown.ask,
        "askQty": shown.ask_size,
    }
    return row if instrument.market is Market.SPOT else {"lastUpdateId": serial, **row, "time": now.wall_ms - 1}


def _error(code: int, message: str, request_id: int | str | None) -> str:
    error: dict[str, object] = {"code": code, "msg": message}
    if request_id is not None:
        error["id"] = request_id
    return json_text(error)


def _exchange_info(rows: list[dict[str, Any]]) -> str:
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
    return json_text({"timezone": "UTC", "rateLimits": limits, "exchangeFilters": [], "symbols": rows})


def _row(instrument: SimInstrument) -> dict[str, Any]:
    """What a client of prices reads of an instrument in the list."""
    tick, lot = instrument.tick_text, instrument.lot_text
    row: dict[str, Any] = {
        "symbol": instrument.venue_symbol,
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "900000.00", "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
    }
    if instrument.market is Market.SPOT:
        return row | {"isSpotTradingAllowed": True}
    row["filters"][-1] = {"filterType": "MIN_NOTIONAL", "notional": "5"}
    perpetual = {"contractType": "PERPETUAL", "marginAsset": instrument.quote, "onboardDate": _ONBOARD_MS}
    return row | {"pair": instrument.venue_symbol, **perpetual}
