"""Kraken's spot wire, version 2: `ticker` triggered by the best bid and ask, and the `AssetPairs` list."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.sim.dialect import (
    Closing,
    Dialect,
    Flaw,
    Moment,
    Shown,
    Subscriber,
    Topic,
    damaged,
    flawed,
    json_text,
    shown_in_full,
)
from arbsniper_tui.sim.listing import Listing, opening_price
from arbsniper_tui.sim.market import NS_PER_S, Top

BBO, TRADES = "bbo", "trades"
_STREAM = "/v2"
_LIST = "/0/public/AssetPairs"
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


class Kraken(Dialect):
    """Numbers are JSON numbers; a ticker without the `bbo` trigger waits for trades, and here nobody trades."""

    venue: ClassVar[str] = "kraken"
    channels: ClassVar[tuple[str, ...]] = (BBO,)

    def __init__(self, listings: Sequence[Listing], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(listings, top)
        self._by_symbol = {listing.venue_symbol: listing for listing in self.listings}

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        if target.partition("?")[0] != _LIST:
            return None
        pairs = (_pair_row(listing, listing.venue_symbol in halted) for listing in self.listings)
        return json_text({"error": [], "result": dict(pairs)})

    def maintenance(self, target: str, now: Moment) -> str | None:
        return json_text({"error": ["EService:Unavailable"]}) if target.partition("?")[0] == _LIST else None

    def is_stream(self, target: str) -> bool:
        return target.partition("?")[0] == _STREAM

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
        listing = self._by_symbol.get(symbol)
        if listing is None or is_refused:
            reason = f"Currency pair not supported {symbol}"
            return [_refusal(wanted.method, reason, symbol, wanted.req_id, now)]
        params = wanted.params
        topic = Topic(listing.id, BBO if params.event_trigger == BBO else TRADES)
        if wanted.method == "unsubscribe":
            subscriber.topics.pop(topic, None)
            result: dict[str, object] = {"channel": params.channel, "symbol": symbol}
            return [_ack("unsubscribe", result, wanted.req_id, now)]
        subscriber.topics[topic] = None
        result = {"channel": params.channel, "snapshot": params.snapshot, "symbol": symbol}
        frames = [_ack("subscribe", result, wanted.req_id, now)]
        if params.snapshot:
            frames.append(_frame("snapshot", listing, shown_in_full(listing, self._top(listing.id, now)), now))
        return frames

    def is_state(self, frame: str) -> bool:
        return frame.startswith('{"channel":"ticker"')

    def render(self, listing: Listing, top: Top, channel: str, now: Moment) -> str:
        return _frame("update", listing, shown_in_full(listing, top), now)

    def spoil(self, listing: Listing, top: Top, channel: str, flaw: Flaw, now: Moment) -> list[str]:
        frame = _frame("update", listing, flawed(shown_in_full(listing, top), flaw), now)
        return [damaged(frame, flaw, top.serial)]

    def upkeep(self, subscriber: Subscriber, now: Moment) -> list[str]:
        if subscriber.topics and now.mono_ns - subscriber.told_ns >= NS_PER_S:
            return ['{"channel":"heartbeat"}']
        return []

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if not subscriber.topics and now.mono_ns - subscriber.heard_ns > _UNUSED_NS:
            return Closing(1000, "")
        return None


def _frame(kind: str, listing: Listing, shown: Shown, now: Moment) -> str:
    opening = opening_price(listing.base) if listing.base != "USDT" else 1.0
    digits = listing.price_digits
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{listing.venue_symbol}",'
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


def _pair_row(listing: Listing, is_halted: bool) -> tuple[str, dict[str, Any]]:
    base, quote = listing.base, listing.quote
    old = _OLD_CODES.get(base, base)
    name = f"{old}{quote}"
    if quote == "USD" and base in _LONG_PAIRS:
        name = f"{_LONG_CODES.get(base, base)}Z{quote}"
    return name, {
        "altname": f"{old}{quote}",
        "wsname": f"{old}/{quote}",
        "aclass_base": "currency",
        "base": _LONG_CODES.get(base, base),
        "aclass_quote": "currency",
        "quote": "ZUSD" if quote == "USD" else quote,
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": listing.price_digits,
        "lot_decimals": listing.size_digits,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4], [10000, 0.35]],
        "fees_maker": [[0, 0.25], [10000, 0.2]],
        "fee_volume_currency": "ZUSD",
        "ordermin": f"{5.0 / opening_price(base) if base != 'USDT' else 5.0:.5f}",
        "costmin": "0.5",
        "tick_size": listing.tick_text,
        "status": "cancel_only" if is_halted else "online",
    }
