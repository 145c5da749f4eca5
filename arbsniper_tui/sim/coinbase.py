"""Coinbase Exchange's wire: `level2_batch` as snapshot and changes, `heartbeat`, and the `products` list."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.sim.dialect import Closing, Dialect, Flaw, Frame, Moment, Subscriber, Topic, damaged, json_text
from arbsniper_tui.sim.instruments import SimInstrument, spot, stablecoin
from arbsniper_tui.sim.ladder import Ladder
from arbsniper_tui.sim.market import NS_PER_S, Top

LEVEL2 = "level2_batch"
HEARTBEAT = "heartbeat"
_QUIET_CHANNELS = ("ticker", "ticker_batch", "matches", "status")
"""Accepted, but without data: they carry trades and products, and the simulation has no trades."""
_AUTHENTICATED = ("level2", "level3", "full")
_SUBSCRIBE_WITHIN_NS = 5 * NS_PER_S


class _Channel(Struct):
    name: str
    product_ids: list[str] = []


class _Request(Struct):
    type: str
    product_ids: list[str] = []
    channels: list[str | _Channel] = []


class Coinbase(Dialect):
    """A request with one unknown product fails as a whole; changes go out every 50 ms."""

    venue: ClassVar[str] = "coinbase"
    channels: ClassVar[tuple[str, ...]] = (LEVEL2,)
    batch_ns: ClassVar[int] = 50_000_000
    stream_path: ClassVar[str] = "/"
    list_paths: ClassVar[tuple[str, ...]] = ("/products",)
    state_prefix: ClassVar[str] = '{"type":"snapshot"'
    weight: ClassVar[float] = 0.7
    usual_spread: ClassVar[float] = 0.2e-4

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(instruments, top)
        self._by_id = {instrument.id: instrument for instrument in self.instruments}
        self._ladders: dict[int, Ladder] = {}

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            for quote in ("USD", "USDT") if base in ("BTC", "ETH", "SOL") else ("USD",):
                yield spot(base, quote, f"{base}-{quote}")
        yield stablecoin("USDT-USD", size_digits=2)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        return json_text([_row(instrument, instrument.venue_symbol in halted) for instrument in self.instruments])

    def closed_body(self, path: str) -> str:
        return "[]"

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> list[str]:
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError:
            return [_error("Malformed JSON", "")]
        if wanted.type not in ("subscribe", "unsubscribe"):
            return [_error("Malformed JSON", f"type {wanted.type} is not known")]
        pairs = _pairs(wanted)
        if reason := self._refusal(pairs, refused):
            return [_error(f"Failed to {wanted.type}", reason)]
        topics = [Topic(self._by_symbol[product].id, channel) for channel, product in pairs]
        if wanted.type == "unsubscribe":
            for topic in topics:
                subscriber.topics.pop(topic, None)
            return [self._subscriptions(subscriber)]
        fresh = [topic for topic in topics if topic not in subscriber.topics]
        subscriber.topics.update(dict.fromkeys(topics))
        snapshots = [
            self._snapshot(topic.instrument_id, now) for topic in dict.fromkeys(fresh) if topic.channel == LEVEL2
        ]
        return [self._subscriptions(subscriber), *snapshots]

    def _refusal(self, pairs: Sequence[tuple[str, str]], refused: Collection[str]) -> str:
        if not pairs:
            return "no channels or product_ids provided"
        for channel, product in pairs:
            if channel in _AUTHENTICATED:
                return f"{channel} requires authentication"
            if channel not in (LEVEL2, HEARTBEAT, *_QUIET_CHANNELS):
                return f"{channel} is not a valid channel"
            if product not in self._by_symbol or product in refused:
                return f"{product} is not a valid product"
        return ""

    def _subscriptions(self, subscriber: Subscriber) -> str:
        products: dict[str, list[str]] = {}
        for topic in subscriber.topics:
            products.setdefault(topic.channel, []).append(self._by_id[topic.instrument_id].venue_symbol)
        channels = [{"name": name, "product_ids": ids} for name, ids in products.items()]
        return json_text({"type": "subscriptions", "channels": channels})

    def _snapshot(self, instrument_id: int, now: Moment) -> str:
        instrument = self._by_id[instrument_id]
        ladder = self._ladders.get(instrument_id)
        if ladder is None:
            ladder = self._ladders[instrument_id] = Ladder(self._top(instrument_id, now))
        return json_text(
            {
                "type": "snapshot",
                "product_id": instrument.venue_symbol,
                "bids": _levels(instrument, sorted(ladder.bids.items(), reverse=True)),
                "asks": _levels(instrument, sorted(ladder.asks.items())),
                "time": now.rfc3339,
            }
        )

    def render(self, instrument: SimInstrument, top: Top, channel: str, now: Moment) -> str:
        changes = self._ladders[instrument.id].move(top)
        return _update(instrument, [_change(instrument, *change) for change in changes], now) if changes else ""

    def spoil(self, instrument: SimInstrument, top: Top, channel: str, flaw: Flaw, now: Moment) -> Sequence[Frame]:
        bid = instrument.price_text(top.bid_ticks)
        size = instrument.size_text(top.bid_lots)
        if flaw is Flaw.NAN:
            return [_update(instrument, ['["buy","NaN","1.00000000"]'], now)]
        if flaw is Flaw.NEGATIVE:
            return [_update(instrument, [f'["buy","{bid}","-{size}"]'], now)]
        if flaw is Flaw.CROSSED:
            beyond = top.ask_ticks + 100
            return [_update(instrument, [_change(instrument, "buy", beyond, lots)], now) for lots in (top.bid_lots, 0)]
        return [damaged(_update(instrument, [f'["buy","{bid}","{size}"]'], now), flaw, top.serial)]

    def upkeep(self, subscriber: Subscriber, now: Moment) -> list[str]:
        beating = [topic for topic in subscriber.topics if topic.channel == HEARTBEAT]
        if not beating or now.mono_ns - subscriber.beat_ns < NS_PER_S:
            return []
        subscriber.beat_ns = now.mono_ns
        return [self._heartbeat(topic.instrument_id, now) for topic in beating]

    def _heartbeat(self, instrument_id: int, now: Moment) -> str:
        sequence = self._top(instrument_id, now).serial
        return json_text(
            {
                "type": "heartbeat",
                "sequence": sequence,
                "last_trade_id": sequence // 4,
                "product_id": self._by_id[instrument_id].venue_symbol,
                "time": now.rfc3339,
            }
        )

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if not subscriber.topics and now.mono_ns - subscriber.heard_ns > _SUBSCRIBE_WITHIN_NS:
            return Closing(1000, "no subscription")
        return None

    def release(self, instrument_id: int) -> None:
        self._ladders.pop(instrument_id, None)


def _pairs(wanted: _Request) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for channel in wanted.channels:
        if isinstance(channel, str):
            pairs += [(channel, product) for product in wanted.product_ids]
        else:
            pairs += [(channel.name, product) for product in channel.product_ids or wanted.product_ids]
    return pairs


def _levels(instrument: SimInstrument, levels: list[tuple[int, int]]) -> list[list[str]]:
    return [[instrument.price_text(ticks), instrument.size_text(lots)] for ticks, lots in levels]


def _change(instrument: SimInstrument, side: str, ticks: int, lots: int) -> str:
    return f'["{side}","{instrument.price_text(ticks)}","{instrument.size_text(lots)}"]'


def _update(instrument: SimInstrument, changes: Sequence[str], now: Moment) -> str:
    return (
        f'{{"type":"l2update","product_id":"{instrument.venue_symbol}",'
        f'"changes":[{",".join(changes)}],"time":"{now.rfc3339}"}}'
    )


def _error(message: str, reason: str) -> str:
    return json_text({"type": "error", "message": message, "reason": reason})


def _row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    """What a client of prices reads of an instrument in the list."""
    return {
        "id": instrument.venue_symbol,
        "base_currency": instrument.base,
        "quote_currency": instrument.quote,
        "quote_increment": instrument.tick_text,
        "base_increment": instrument.lot_text,
        "min_market_funds": "1",
        "display_name": instrument.venue_symbol,
        "status": "online",
        "status_message": "",
        "trading_disabled": is_halted,
        "cancel_only": False,
    }
