"""Kraken's spot wire, version 2: `ticker` triggered by the best bid and ask, and the `AssetPairs` list."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.sim.dialect import (
    Closing,
    Moment,
    Shown,
    Subscriber,
    TopDialect,
    Topic,
    json_text,
    shown_in_full,
)
from arbsniper_tui.sim.instruments import SimInstrument, opening_price, spot, stablecoin
from arbsniper_tui.sim.market import NS_PER_S

BBO, TRADES = "bbo", "trades"
_UNUSED_NS = 60 * NS_PER_S
_OLD_CODES = {"BTC": "XBT", "DOGE": "XDG"}
_LONG_CODES = {"BTC": "XXBT", "ETH": "XETH", "XRP": "XXRP", "LTC": "XLTC", "DOGE": "XXDG"}
_LONG_PAIRS = ("BTC", "ETH", "XRP", "LTC", "USDT")
"""Bases whose USD pair still has its first name, with Z before the currency."""


class _Params(Struct):
    channel: str = ""
    symbol: list[str] = []
    event_trigger: str = TRADES
    snapshot: bool = True


class _Request(Struct):
    method: str
    params: _Params = msgspec.field(default_factory=_Params)
    req_id: int | None = None


class Kraken(TopDialect):
    """Numbers are JSON numbers; a ticker without the `bbo` trigger waits for trades, which the simulation has not."""

    venue: ClassVar[str] = "kraken"
    channels: ClassVar[tuple[str, ...]] = (BBO,)
    stream_path: ClassVar[str] = "/v2"
    list_paths: ClassVar[tuple[str, ...]] = ("/0/public/AssetPairs",)
    state_prefix: ClassVar[str] = '{"channel":"ticker"'
    weight: ClassVar[float] = 0.5
    usual_spread: ClassVar[float] = 0.5e-4

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            for quote in ("USD", "USDT"):
                yield spot(base, quote, f"{base}/{quote}", least_digits=1)
        yield stablecoin("USDT/USD")

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        pairs = (_pair_row(instrument, instrument.venue_symbol in halted) for instrument in self.instruments)
        return json_text({"error": [], "result": dict(pairs)})

    def closed_body(self, path: str) -> str:
        return json_text({"error": ["EService:Unavailable"]})

    def greet(self, subscriber: Subscriber, refused: Collection[str], now: Moment) -> list[str]:
        status = {
            "version": "2.0.10",
            "system": "online",
            "api_version": "v2",
            "connection_id": subscriber.opened.wall_ns,
        }
        return [json_text({"channel": "status", "type": "update", "data": [status]})]

    def is_ping(self, request: str) -> bool:
        try:
            return msgspec.json.decode(request, type=_Request).method == "ping"
        except msgspec.DecodeError:
            return False

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> list[str]:
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError as error:
            return [_refusal("", f"Malformed request: {error}", "", None, now)]
        if wanted.method == "ping":
            return [_stamped({"method": "pong"}, wanted.req_id, now)]
        if wanted.method not in ("subscribe", "unsubscribe"):
            return [_refusal(wanted.method, "Method not supported", "", wanted.req_id, now)]
        if wanted.params.channel != "ticker":
            return [_refusal(wanted.method, "Channel not supported", "", wanted.req_id, now)]
        frames: list[str] = []
        for symbol in wanted.params.symbol:
            frames += self._answer_symbol(subscriber, wanted, symbol, symbol in refused, now)
        return frames

    def _answer_symbol(
        self, subscriber: Subscriber, wanted: _Request, symbol: str, is_refused: bool, now: Moment
    ) -> list[str]:
        instrument = self._by_symbol.get(symbol)
        if instrument is None or is_refused:
            reason = f"Currency pair not supported {symbol}"
            return [_refusal(wanted.method, reason, symbol, wanted.req_id, now)]
        params = wanted.params
        topic = Topic(instrument.id, BBO if params.event_trigger == BBO else TRADES)
        if wanted.method == "unsubscribe":
            subscriber.topics.pop(topic, None)
            result: dict[str, object] = {"channel": params.channel, "symbol": symbol}
            return [_ack("unsubscribe", result, wanted.req_id, now)]
        subscriber.topics[topic] = None
        result = {"channel": params.channel, "snapshot": params.snapshot, "symbol": symbol}
        frames = [_ack("subscribe", result, wanted.req_id, now)]
        if params.snapshot:
            frames.append(_frame("snapshot", instrument, shown_in_full(instrument, self._top(instrument.id, now)), now))
        return frames

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        return _frame("update", instrument, shown, now)

    def upkeep(self, subscriber: Subscriber, now: Moment) -> list[str]:
        if subscriber.topics and now.mono_ns - subscriber.told_ns >= NS_PER_S:
            return ['{"channel":"heartbeat"}']
        return []

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if not subscriber.topics and now.mono_ns - subscriber.heard_ns > _UNUSED_NS:
            return Closing(1000, "")
        return None


def _frame(kind: str, instrument: SimInstrument, shown: Shown, now: Moment) -> str:
    opening = opening_price(instrument.base) if instrument.base != "USDT" else 1.0
    digits = instrument.price_digits
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{instrument.venue_symbol}",'
        f'"bid":{shown.bid},"bid_qty":{shown.bid_size},"ask":{shown.ask},"ask_qty":{shown.ask_size},'
        f'"last":{shown.ask},"volume":1632.88908096,"vwap":{opening:.{digits}f},"low":{opening * 0.98:.{digits}f},'
        f'"high":{opening * 1.02:.{digits}f},"change":0.0,"change_pct":0.0,"timestamp":"{now.rfc3339}"}}]}}'
    )


def _stamped(frame: dict[str, object], req_id: int | None, now: Moment) -> str:
    frame |= {"time_in": now.rfc3339, "time_out": now.rfc3339}
    if req_id is not None:
        frame["req_id"] = req_id
    return json_text(frame)


def _ack(method: str, result: dict[str, object], req_id: int | None, now: Moment) -> str:
    return _stamped({"method": method, "result": result, "success": True}, req_id, now)


def _refusal(method: str, reason: str, symbol: str, req_id: int | None, now: Moment) -> str:
    frame: dict[str, object] = {"error": reason, "method": method, "success": False}
    if symbol:
        frame["symbol"] = symbol
    return _stamped(frame, req_id, now)


def _pair_row(instrument: SimInstrument, is_halted: bool) -> tuple[str, dict[str, Any]]:
    """The name of a pair, and what a client of prices reads of it in the list."""
    base, quote = instrument.base, instrument.quote
    old = _OLD_CODES.get(base, base)
    name = f"{old}{quote}"
    if quote == "USD" and base in _LONG_PAIRS:
        name = f"{_LONG_CODES.get(base, base)}Z{quote}"
    return name, {
        "altname": f"{old}{quote}",
        "wsname": f"{old}/{quote}",
        "base": _LONG_CODES.get(base, base),
        "quote": "ZUSD" if quote == "USD" else quote,
        "pair_decimals": instrument.price_digits,
        "lot_decimals": instrument.size_digits,
        "fees": [[0, 0.4], [10000, 0.35]],
        "fees_maker": [[0, 0.25], [10000, 0.2]],
        "tick_size": instrument.tick_text,
        "ordermin": instrument.lot_text,
        "costmin": "0.5",
        "status": "cancel_only" if is_halted else "online",
    }
