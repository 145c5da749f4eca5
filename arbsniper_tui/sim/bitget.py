"""Bitget's wire, version 3: `books1` and `ticker` for spot and USDT perpetuals, and the two lists of version 2."""

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
from arbsniper_tui.sim.slow_facts import SlowFacts, funding_interval_h

BOOKS1, TICKER = "books1", "ticker"
_KINDS = {Market.SPOT: "spot", Market.PERP: "usdt-futures"}
_SPOT_LIST, _PERP_LIST = "/api/v2/spot/public/symbols", "/api/v2/mix/market/contracts"
_PING_WITHIN_NS = 120 * NS_PER_S
_MOST_ARGS = 24
_MOST_CHANNELS = 1000
_MOST_BYTES = 4096
_RULES = LinkRules(requests=Allowance(10, 1.0), connects=Allowance(300, 300.0))


class _Arg(Struct):
    instType: str  # noqa: N815 - the wire's name, as are the next
    topic: str
    symbol: str = ""


class _Request(Struct):
    op: str
    args: list[_Arg]


class Bitget(TopDialect):
    """The kind of an instrument stands in each argument; a symbol under the wrong one is acknowledged, and silent."""

    venue: ClassVar[str] = "bitget"
    channels: ClassVar[tuple[str, ...]] = (BOOKS1,)
    fact_channels: ClassVar[tuple[str, ...]] = (TICKER,)
    fact_every_s: ClassVar[float] = 1.0
    stream_path: ClassVar[str] = "/v3/ws/public"
    list_paths: ClassVar[tuple[str, ...]] = (_SPOT_LIST, _PERP_LIST)
    state_prefix: ClassVar[str] = '{"action":"snapshot"'
    weight: ClassVar[float] = 1.2
    usual_spread: ClassVar[float] = 0.04e-4

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(instruments, top)
        self._by_kind = {(_KINDS[each.market], each.venue_symbol): each for each in self.instruments}

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}USDT", size_digits=max(0, magnitude(base) + 2))
        for base in bases:
            many = perp_multiplier(base)
            name = f"{many}{base}" if many > 1 else base
            yield linear(base, f"{name}USDT", size_digits=max(0, magnitude(base)), multiplier=many)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        if path == _SPOT_LIST:
            return _list(_spot_row(each, each.venue_symbol in halted) for each in self._of(Market.SPOT))
        if parse_qs(query).get("productType") != ["USDT-FUTURES"]:
            return json_text({"code": "400172", "msg": "Parameter verification failed", "data": None})
        return _list(_perp_row(each, each.venue_symbol in halted) for each in self._of(Market.PERP))

    def closed_body(self, path: str) -> str:
        return json_text({"code": "40015", "msg": "System is abnormal, please try again later", "data": None})

    def _of(self, market: Market) -> list[SimInstrument]:
        return [each for each in self.instruments if each.market is market]

    def rules(self, target: str) -> LinkRules:
        return _RULES

    def is_ping(self, request: str) -> bool:
        return request == "ping"

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        if request == "ping":
            subscriber.beat_ns = now.mono_ns
            return ["pong"]
        connection = f"{subscriber.opened.wall_ns & 0xFFFFFFFF:08x}"
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError:
            return [_error(30003, "Illegal op", connection)]
        if wanted.op not in ("subscribe", "unsubscribe"):
            return [_error(30003, "Illegal op", connection)]
        if len(request.encode()) > _MOST_BYTES or len(wanted.args) > _MOST_ARGS:
            subscriber.breach = Closing(1008, "Too many arguments in one request")
            return []
        frames: list[Frame] = []
        for arg in wanted.args:
            if error := self._refusal(arg, refused, subscriber):
                frames.append(_error(*error, connection))
                continue
            frames.append(json_text({"event": wanted.op, "arg": arg, "connId": connection}))
            instrument = self._by_kind.get((arg.instType, arg.symbol))
            if instrument is None:
                continue
            topic = Topic(instrument.id, arg.topic)
            if wanted.op == "unsubscribe":
                subscriber.topics.pop(topic, None)
                continue
            subscriber.topics[topic] = None
            if arg.topic == BOOKS1:
                frames.append(self.render(instrument, self._top(instrument.id, now), BOOKS1, now))
            else:
                frames.append(self.render_facts(instrument, self.facts(instrument, now), TICKER, now))
        return frames

    def _refusal(self, arg: _Arg, refused: Collection[str], subscriber: Subscriber) -> tuple[int, str] | None:
        if arg.topic not in (BOOKS1, TICKER):
            return 30016, "Param error"
        if arg.instType not in _KINDS.values() or arg.symbol not in self._by_symbol or arg.symbol in refused:
            words = json_text({"instType": arg.instType, "symbol": arg.symbol, "topic": arg.topic})
            return 30001, f"{words} doesn't exist"
        if len(subscriber.topics) >= _MOST_CHANNELS:
            return 30006, "Too many channels"
        return None

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        return (
            f'{{"action":"snapshot","arg":{_arg(instrument, BOOKS1)},"data":[{{'
            f'"a":[["{shown.ask}","{shown.ask_size}"]],"b":[["{shown.bid}","{shown.bid_size}"]],'
            f'"seq":{serial},"pseq":0,"ts":"{now.wall_ms}"}}],"ts":{now.wall_ms}}}'
        )

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> Frame:
        ticker = {"lastPrice": f"{facts.mark_price:.10g}"}
        if instrument.market is Market.PERP:
            ticker |= {
                "markPrice": f"{facts.mark_price:.10g}",
                "indexPrice": f"{facts.index_price:.10g}",
                "fundingRate": f"{facts.funding_rate:.8f}",
                "nextFundingTime": str(facts.next_funding_ms),
                "openInterest": f"{facts.open_interest:.3f}",
            }
        return (
            f'{{"action":"snapshot","arg":{_arg(instrument, TICKER)},"data":[{json_text(ticker)}],"ts":{now.wall_ms}}}'
        )

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        # Other requests do not count.
        if now.mono_ns - max(subscriber.beat_ns, subscriber.opened.mono_ns) > _PING_WITHIN_NS:
            return Closing(1001, "No ping for 2 minutes")
        return None


def _arg(instrument: SimInstrument, topic: str) -> str:
    return f'{{"instType":"{_KINDS[instrument.market]}","topic":"{topic}","symbol":"{instrument.venue_symbol}"}}'


def _error(code: int, reason: str, connection: str) -> str:
    return json_text({"event": "error", "code": code, "msg": reason, "connId": connection})


def _list(rows: Iterable[dict[str, Any]]) -> str:
    return json_text({"code": "00000", "msg": "success", "requestTime": 0, "data": list(rows)})


def _spot_row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "minTradeAmount": "0",
        "takerFeeRate": "0.001",
        "pricePrecision": str(instrument.price_digits),
        "quantityPrecision": str(instrument.size_digits),
        "status": "halt" if is_halted else "online",
        "minTradeUSDT": "1",
        "openTime": "1532454360000",
    }


def _perp_row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "baseCoin": instrument.venue_symbol.removesuffix(instrument.quote),
        "quoteCoin": instrument.quote,
        "takerFeeRate": "0.0006",
        "minTradeNum": instrument.lot_text,
        "priceEndStep": "1",
        "volumePlace": str(instrument.size_digits),
        "pricePlace": str(instrument.price_digits),
        "sizeMultiplier": instrument.lot_text,
        "symbolType": "perpetual",
        "minTradeUSDT": "5",
        "symbolStatus": "maintain" if is_halted else "normal",
        "fundInterval": str(funding_interval_h(instrument)),
        "openTime": "",
    }
