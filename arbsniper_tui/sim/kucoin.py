"""KuCoin's wire for unified accounts (UTA): `obu` at depth 1, `mark-price`, `funding-fee`, and the two REST lists.

One port stands for the hosts of both markets; everything that is sent is JSON in a binary frame.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

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
from arbsniper_tui.sim.instruments import SimInstrument, contract_coins, inverse, linear, spot
from arbsniper_tui.sim.market import NS_PER_S
from arbsniper_tui.sim.slow_facts import SlowFacts

OBU, MARK, FUNDING = "obu", "mark-price", "funding-fee"
_LISTS = {"/api/v2/symbols": Market.SPOT, "/api/v1/contracts/active": Market.PERP}
_TRADE_TYPES = {Market.SPOT: "SPOT", Market.PERP: "FUTURES"}
_MOST_TOPICS = 600
_SILENCE_NS = 60 * NS_PER_S
_PINGED_TOO_OFTEN = -1
_RULES = LinkRules(requests=Allowance(300, 10.0), connects=Allowance(250, 300.0), lifetime_s=24 * 3600.0)
_LISTED_MS = 1_600_000_000_000
_HOUR_MS = 3_600_000


class _Request(Struct, rename="camel"):
    id: str = ""
    type: str = ""
    action: str = ""
    channel: str = ""
    trade_type: str = ""
    symbol: str = ""
    symbols: list[str] | None = None
    depth: str = ""


class Kucoin(TopDialect):
    """Bitcoin is XBT on the perpetual market, where sizes are lots. A subscription brings no state before the next
    change; what the venue does not list is acknowledged, and nothing comes for it."""

    venue: ClassVar[str] = "kucoin"
    channels: ClassVar[tuple[str, ...]] = (OBU,)
    fact_channels: ClassVar[tuple[str, ...]] = (MARK, FUNDING)
    stream_path: ClassVar[str] = "/"
    list_paths: ClassVar[tuple[str, ...]] = tuple(_LISTS)

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}-USDT", least_digits=1)
        for base in bases:
            yield linear(base, f"{_futures_name(base)}USDTM", size_digits=0, contract=contract_coins(base))
        if "BTC" in bases:
            yield inverse("BTC", "XBTUSDM", contract=1.0)

    def rules(self, target: str) -> LinkRules:
        return _RULES

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        listed = [each for each in self.instruments if each.market is _LISTS[path]]
        return json_text({"code": "200000", "data": [self._row(each, each.venue_symbol in halted) for each in listed]})

    def _row(self, instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
        if instrument.market is Market.SPOT:
            return _spot_row(instrument, is_halted)
        return _perp_row(instrument, is_halted, self.facts(instrument, Moment.now()))

    def closed_body(self, path: str) -> str:
        return json_text({"code": "500000", "msg": "Internal Server Error"})

    def greet(self, subscriber: Subscriber, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        session = f"{now.wall_ns:032x}"
        return [_binary({"sessionId": session, "message": "welcome", "pingInterval": 18000})]

    def is_ping(self, request: str) -> bool:
        wanted = _read(request)
        return wanted is not None and wanted.type == "ping"

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        wanted = _read(request)
        if wanted is None:
            return []
        if wanted.type == "ping":
            # Here `beat_ns` is when the client last pinged.
            is_too_soon = subscriber.beat_ns and now.mono_ns - subscriber.beat_ns < NS_PER_S
            subscriber.beat_ns = _PINGED_TOO_OFTEN if is_too_soon else now.mono_ns
            return [_binary({"type": "pong", "id": wanted.id, "ts": now.wall_ns})]
        action = wanted.action.upper()
        is_known = wanted.channel in (OBU, *self.fact_channels) and action in ("SUBSCRIBE", "UNSUBSCRIBE")
        if not is_known or (wanted.channel == OBU and (wanted.depth != "1" or not wanted.trade_type)):
            return [_binary({"id": wanted.id, "result": False, "message": "invalid request data"})]
        if wanted.channel == OBU and wanted.symbols is not None:
            return [_refusal(wanted.id, "symbols are not supported for topic obu")]
        for name in wanted.symbols if wanted.symbols is not None else [wanted.symbol]:
            topic = self._topic(wanted, name, refused)
            if topic is None:
                continue
            if action == "UNSUBSCRIBE":
                subscriber.topics.pop(topic, None)
            elif len(subscriber.topics) >= _MOST_TOPICS and topic not in subscriber.topics:
                return [_refusal(wanted.id, f"exceed max subscription count limitation of {_MOST_TOPICS} per session")]
            else:
                subscriber.topics[topic] = None
        return [_binary({"id": wanted.id, "result": True})]

    def _topic(self, wanted: _Request, name: str, refused: Collection[str]) -> Topic | None:
        """What brings frames; None for what is only acknowledged."""
        instrument = self._by_symbol.get(name)
        if instrument is None or name in refused:
            return None
        trade_type = wanted.trade_type if wanted.channel == OBU else _TRADE_TYPES[Market.PERP]
        return Topic(instrument.id, wanted.channel) if trade_type == _TRADE_TYPES[instrument.market] else None

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> bytes:
        is_spot = instrument.market is Market.SPOT
        # Spot writes its times in quotes, futures as numbers that no float holds.
        quote = '"' if is_spot else ""
        return (
            f'{{"T":"obu.{_TRADE_TYPES[instrument.market]}","dp":"1","t":"snapshot",'
            f'"P":{quote}{now.wall_ns}{quote},"d":{{"C":{serial},"M":{quote}{now.wall_ms}000000{quote},"O":{serial},'
            f'"a":[["{shown.ask}","{shown.ask_size}"]],"b":[["{shown.bid}","{shown.bid_size}"]],'
            f'"s":"{instrument.venue_symbol}"}}}}'
        ).encode()

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> Frame:
        name = instrument.venue_symbol
        if channel == MARK:
            mark = f"{facts.mark_price:.10g}"
            # One lot of a linear perpetual is `contract` coins, of an inverse one so many USD.
            worth = facts.mark_price if instrument.inverse else 1.0
            lots = round(facts.open_interest * worth / instrument.contract)
            data: dict[str, object] = {"s": name, "mp": mark, "ip": f"{facts.index_price:.10g}", "oi": str(lots)}
            return _binary({"T": MARK, "P": now.wall_ns, "d": data | {"ts": now.wall_ms}})
        interval_ms = facts.interval_h * _HOUR_MS
        rates = {"fr": f"{facts.funding_rate:.8f}", "lfr": "0.00010000", "fc": "0.003", "ff": "-0.003"}
        times = {"ft": facts.next_funding_ms - interval_ms, "nt": facts.next_funding_ms, "gl": interval_ms}
        return _binary({"T": FUNDING, "P": now.wall_ns, "d": {"s": name, **rates, **times}})

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if subscriber.beat_ns == _PINGED_TOO_OFTEN:
            return Closing(1008, "ping frequency exceeded")
        # The venue keeps silent connections with subscriptions longer than this; no client may rely on it.
        return Closing(1000, "Bye") if now.mono_ns - subscriber.heard_ns > _SILENCE_NS else None


def _futures_name(base: str) -> str:
    return "XBT" if base == "BTC" else base


def _read(request: str) -> _Request | None:
    try:
        return msgspec.json.decode(request, type=_Request)
    except msgspec.DecodeError:
        return None


def _binary(frame: dict[str, object]) -> bytes:
    return json_text(frame).encode()


def _refusal(request_id: str, reason: str) -> bytes:
    return _binary({"id": request_id, "result": False, "reason": reason})


def _spot_row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    name = instrument.venue_symbol
    return {
        "symbol": name,
        "name": name,
        "baseCurrency": instrument.base,
        "quoteCurrency": instrument.quote,
        "market": "USDS",
        "baseMinSize": instrument.lot_text,
        "quoteMinSize": "0.1",
        "baseIncrement": instrument.lot_text,
        "priceIncrement": instrument.tick_text,
        "minFunds": "0.1",
        "enableTrading": not is_halted,
        "tradingStartTime": None,
    }


def _perp_row(instrument: SimInstrument, is_halted: bool, facts: SlowFacts) -> dict[str, Any]:
    base = _futures_name(instrument.base)
    return {
        "symbol": instrument.venue_symbol,
        "rootSymbol": instrument.quote,
        "type": "FFWCSX",
        "firstOpenDate": _LISTED_MS,
        "expireDate": None,
        "baseCurrency": base,
        "quoteCurrency": instrument.quote,
        "settleCurrency": base if instrument.inverse else instrument.quote,
        "lotSize": 1,
        "tickSize": 10.0**-instrument.price_digits,
        "multiplier": -instrument.contract if instrument.inverse else instrument.contract,
        "isInverse": instrument.inverse,
        "status": "Paused" if is_halted else "Open",
        "fundingRateGranularity": facts.interval_h * _HOUR_MS,
        "takerFeeRate": 0.0006,
    }
