"""Bybit's wire, version 5: `orderbook.1` on one socket for spot and one for linear perpetuals, there with `tickers`."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Allowance,
    Closing,
    Frame,
    LinkRules,
    Moment,
    Shown,
    Subscriber,
    TopDialect,
    Topic,
    json_text,
)
from arbsniper_tui.sim.instruments import SimInstrument, linear, magnitude, perp_multiplier, spot
from arbsniper_tui.sim.market import NS_PER_S, Top
from arbsniper_tui.sim.slow_facts import SlowFacts

BOOK, TICKERS = "orderbook.1", "tickers"
_STREAMS = {"/v5/public/spot": Market.SPOT, "/v5/public/linear": Market.PERP}
_CATEGORIES = {"spot": Market.SPOT, "linear": Market.PERP}
_RULES = LinkRules(connects=Allowance(500, 300.0))
_MOST_ARGS_ON_SPOT = 10
_MOST_CHARACTERS = 21_000
_REPEAT_NS = 3 * NS_PER_S
_SILENCE_NS = 600 * NS_PER_S
_USUAL_PAGE = 500
_IN_USDC = ("BTC", "ETH", "SOL")


class _Request(Struct):
    op: str
    args: list[str] = []
    req_id: str = ""


class Bybit(TopDialect):
    """Spot and perpetuals have the same names. A frame with one bad topic is refused as a whole."""

    venue: ClassVar[str] = "bybit"
    channels: ClassVar[tuple[str, ...]] = (BOOK,)
    fact_channels: ClassVar[tuple[str, ...]] = (TICKERS,)
    list_paths: ClassVar[tuple[str, ...]] = ("/v5/market/instruments-info",)
    state_prefix: ClassVar[str] = '{"topic":"orderbook'
    weight: ClassVar[float] = 1.4
    usual_spread: ClassVar[float] = 0.05e-4

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(instruments, top)
        self._by_name = {(each.market, each.venue_symbol): each for each in self.instruments}
        self._by_id = {each.id: each for each in self.instruments}
        self._changed: dict[int, tuple[int, Moment]] = {}
        """By instrument: the number of its newest state, and since when it stands."""

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}USDT", size_digits=min(8, max(0, magnitude(base) + 2)))
        for base in bases:
            many, digits = perp_multiplier(base), max(0, magnitude(base) - 1)
            name = f"{many}{base}" if many > 1 else base
            yield linear(base, f"{name}USDT", size_digits=digits, multiplier=many)
            if base in _IN_USDC:
                yield linear(base, f"{base}PERP", size_digits=digits, quote="USDC")

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        category = asked.get("category", "")
        if category not in _CATEGORIES:
            return json_text({"retCode": 10001, "retMsg": "Illegal category", "result": {}})
        market = _CATEGORIES[category]
        rows = [_row(each, each.venue_symbol in halted) for each in self.instruments if each.market is market]
        cursor = ""
        if market is Market.PERP:  # spot is one page
            start, size = int(asked.get("cursor") or 0), int(asked.get("limit", _USUAL_PAGE))
            cursor = str(start + size) if start + size < len(rows) else ""
            rows = rows[start : start + size]
        result = {"category": category, "list": rows, "nextPageCursor": cursor}
        return json_text({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}})

    def closed_body(self, path: str) -> str:
        return json_text({"retCode": 10016, "retMsg": "Service not available.", "result": {}, "retExtInfo": {}})

    def is_stream(self, target: str) -> bool:
        return target in _STREAMS

    def rules(self, target: str) -> LinkRules:
        return _RULES

    def is_ping(self, request: str) -> bool:
        try:
            return msgspec.json.decode(request, type=_Request).op == "ping"
        except msgspec.DecodeError:
            return False

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        market = _STREAMS[subscriber.target]
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError as error:
            return [_response(subscriber, _Request(""), f"Failed to decode incoming data:{error}", is_good=False)]
        if wanted.op == "ping":
            return [_response(subscriber, wanted, "pong")]
        if wanted.op not in ("subscribe", "unsubscribe"):
            return [_response(subscriber, wanted, "error:invalid op", is_good=False)]
        if market is Market.SPOT and len(wanted.args) > _MOST_ARGS_ON_SPOT:
            return [_response(subscriber, wanted, "args size >10", is_good=False)]
        topics = {arg: self._topic(market, arg, refused) for arg in wanted.args}
        if wanted.op == "unsubscribe":
            for topic in topics.values():
                if topic is not None:
                    subscriber.topics.pop(topic, None)
            return [_response(subscriber, wanted, "")]
        if fault := self._fault(subscriber, market, topics):
            return [_response(subscriber, wanted, fault, is_good=False)]
        found = [topic for topic in topics.values() if topic is not None]
        subscriber.topics.update(dict.fromkeys(found))
        ack = _response(subscriber, wanted, "subscribe" if market is Market.SPOT else "")
        return [ack, *(self._first_state(topic, now) for topic in found)]

    def _topic(self, market: Market, arg: str, refused: Collection[str]) -> Topic | None:
        channel, _, name = arg.rpartition(".")
        instrument = self._by_name.get((market, name))
        channels = (BOOK, TICKERS) if market is Market.PERP else (BOOK,)
        is_served = instrument is not None and channel in channels and name not in refused
        return Topic(instrument.id, channel) if instrument is not None and is_served else None

    def _fault(self, subscriber: Subscriber, market: Market, topics: dict[str, Topic | None]) -> str:
        """What is wrong with a subscription; empty for a good one."""
        for arg, topic in topics.items():
            if topic is None:
                is_spot = market is Market.SPOT
                return f"Invalid symbol :[{arg}]" if is_spot else f"error:handler not found,topic:{arg}"
            if topic in subscriber.topics:
                return f"error:already subscribed,topic:{arg}"
        held = (f"{topic.channel}.{self._by_id[topic.instrument_id].venue_symbol}" for topic in subscriber.topics)
        characters = sum(map(len, (*held, *topics)))
        return "error:args length exceeds 21000" if characters > _MOST_CHARACTERS else ""

    def _first_state(self, topic: Topic, now: Moment) -> Frame:
        instrument = self._by_id[topic.instrument_id]
        if topic.channel == TICKERS:
            facts = self.facts(instrument, now)
            whole = {
                "symbol": instrument.venue_symbol,
                "fundingIntervalHour": str(facts.interval_h),
                **_changing(facts),
            }
            return _ticker(instrument, "snapshot", whole, now)
        return self.render(instrument, self._top(instrument.id, now), BOOK, now)

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        known = self._changed.get(instrument.id)
        if known is None or known[0] != serial:
            known = self._changed[instrument.id] = serial, now
        return (
            f'{{"topic":"{BOOK}.{instrument.venue_symbol}","ts":{now.wall_ms},"type":"snapshot","data":{{'
            f'"s":"{instrument.venue_symbol}","b":[["{shown.bid}","{shown.bid_size}"]],'
            f'"a":[["{shown.ask}","{shown.ask_size}"]],"u":{serial + 1},"seq":{7_000_000_000 + serial}}},'
            f'"cts":{known[1].wall_ms}}}'
        )

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> str:
        return _ticker(instrument, "delta", {"symbol": instrument.venue_symbol, **_changing(facts)}, now)

    def upkeep(self, subscriber: Subscriber, now: Moment) -> list[Frame]:
        """States that have not changed for 3 s, 6 s and so on."""
        last_ns, subscriber.beat_ns = subscriber.beat_ns, now.mono_ns
        frames = []
        for topic in subscriber.topics:
            known = self._changed.get(topic.instrument_id)
            if topic.channel == BOOK and known is not None:
                since_ns = known[1].mono_ns
                if (now.mono_ns - since_ns) // _REPEAT_NS > (max(last_ns, since_ns) - since_ns) // _REPEAT_NS:
                    frames.append(self._first_state(topic, now))
        return frames

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        silent_ns = now.mono_ns - max(subscriber.heard_ns, subscriber.told_ns)
        return Closing(1000, "") if silent_ns > _SILENCE_NS else None

    def release(self, instrument_id: int) -> None:
        self._changed.pop(instrument_id, None)


def _response(subscriber: Subscriber, wanted: _Request, words: str, *, is_good: bool = True) -> str:
    response = {"success": is_good, "ret_msg": words, "conn_id": f"{subscriber.opened.wall_ns & 0xFFFFFFFF:08x}"}
    return json_text(response | {"req_id": wanted.req_id, "op": wanted.op})


def _changing(facts: SlowFacts) -> dict[str, str]:
    """What a ticker's changes tell. Open interest is of both sides."""
    return {
        "markPrice": f"{facts.mark_price:.8g}",
        "indexPrice": f"{facts.index_price:.8g}",
        "openInterest": f"{facts.open_interest * 2:.3f}",
        "singleOpenInterest": f"{facts.open_interest:.3f}",
        "fundingRate": f"{facts.funding_rate:.8f}",
        "nextFundingTime": str(facts.next_funding_ms),
    }


def _ticker(instrument: SimInstrument, kind: str, ticker: dict[str, str], now: Moment) -> str:
    frame = {"topic": f"{TICKERS}.{instrument.venue_symbol}", "type": kind, "data": ticker, "cs": now.wall_ms}
    return json_text(frame | {"ts": now.wall_ms})


def _row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": instrument.venue_symbol,
        "status": "Closed" if is_halted else "Trading",
        "baseCoin": instrument.venue_symbol.removesuffix("PERP" if instrument.quote == "USDC" else instrument.quote),
        "quoteCoin": instrument.quote,
        "priceFilter": {"tickSize": instrument.tick_text},
    }
    lot, worth = instrument.lot_text, "5"
    if instrument.market is Market.SPOT:
        sizes = {"basePrecision": lot, "quotePrecision": "0.0000001", "minOrderQty": lot, "minOrderAmt": worth}
        return row | {"innovation": "0", "marginTrading": "utaOnly", "lotSizeFilter": sizes}
    return row | {
        "contractType": "LinearPerpetual",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "settleCoin": instrument.quote,
        "fundingInterval": 480,
        "isPreListing": False,
        "lotSizeFilter": {"qtyStep": lot, "minOrderQty": lot, "minNotionalValue": worth},
    }
