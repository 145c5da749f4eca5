"""Deribit's wire, JSON-RPC 2.0: `quote` and `ticker` of perpetuals, heartbeats, and the list of instruments."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

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
    shown_in_full,
)
from arbsniper_tui.sim.instruments import SimInstrument, inverse, linear, magnitude
from arbsniper_tui.sim.market import NS_PER_S, Top
from arbsniper_tui.sim.slow_facts import SlowFacts

QUOTE = "quote"
_TICKERS = ("100ms", "agg2")
_INSTRUMENTS = "/api/v2/public/get_instruments"
_INVERSE_CONTRACTS = {"BTC": 10.0, "ETH": 1.0}
"""USD in one contract."""
_NOT_LISTED = frozenset(("PEPE",))
_HEARTBEATS = [
    '{"params":{"type":"heartbeat"},"method":"heartbeat","jsonrpc":"2.0"}',
    '{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}',
]
_ANSWER_WITHIN_NS = 10 * NS_PER_S
_IDLE_NS = 60 * NS_PER_S
_MOST_CHANNELS = 500
_RULES = LinkRules(requests=Allowance(10, 3.0), connections=32)


class _Params(Struct, frozen=True):
    channels: list[str] = []
    interval: int = 0


class _Request(Struct):
    id: int | str
    method: str
    params: _Params = _Params()


class Deribit(TopDialect):
    """Amounts are USD on inverse perpetuals and coins on linear ones; unknown channels are left out in silence."""

    venue: ClassVar[str] = "deribit"
    channels: ClassVar[tuple[str, ...]] = (QUOTE,)
    fact_channels: ClassVar[tuple[str, ...]] = _TICKERS
    stream_path: ClassVar[str] = "/ws/api/v2"
    list_paths: ClassVar[tuple[str, ...]] = (_INSTRUMENTS,)
    usual_spread: ClassVar[float] = 0.1e-4

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            if base in _INVERSE_CONTRACTS:
                yield inverse(base, f"{base}-PERPETUAL", contract=_INVERSE_CONTRACTS[base])
        for base in bases:
            if base not in _NOT_LISTED:
                yield linear(base, f"{base}_USDC-PERPETUAL", size_digits=max(0, magnitude(base)), quote="USDC")

    def rules(self, target: str) -> LinkRules:
        return _RULES

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        rows = [_row(each, each.venue_symbol in halted) for each in self.instruments]
        if parse_qs(query).get("kind", ["future"]) != ["future"]:
            rows = []
        return json_text({"jsonrpc": "2.0", "result": rows, "testnet": False})

    def closed_body(self, path: str) -> str:
        return json_text({"jsonrpc": "2.0", "error": {"code": 11051, "message": "system_maintenance"}})

    def is_ping(self, request: str) -> bool:
        return '"public/test"' in request

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError:
            return [_error(None, 11050, "bad_request", now)]
        channels = wanted.params.channels
        if wanted.method == "public/test":
            return [_result(wanted.id, {"version": "1.2.26"}, now)]
        if wanted.method == "public/set_heartbeat" and wanted.params.interval >= 10:
            subscriber.beat_every_ns, subscriber.beat_ns = wanted.params.interval * NS_PER_S, now.mono_ns
            return [_result(wanted.id, "ok", now)]
        if wanted.method not in ("public/subscribe", "public/unsubscribe"):
            return [_error(wanted.id, -32601, "Method not found", now)]
        if len(channels) > _MOST_CHANNELS:
            return [_error(wanted.id, -32602, "Invalid params", now)]
        if any(channel.endswith(".raw") for channel in channels):
            return [_error(wanted.id, 13778, "raw_subscriptions_not_available_for_unauthorized", now)]
        known = {channel: topic for channel in channels if (topic := self._topic(channel, refused))}
        for topic in known.values():
            if wanted.method == "public/subscribe":
                subscriber.topics[topic] = None
            else:
                subscriber.topics.pop(topic, None)
        return [_result(wanted.id, list(known), now)]

    def _topic(self, channel: str, refused: Collection[str]) -> Topic | None:
        kind, _, rest = channel.partition(".")
        name, _, interval = rest.partition(".")
        instrument = self._by_symbol.get(name)
        if instrument is None or name in refused:
            return None
        if (kind, interval) == (QUOTE, ""):
            return Topic(instrument.id, QUOTE)
        return Topic(instrument.id, interval) if kind == "ticker" and interval in _TICKERS else None

    def shown(self, instrument: SimInstrument, top: Top) -> Shown:
        shown = shown_in_full(instrument, top)
        if not instrument.inverse:
            return shown
        usd = instrument.contract
        return shown._replace(bid_size=f"{top.bid_lots * usd:.1f}", ask_size=f"{top.ask_lots * usd:.1f}")

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        name, bid_size, ask_size = instrument.venue_symbol, shown.bid_size, shown.ask_size
        if serial % 4 == 0:
            # The venue writes some numbers with an exponent.
            bid_size, ask_size = f"{Decimal(bid_size).normalize():e}", f"{Decimal(ask_size).normalize():e}"
        return (
            f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"{QUOTE}.{name}","data":{{'
            f'"timestamp":{now.wall_ms},"instrument_name":"{name}",'
            f'"best_ask_price":{shown.ask},"best_bid_price":{shown.bid},'
            f'"best_ask_amount":{ask_size},"best_bid_amount":{bid_size}}}}}}}'
        )

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> str:
        worth = facts.mark_price if instrument.inverse else 1.0
        data = {
            "timestamp": now.wall_ms,
            "state": "open",
            "instrument_name": instrument.venue_symbol,
            "index_price": round(facts.index_price, instrument.price_digits),
            "mark_price": round(facts.mark_price, instrument.price_digits),
            "open_interest": round(facts.open_interest * worth, 4),
            "current_funding": facts.funding_rate,
            "funding_8h": facts.predicted_rate,
        }
        params = {"channel": f"ticker.{instrument.venue_symbol}.{channel}", "data": data}
        return json_text({"jsonrpc": "2.0", "method": "subscription", "params": params})

    def upkeep(self, subscriber: Subscriber, now: Moment) -> Sequence[Frame]:
        every_ns = subscriber.beat_every_ns
        if not every_ns or now.mono_ns - subscriber.beat_ns < every_ns:
            return []
        subscriber.beat_ns = now.mono_ns
        return _HEARTBEATS

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        silent_ns = now.mono_ns - subscriber.heard_ns
        if subscriber.beat_every_ns:
            is_asked = subscriber.heard_ns < subscriber.beat_ns
            is_late = is_asked and now.mono_ns - subscriber.beat_ns >= _ANSWER_WITHIN_NS
            return Closing(4000, "heartbeat close") if is_late else None
        return Closing(1000, "idle") if not subscriber.topics and silent_ns > _IDLE_NS else None


def _result(request_id: int | str, result: object, now: Moment) -> str:
    return json_text({"jsonrpc": "2.0", "id": request_id, "result": result, **_times(now)})


def _error(request_id: int | str | None, code: int, message: str, now: Moment) -> str:
    error = {"code": code, "message": message}
    return json_text({"jsonrpc": "2.0", "id": request_id, "error": error, **_times(now)})


def _times(now: Moment) -> dict[str, object]:
    us = now.wall_ns // 1000
    return {"usIn": us, "usOut": us + 90, "usDiff": 90, "testnet": False}


def _row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    lot = instrument.contract or 10.0**-instrument.size_digits
    return {
        "instrument_name": instrument.venue_symbol,
        "kind": "future",
        "settlement_period": "perpetual",
        "instrument_type": "reversed" if instrument.inverse else "linear",
        "base_currency": instrument.base,
        "quote_currency": instrument.quote,
        "settlement_currency": instrument.base if instrument.inverse else instrument.quote,
        "tick_size": 10.0**-instrument.price_digits,
        "contract_size": lot,
        "min_trade_amount": lot,
        "is_active": True,
        "state": "closed" if is_halted else "open",
        "creation_timestamp": 1534167754000,
        "maker_commission": 0.00015,
        "taker_commission": 0.00035,
    }
