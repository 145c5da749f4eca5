"""CoinDCX's wire: Socket.IO 4 on Engine.IO 4, `orderbook` and `currentPrices` with JSON in JSON, and the two lists."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Closing,
    Dialect,
    Flaw,
    Frame,
    Moment,
    Subscriber,
    Topic,
    damaged,
    json_text,
)
from arbsniper_tui.sim.instruments import SimInstrument, linear, magnitude, perp_multiplier, spot
from arbsniper_tui.sim.ladder import Ladder
from arbsniper_tui.sim.market import NS_PER_S, Top
from arbsniper_tui.sim.slow_facts import SlowFacts

BOOK, PRICES = "orderbook", "currentPrices@futures"
_LEVELS = 10
_PING_EVERY_NS, _PONG_WITHIN_NS = 25 * NS_PER_S, 20 * NS_PER_S
_SPOT_LIST = "/exchange/v1/markets_details"
_FUTURES_LIST = "/exchange/v1/derivatives/futures/data/active_instruments"
_BOOK_CHANNEL = re.compile(r"(?P<pair>[\w-]+)@orderbook@(?P<depth>10|20|50)(?P<futures>-futures)?")
_BROKEN = Closing(1000, "")
"""The venue gives no reason, whatever it does not like."""
_OLD_PROTOCOL = re.compile(r"[?&]EIO=3(&|$)")

Levels = dict[int, int]
"""Ticks and lots."""


class Coindcx(Dialect):
    """Whatever the venue cannot serve it passes over in silence. Changes go out every 500 ms.

    Only the ten best levels of each side are told. A level that falls behind them is not said to be gone.
    """

    venue: ClassVar[str] = "coindcx"
    channels: ClassVar[tuple[str, ...]] = (BOOK,)
    fact_channels: ClassVar[tuple[str, ...]] = (PRICES,)
    batch_ns: ClassVar[int] = 500_000_000
    stream_path: ClassVar[str] = "/socket.io/"
    list_paths: ClassVar[tuple[str, ...]] = (_SPOT_LIST, _FUTURES_LIST)
    state_prefix: ClassVar[str] = '42["depth-snapshot"'
    weight: ClassVar[float] = 0.5

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(instruments, top)
        self._by_pair = {(each.market, each.venue_symbol): each for each in self.instruments}
        self._books: dict[int, _Book] = {}

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"B-{base}_USDT", size_digits=min(8, max(0, magnitude(base) + 1)))
        for base in bases:
            many = perp_multiplier(base)
            name = f"{many}{base}" if many > 1 else base
            yield linear(base, f"B-{name}_USDT", size_digits=max(0, magnitude(base) - 1), multiplier=many)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        if path == _SPOT_LIST:
            listed = [each for each in self.instruments if each.market is Market.SPOT]
            return json_text([_row(each, each.venue_symbol in halted) for each in listed])
        listed = [each for each in self.instruments if each.market is Market.PERP]
        return json_text([each.venue_symbol for each in listed if each.venue_symbol not in halted])

    def closed_body(self, path: str) -> str:
        return json_text({"code": 503, "message": "Service unavailable", "status": "error"})

    def greet(self, subscriber: Subscriber, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        subscriber.beat_ns = subscriber.answered_ns = now.mono_ns
        opened = {"sid": _sid("o", subscriber), "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000}
        return ["0" + json_text({**opened, "maxPayload": 1_000_000})]

    def is_ping(self, request: str) -> bool:
        return request in ("3", "40")

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        if request == "3":
            subscriber.answered_ns = now.mono_ns
            return []
        if request == "40" and not subscriber.is_admitted:
            if _OLD_PROTOCOL.search(subscriber.target):
                return self._break_off(subscriber)
            subscriber.is_admitted = True
            return ["40" + json_text({"sid": _sid("s", subscriber)})]
        try:
            event, body = msgspec.json.decode(request.removeprefix("42"), type=tuple[str, dict[str, Any]])
        except msgspec.MsgspecError:
            return self._break_off(subscriber)
        if not request.startswith("42") or not subscriber.is_admitted:
            return self._break_off(subscriber)
        topics = self._topics(str(body.get("channelName")), refused)
        if event == "leave":
            for topic in topics:
                subscriber.topics.pop(topic, None)
        if event != "join" or not topics or topics[0] in subscriber.topics:
            return []
        subscriber.topics.update(dict.fromkeys(topics))
        if topics[0].channel == PRICES:
            return [self._all_prices(now)]
        return [self._snapshot(topics[0].instrument_id, now)]

    def _break_off(self, subscriber: Subscriber) -> Sequence[Frame]:
        subscriber.breach = _BROKEN
        return []

    def _topics(self, channel: str, refused: Collection[str]) -> list[Topic]:
        if channel == f"{PRICES}@rt":
            return [Topic(each.id, PRICES) for each in self.instruments if each.market is Market.PERP]
        named = _BOOK_CHANNEL.fullmatch(channel)
        # Of the depths only the one that is asked for by the program is spoken here.
        if named is None or named["depth"] != str(_LEVELS) or named["pair"] in refused:
            return []
        instrument = self._by_pair.get((Market.PERP if named["futures"] else Market.SPOT, named["pair"]))
        return [Topic(instrument.id, BOOK)] if instrument is not None else []

    def upkeep(self, subscriber: Subscriber, now: Moment) -> Sequence[Frame]:
        if now.mono_ns - subscriber.beat_ns < _PING_EVERY_NS:
            return []
        subscriber.beat_ns = now.mono_ns
        return ["2"]

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        is_unanswered = subscriber.answered_ns < subscriber.beat_ns <= now.mono_ns - _PONG_WITHIN_NS
        return _BROKEN if is_unanswered else None

    def is_about(self, frame: Frame, symbol: str) -> bool:
        return f'\\"s\\":\\"{_short(symbol)}\\"' in str(frame)

    def _snapshot(self, instrument_id: int, now: Moment) -> str:
        book = self._books.get(instrument_id)
        if book is None:
            book = self._books[instrument_id] = _Book(self._top(instrument_id, now))
        instrument = next(each for each in self.instruments if each.id == instrument_id)
        return _depth_frame(instrument, "depth-snapshot", book.version, book.bids, book.asks, now)

    def render(self, instrument: SimInstrument, top: Top, channel: str, now: Moment) -> Frame:
        book = self._books[instrument.id]
        bids, asks = book.move(top)
        if not bids and not asks:
            return ""
        book.version += 1
        return _depth_frame(instrument, "depth-update", book.version, bids, asks, now)

    def spoil(self, instrument: SimInstrument, top: Top, channel: str, flaw: Flaw, now: Moment) -> Sequence[Frame]:
        # Each of them is numbered as a good frame would be, so that the next one shows that one was lost.
        book = self._books[instrument.id]

        def update(bids: Levels) -> str:
            book.version += 1
            return _depth_frame(instrument, "depth-update", book.version, bids, {}, now)

        if flaw is Flaw.CROSSED:
            beyond = top.ask_ticks + 100
            # The tenth level was pushed out of the book for as long.
            return [update({beyond: top.bid_lots}), update({beyond: 0, **book.bids})]
        frame = update({top.bid_ticks: top.bid_lots})
        size = instrument.size_text(top.bid_lots)
        if flaw in (Flaw.NAN, Flaw.NEGATIVE):
            bad = "NaN" if flaw is Flaw.NAN else f"-{size}"
            return [frame.replace(f'\\":\\"{size}\\"', f'\\":\\"{bad}\\"')]
        return [damaged(frame, flaw, top.serial)]

    def release(self, instrument_id: int) -> None:
        self._books.pop(instrument_id, None)

    def _all_prices(self, now: Moment) -> str:
        perpetuals = [each for each in self.instruments if each.market is Market.PERP]
        prices = {each.venue_symbol: _price(each, self.facts(each, now), now) for each in perpetuals}
        return _prices_frame("snapshot", prices, now)

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> Frame:
        return _prices_frame("update", {instrument.venue_symbol: _price(instrument, facts, now)}, now)


class _Book:
    """The ten best levels of each side that subscribers know, and how many frames told them."""

    def __init__(self, top: Top) -> None:
        self._ladder = Ladder(top)
        self.version = 220_547_642 + top.instrument_id
        self.bids, self.asks = self._best()

    def _best(self) -> tuple[Levels, Levels]:
        bids = sorted(self._ladder.bids.items(), reverse=True)[:_LEVELS]
        return dict(bids), dict(sorted(self._ladder.asks.items())[:_LEVELS])

    def move(self, top: Top) -> tuple[Levels, Levels]:
        """Bring the book to `top`; the new sizes of bids and asks, 0 for what is gone."""
        known, ladder = (self.bids, self.asks), self._ladder
        ladder.move(top)
        self.bids, self.asks = self._best()
        return _changes(known[0], self.bids, ladder.bids), _changes(known[1], self.asks, ladder.asks)


def _changes(known: Levels, best: Levels, all_levels: Levels) -> Levels:
    gone = {ticks: 0 for ticks in known if ticks not in all_levels}
    return gone | {ticks: lots for ticks, lots in best.items() if known.get(ticks) != lots}


def _sid(kind: str, subscriber: Subscriber) -> str:
    return f"{kind}{subscriber.opened.wall_ns:019d}"


def _short(pair: str) -> str:
    """ETHUSDT, as frames of books name B-ETH_USDT."""
    return pair.partition("-")[2].replace("_", "")


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _event(name: str, data: Mapping[str, object]) -> str:
    return "42" + json_text([name, {"event": name, "data": json_text(data)}])


def _depth_frame(instrument: SimInstrument, name: str, version: int, bids: Levels, asks: Levels, now: Moment) -> str:
    is_perpetual = instrument.market is Market.PERP
    data = {
        "ts": now.wall_ms,
        "vs": version,
        "asks": _shown(instrument, asks),
        "bids": _shown(instrument, bids),
        "type": name,
        "pts": now.wall_ms,
        "pr": "futures" if is_perpetual else "spot",
        "s": _short(instrument.venue_symbol),
    }
    if name == "depth-update":
        data["E"] = now.wall_ms - 70
    return _event(name, data)


def _shown(instrument: SimInstrument, levels: Levels) -> dict[str, str]:
    """Levels by price, in the order of JavaScript's objects: whole numbers first, whatever the side."""
    shown = {_trimmed(instrument.price_text(ticks)): instrument.size_text(lots) for ticks, lots in levels.items()}
    return dict(sorted(shown.items(), key=lambda level: (not level[0].isdigit(), level[0].isdigit() and int(level[0]))))


def _price(instrument: SimInstrument, facts: SlowFacts, now: Moment) -> dict[str, object]:
    return {
        "mp": round(facts.mark_price, instrument.price_digits + 2),
        "ls": round(facts.mark_price, instrument.price_digits),
        "fr": facts.funding_rate,
        "efr": facts.predicted_rate,
        "bmST": now.wall_ms - 90,
        "cmRT": now.wall_ms,
        "mkt": _short(instrument.venue_symbol),
    }


def _prices_frame(kind: str, prices: Mapping[str, object], now: Moment) -> str:
    data = {"vs": now.wall_ms // 100, "ts": now.wall_ms, "pr": "futures", "pST": now.wall_ms, "prices": prices}
    return _event(f"{PRICES}#{kind}", data)


def _row(instrument: SimInstrument, is_halted: bool) -> dict[str, object]:
    lot = 10**-instrument.size_digits
    return {
        "coindcx_name": _short(instrument.venue_symbol),
        "base_currency_short_name": instrument.quote,
        "target_currency_short_name": instrument.base,
        "min_quantity": lot,
        "min_notional": 5,
        "base_currency_precision": instrument.price_digits,
        "target_currency_precision": instrument.size_digits,
        "step": lot,
        "order_types": ["limit_order", "market_order"],
        "symbol": _short(instrument.venue_symbol),
        "ecode": "B",
        "pair": instrument.venue_symbol,
        "status": "inactive" if is_halted else "active",
    }
