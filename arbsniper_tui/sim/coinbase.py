"""Coinbase Exchange's wire: `level2_batch` as snapshot and changes, `heartbeat`, and the `products` list."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.sim.dialect import Closing, Dialect, Flaw, Moment, Subscriber, Topic, damaged, json_text
from arbsniper_tui.sim.listing import Listing
from arbsniper_tui.sim.market import NS_PER_S, Top

LEVEL2 = "level2_batch"
HEARTBEAT = "heartbeat"
_QUIET_CHANNELS = ("ticker", "ticker_batch", "matches", "status")
"""Known, but they speak of trades and products, and here nobody trades."""
_AUTHENTICATED = ("level2", "level3", "full")
_DEPTH = 12
_SUBSCRIBE_WITHIN_NS = 5 * NS_PER_S

Change = tuple[str, int, int]
"""Side, ticks, lots; no lots: the level is gone."""


class _Channel(Struct):
    name: str
    product_ids: list[str] = []


class _Request(Struct):
    type: str
    product_ids: list[str] = []
    channels: list[str | _Channel] = []


class Ladder:
    """The levels of one book that subscribers have been told of, on both sides."""

    def __init__(self, top: Top) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.move(top)

    def move(self, top: Top) -> list[Change]:
        """Bring the best levels to `top`; the changes that say so."""
        return [
            *_move_side("buy", self.bids, top.bid_ticks, top.bid_lots, outward=-1),
            *_move_side("sell", self.asks, top.ask_ticks, top.ask_lots, outward=1),
        ]


def _move_side(side: str, levels: dict[int, int], best: int, lots: int, outward: int) -> list[Change]:
    changes: list[Change] = []
    better = [ticks for ticks in levels if (best - ticks) * outward > 0]
    spare = sorted(levels, key=lambda ticks: ticks * outward)[len(better) + 2 * _DEPTH :]
    for ticks in (*better, *spare):
        del levels[ticks]
        changes.append((side, ticks, 0))
    if levels.get(best) != lots:
        levels[best] = lots
        changes.append((side, best, lots))
    worst = max(levels, key=lambda ticks: ticks * outward)
    while len(levels) < _DEPTH and worst + outward > 0:
        worst += outward
        levels[worst] = lots * (1 + len(levels) % 5)
        changes.append((side, worst, levels[worst]))
    return changes


class Coinbase(Dialect):
    """A request with one unknown product fails as a whole; changes go out every 50 ms."""

    venue: ClassVar[str] = "coinbase"
    channels: ClassVar[tuple[str, ...]] = (LEVEL2,)
    batch_ns: ClassVar[int] = 50_000_000

    def __init__(self, listings: Sequence[Listing], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(listings, top)
        self._by_symbol = {listing.venue_symbol: listing for listing in self.listings}
        self._by_id = {listing.id: listing for listing in self.listings}
        self._ladders: dict[int, Ladder] = {}

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        if target.partition("?")[0] != "/products":
            return None
        return json_text([_row(listing, listing.venue_symbol in halted) for listing in self.listings])

    def maintenance(self, target: str, now: Moment) -> str | None:
        return "[]" if target.partition("?")[0] == "/products" else None

    def is_stream(self, target: str) -> bool:
        return target.partition("?")[0] == "/"

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
        snapshots = [self._snapshot(topic.listing_id, now) for topic in dict.fromkeys(fresh) if topic.channel == LEVEL2]
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
            products.setdefault(topic.channel, []).append(self._by_id[topic.listing_id].venue_symbol)
        channels = [{"name": name, "product_ids": ids} for name, ids in products.items()]
        return json_text({"type": "subscriptions", "channels": channels})

    def _snapshot(self, listing_id: int, now: Moment) -> str:
        listing = self._by_id[listing_id]
        ladder = self._ladders.get(listing_id)
        if ladder is None:
            ladder = self._ladders[listing_id] = Ladder(self._top(listing_id, now))
        return json_text(
            {
                "type": "snapshot",
                "product_id": listing.venue_symbol,
                "bids": _levels(listing, sorted(ladder.bids.items(), reverse=True)),
                "asks": _levels(listing, sorted(ladder.asks.items())),
                "time": now.rfc3339,
            }
        )

    def is_state(self, frame: str) -> bool:
        return frame.startswith('{"type":"snapshot"')

    def render(self, listing: Listing, top: Top, channel: str, now: Moment) -> str:
        changes = self._ladders[listing.id].move(top)
        return _update(listing, [_change(listing, *change) for change in changes], now) if changes else ""

    def spoil(self, listing: Listing, top: Top, channel: str, flaw: Flaw, now: Moment) -> list[str]:
        bid = listing.price_text(top.bid_ticks)
        size = listing.size_text(top.bid_lots)
        if flaw is Flaw.NAN:
            return [_update(listing, ['["buy","NaN","1.00000000"]'], now)]
        if flaw is Flaw.NEGATIVE:
            return [_update(listing, [f'["buy","{bid}","-{size}"]'], now)]
        if flaw is Flaw.CROSSED:
            beyond = top.ask_ticks + 100
            return [_update(listing, [_change(listing, "buy", beyond, lots)], now) for lots in (top.bid_lots, 0)]
        return [damaged(_update(listing, [f'["buy","{bid}","{size}"]'], now), flaw, top.serial)]

    def upkeep(self, subscriber: Subscriber, now: Moment) -> list[str]:
        beating = [topic for topic in subscriber.topics if topic.channel == HEARTBEAT]
        if not beating or now.mono_ns - subscriber.beat_ns < NS_PER_S:
            return []
        subscriber.beat_ns = now.mono_ns
        return [self._heartbeat(topic.listing_id, now) for topic in beating]

    def _heartbeat(self, listing_id: int, now: Moment) -> str:
        sequence = self._top(listing_id, now).serial
        return json_text(
            {
                "type": "heartbeat",
                "sequence": sequence,
                "last_trade_id": sequence // 4,
                "product_id": self._by_id[listing_id].venue_symbol,
                "time": now.rfc3339,
            }
        )

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if not subscriber.topics and now.mono_ns - subscriber.heard_ns > _SUBSCRIBE_WITHIN_NS:
            return Closing(1000, "no subscription")
        return None

    def release(self, listing_id: int) -> None:
        self._ladders.pop(listing_id, None)


def _pairs(wanted: _Request) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for channel in wanted.channels:
        if isinstance(channel, str):
            pairs += [(channel, product) for product in wanted.product_ids]
        else:
            pairs += [(channel.name, product) for product in channel.product_ids or wanted.product_ids]
    return pairs


def _levels(listing: Listing, levels: list[tuple[int, int]]) -> list[list[str]]:
    return [[listing.price_text(ticks), listing.size_text(lots)] for ticks, lots in levels]


def _change(listing: Listing, side: str, ticks: int, lots: int) -> str:
    return f'["{side}","{listing.price_text(ticks)}","{listing.size_text(lots)}"]'


def _update(listing: Listing, changes: Sequence[str], now: Moment) -> str:
    return (
        f'{{"type":"l2update","product_id":"{listing.venue_symbol}",'
        f'"changes":[{",".join(changes)}],"time":"{now.rfc3339}"}}'
    )


def _error(message: str, reason: str) -> str:
    return json_text({"type": "error", "message": message, "reason": reason})


def _row(listing: Listing, is_halted: bool) -> dict[str, Any]:
    return {
        "id": listing.venue_symbol,
        "base_currency": listing.base,
        "quote_currency": listing.quote,
        "quote_increment": listing.tick_text,
        "base_increment": listing.lot_text,
        "display_name": listing.venue_symbol,
        "min_market_funds": "1",
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": "online",
        "status_message": "",
        "trading_disabled": is_halted,
        "fx_stablecoin": listing.base == "USDT",
        "max_slippage_percentage": "0.02",
        "auction_mode": False,
    }
