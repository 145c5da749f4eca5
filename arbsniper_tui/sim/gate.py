"""Gate's wire, version 4: `book_ticker` of spot and USDT perpetuals, `futures.tickers`, and the two lists."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
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
from arbsniper_tui.sim.instruments import SimInstrument, contract_coins, linear, spot
from arbsniper_tui.sim.market import NS_PER_S
from arbsniper_tui.sim.slow_facts import SlowFacts

TOPS = "book_ticker"
WHOLE_TOPS = "book_ticker, whole contracts"
"""What a client gets that does not ask for decimals."""
TICKERS = "tickers"
_PAIRS, _CONTRACTS = "/api/v4/spot/currency_pairs", "/api/v4/futures/usdt/contracts"
_FAMILIES = {"/ws/v4/": ("spot", Market.SPOT), "/v4/ws/usdt": ("futures", Market.PERP)}
_IDLE_NS = 30 * NS_PER_S
_CLOCKS_APART_S = 60
_RULES = LinkRules(connections=300)
_STOCK = {"name": "NVDAX_USDT", "type": "direct", "contract_type": "stocks", "quanto_multiplier": "0.01"}


class _Request(Struct):
    channel: str
    time: int | None = None
    event: str = ""
    payload: list[str] = []
    id: int | None = None


class Gate(TopDialect):
    """Every request carries the time; one unknown pair fails all that its request names."""

    venue: ClassVar[str] = "gate"
    channels: ClassVar[tuple[str, ...]] = (TOPS, WHOLE_TOPS)
    fact_channels: ClassVar[tuple[str, ...]] = (TICKERS,)
    list_paths: ClassVar[tuple[str, ...]] = (_PAIRS, _CONTRACTS)
    usual_spread: ClassVar[float] = 0.2e-4

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}_USDT", least_digits=1, size_digits=6)
        for base in bases:
            digits = 0 if base == "BTC" else 1
            yield linear(base, f"{base}_USDT", size_digits=digits, contract=contract_coins(base) / 100)

    def is_stream(self, target: str) -> bool:
        return target in _FAMILIES

    def rules(self, target: str) -> LinkRules:
        return _RULES

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        if target.partition("?")[0] != _CONTRACTS:
            return super().rest(target, halted, now)
        perpetuals = [each for each in self.instruments if each.market is Market.PERP]
        rows = [_contract(each, self.facts(each, now), each.venue_symbol in halted) for each in perpetuals]
        return json_text([*rows, {**_STOCK, "order_size_min": 1, "in_delisting": False, "status": "trading"}])

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        pairs = [each for each in self.instruments if each.market is Market.SPOT]
        return json_text([_pair(each, each.venue_symbol in halted) for each in pairs])

    def closed_body(self, path: str) -> str:
        return json_text({"label": "SERVER_ERROR", "message": "System is under maintenance"})

    def is_ping(self, request: str) -> bool:
        return '"spot.ping"' in request or '"futures.ping"' in request

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        family, market = _FAMILIES[subscriber.target]
        head: dict[str, object] = {
            "time": now.wall_ms // 1000,
            "time_ms": now.wall_ms,
            "conn_id": f"{subscriber.opened.wall_ns & 0xFFFFFFFFFFFFFFFF:016x}",
        }
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError as error:
            return [_failed({**head, "channel": "", "event": ""}, 1, f"Invalid request body: {error}")]
        answer = {**head, "channel": wanted.channel, "event": wanted.event, "payload": wanted.payload}
        if wanted.id is not None:
            answer["id"] = wanted.id
        if wanted.time is None or abs(wanted.time - now.wall_ms / 1000) > _CLOCKS_APART_S:
            return [_failed(answer, 2, "request time is missing or expired")]
        if wanted.channel == f"{family}.ping":
            return [json_text({**head, "channel": f"{family}.pong", "event": "", "result": None})]
        channel = wanted.channel.removeprefix(f"{family}.")
        if channel not in (TOPS, TICKERS) or wanted.event not in ("subscribe", "unsubscribe"):
            return [_failed(answer, 2, f"unknown channel {wanted.channel}")]
        by_name = {each.venue_symbol: each for each in self.instruments if each.market is market}
        for name in wanted.payload:
            if name not in by_name or name in refused:
                colon = ":" if market is Market.SPOT else ""
                return [_failed(answer, 2, f"unknown currency pair{colon} {name}")]
        if channel == TOPS and market is Market.PERP and subscriber.headers.get("X-Gate-Size-Decimal") != "1":
            channel = WHOLE_TOPS
        for name in wanted.payload:
            topic = Topic(by_name[name].id, channel)
            if wanted.event == "subscribe":
                subscriber.topics[topic] = None
            else:
                subscriber.topics.pop(topic, None)
        return [json_text({**answer, "error": None, "result": {"status": "success"}})]

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        family = "spot" if instrument.market is Market.SPOT else "futures"
        mark, bid_size, ask_size = '"', shown.bid_size, shown.ask_size
        if channel == WHOLE_TOPS:
            mark, bid_size, ask_size = "", bid_size.partition(".")[0], ask_size.partition(".")[0]
        return (
            f'{{"time":{now.wall_ms // 1000},"time_ms":{now.wall_ms},"channel":"{family}.{TOPS}","event":"update",'
            f'"result":{{"t":{now.wall_ms - 1},"u":{serial},"s":"{instrument.venue_symbol}",'
            f'"b":"{shown.bid}","B":{mark}{bid_size}{mark},"a":"{shown.ask}","A":{mark}{ask_size}{mark}}}}}'
        )

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> str:
        row = {"contract": instrument.venue_symbol, "last": f"{facts.mark_price:.8g}", **_funding(facts)}
        row |= {"total_size": _contracts(instrument, facts), "price_type": "last", "t": now.wall_ms}
        head = {"time": now.wall_ms // 1000, "time_ms": now.wall_ms, "channel": f"futures.{TICKERS}"}
        return json_text({**head, "event": "update", "result": [row]})

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        is_idle = not subscriber.topics and now.mono_ns - subscriber.heard_ns > _IDLE_NS
        return Closing(1000, "idle") if is_idle else None


def _failed(answer: dict[str, object], code: int, message: str) -> str:
    return json_text({**answer, "error": {"code": code, "message": message}, "result": {"status": "fail"}})


def _contracts(instrument: SimInstrument, facts: SlowFacts) -> str:
    return f"{facts.open_interest / instrument.contract:.0f}"


def _funding(facts: SlowFacts) -> dict[str, Any]:
    """What the stream and the list of contracts say in the same words."""
    return {
        "mark_price": f"{facts.mark_price:.8g}",
        "index_price": f"{facts.index_price:.8g}",
        "funding_rate": f"{facts.funding_rate:.8f}",
        "funding_rate_indicative": f"{facts.predicted_rate:.8f}",
        "funding_interval": facts.interval_h * 3600,
        "funding_offset": 0,
        "funding_next_apply": facts.next_funding_ms // 1000,
    }


def _pair(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    return {
        "id": instrument.venue_symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "fee": "0.2",
        "min_quote_amount": "3",
        "amount_precision": instrument.size_digits,
        "precision": instrument.price_digits,
        "trade_status": "untradable" if is_halted else "tradable",
        "sell_start": 0,
        "buy_start": 0,
    }


def _contract(instrument: SimInstrument, facts: SlowFacts, is_halted: bool) -> dict[str, Any]:
    return {
        "name": instrument.venue_symbol,
        "type": "direct",
        "contract_type": "",
        "quanto_multiplier": f"{instrument.contract:.10g}",
        "order_price_round": instrument.tick_text,
        "order_size_min": instrument.lot_text if instrument.size_digits else 1,
        "enable_decimal": bool(instrument.size_digits),
        "position_size": _contracts(instrument, facts),
        "in_delisting": is_halted,
        "status": "trading",
        **_funding(facts),
    }
