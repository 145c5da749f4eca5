"""Phemex's wire: order books of spot in whole numbers and of perpetuals in decimals, the pack, and one list of all."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import count
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Allowance,
    Closing,
    Dialect,
    Flaw,
    Frame,
    LinkRules,
    Moment,
    Subscriber,
    Topic,
    damaged,
    json_text,
)
from arbsniper_tui.sim.instruments import SimInstrument, linear, magnitude, opening_price, perp_multiplier, spot
from arbsniper_tui.sim.ladder import Change, Ladder
from arbsniper_tui.sim.market import NS_PER_S, Top
from arbsniper_tui.sim.slow_facts import SlowFacts, funding_interval_h

SPOT_BOOK, PERP_BOOK, PACK = "orderbook", "orderbook_p", "perp_market24h_pack_p"
_BOOKS = {Market.SPOT: SPOT_BOOK, Market.PERP: PERP_BOOK}
_FIELDS = ("symbol", "openRp", "highRp", "lowRp", "lastRp", "volumeRq", "turnoverRv", "openInterestRv", "indexRp")
_RATES = ("markRp", "fundingRateRr", "predFundingRateRr")
_INVALID, _LIMIT = (6001, "invalid argument"), (6015, "subscription limit exceeded")
_PRICE_DIGITS = 8
_DEPTH = 30
_MOST_SUBSCRIPTIONS = 20
_SNAPSHOT_EVERY_NS = 60 * NS_PER_S
_SILENCE_NS = 30 * NS_PER_S
_RULES = LinkRules(requests=Allowance(20, 1.0), connects=Allowance(200, 300.0), connections=5)


class _Request(Struct):
    method: str
    params: list[Any] = []
    id: int | None = None


class Phemex(Dialect):
    """A request names one symbol; all books of a connection are unsubscribed together."""

    venue: ClassVar[str] = "phemex"
    channels: ClassVar[tuple[str, ...]] = (SPOT_BOOK, PERP_BOOK)
    fact_channels: ClassVar[tuple[str, ...]] = (PACK,)
    batch_ns: ClassVar[int] = 20_000_000
    stream_path: ClassVar[str] = "/"
    list_paths: ClassVar[tuple[str, ...]] = ("/public/products",)
    weight: ClassVar[float] = 0.5
    usual_spread: ClassVar[float] = 0.3e-4

    def __init__(self, instruments: Sequence[SimInstrument], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(instruments, top)
        self._by_id = {instrument.id: instrument for instrument in self.instruments}
        self._ladders: dict[int, Ladder] = {}
        self._sequence = count(68_604_886_383)

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            listed = spot(
                base, "USDT", f"s{base}USDT", size_digits=min(_value_digits(base), max(0, magnitude(base) + 2))
            )
            yield msgspec.structs.replace(listed, price_digits=min(_PRICE_DIGITS, listed.price_digits))
        for base in bases:
            many = perp_multiplier(base)
            name = f"u{many}{base}" if many > 1 else base
            yield linear(base, f"{name}USDT", size_digits=max(0, magnitude(base) - 1), multiplier=many)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        rows: dict[Market, list[dict[str, Any]]] = {market: [] for market in Market}
        for each in self.instruments:
            row = _spot_row(each) if each.market is Market.SPOT else _perp_row(each)
            rows[each.market].append(row | {"status": "Delisted" if each.venue_symbol in halted else "Listed"})
        coins = dict.fromkeys([*(each.base for each in self.instruments), "USDT"])
        currencies = [{"currency": coin, "name": coin, "valueScale": _value_digits(coin)} for coin in coins]
        products = [_COIN_MARGINED, *rows[Market.SPOT]]
        data = {"currencies": currencies, "products": products, "perpProductsV2": rows[Market.PERP]}
        return json_text({"code": 0, "msg": "", "data": data})

    def closed_body(self, path: str) -> str:
        return json_text({"code": 10500, "msg": "Service is not available", "data": None})

    def rules(self, target: str) -> LinkRules:
        return _RULES

    def is_ping(self, request: str) -> bool:
        return '"server.ping"' in request

    def is_state(self, frame: Frame) -> bool:
        return isinstance(frame, str) and frame.endswith('"type":"snapshot"}')

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError:
            return [_answer(None, error=_INVALID)]
        if wanted.method == "server.ping":
            return [_answer(wanted.id, "pong")]
        channel, _, verb = wanted.method.partition(".")
        if verb == "unsubscribe" and channel in (*_BOOKS.values(), PACK):
            for topic in [each for each in subscriber.topics if (each.channel == PACK) == (channel == PACK)]:
                del subscriber.topics[topic]
            return [_answer(wanted.id, {"status": "success"})]
        if wanted.method == f"{PACK}.subscribe":
            perps = [each for each in self.instruments if each.market is Market.PERP]
            subscriber.topics.update(dict.fromkeys(Topic(each.id, PACK) for each in perps))
            rows = [_pack_row(each, self.facts(each, now)) for each in perps]
            return [_answer(wanted.id, {"status": "success"}), _pack(rows, now, is_whole=True)]
        instrument = self._by_symbol.get(wanted.params[0]) if _is_book_request(wanted) else None
        if instrument is None or instrument.venue_symbol in refused or channel != _BOOKS[instrument.market]:
            return [_answer(wanted.id, error=_INVALID)]
        topic = Topic(instrument.id, channel)
        if (
            topic not in subscriber.topics
            and sum(each.channel != PACK for each in subscriber.topics) >= _MOST_SUBSCRIPTIONS
        ):
            return [_answer(wanted.id, error=_LIMIT)]
        subscriber.beat_ns = subscriber.beat_ns or now.mono_ns
        subscriber.topics[topic] = None
        return [_answer(wanted.id, {"status": "success"}), self._snapshot(instrument, now)]

    def upkeep(self, subscriber: Subscriber, now: Moment) -> Sequence[Frame]:
        """A snapshot of each book once a minute."""
        if now.mono_ns - subscriber.beat_ns < _SNAPSHOT_EVERY_NS:
            return []
        subscriber.beat_ns = now.mono_ns
        books = [self._by_id[topic.instrument_id] for topic in subscriber.topics if topic.channel != PACK]
        return [self._snapshot(each, now) for each in books]

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        return Closing(1000, "no ping for 30 s") if now.mono_ns - subscriber.heard_ns > _SILENCE_NS else None

    def release(self, instrument_id: int) -> None:
        self._ladders.pop(instrument_id, None)

    def _snapshot(self, instrument: SimInstrument, now: Moment) -> str:
        ladder = self._ladders.get(instrument.id)
        if ladder is None:
            ladder = self._ladders[instrument.id] = Ladder(self._top(instrument.id, now))
        bids = [("buy", ticks, lots) for ticks, lots in sorted(ladder.bids.items(), reverse=True)]
        asks = [("sell", ticks, lots) for ticks, lots in sorted(ladder.asks.items())]
        return self._book(instrument, [*bids, *asks], "snapshot", now)

    def render(self, instrument: SimInstrument, top: Top, channel: str, now: Moment) -> str:
        changes = self._ladders[instrument.id].move(top)
        return self._book(instrument, changes, "incremental", now) if changes else ""

    def spoil(self, instrument: SimInstrument, top: Top, channel: str, flaw: Flaw, now: Moment) -> Sequence[Frame]:
        if flaw is Flaw.CROSSED:
            beyond = top.ask_ticks + 100
            changes = [("buy", beyond, top.bid_lots), ("buy", beyond, 0)]
            return [self._book(instrument, [change], "incremental", now) for change in changes]
        lots = -top.bid_lots if flaw is Flaw.NEGATIVE else top.bid_lots
        frame = self._book(instrument, [("buy", top.bid_ticks, lots)], "incremental", now)
        if flaw is Flaw.NAN:
            frame = frame.replace('"bids":[[', '"bids":[["NaN","1"],[')
        return [damaged(frame, flaw, top.serial)]

    def _book(self, instrument: SimInstrument, changes: Sequence[Change], kind: str, now: Moment) -> str:
        write = _whole_numbers if instrument.market is Market.SPOT else _decimals
        asks, bids = (
            ",".join(write(instrument, ticks, lots) for side, ticks, lots in changes if side == wanted)
            for wanted in ("sell", "buy")
        )
        levels = f'{{"asks":[{asks}],"bids":[{bids}]}}'
        rest = (
            f'"sequence":{next(self._sequence)},"symbol":"{instrument.venue_symbol}","timestamp":{now.wall_ns},'
            f'"type":"{kind}"}}'
        )
        if instrument.market is Market.SPOT:
            return f'{{"book":{levels},"depth":{_DEPTH},{rest}'
        return f'{{"depth":{_DEPTH},"dts":{now.wall_ns},"mts":{now.wall_ns},"orderbook_p":{levels},{rest}'

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> Frame:
        return _pack([_pack_row(instrument, facts)], now, is_whole=False)


def _value_digits(coin: str) -> int:
    """How many decimals a spot size of this coin has."""
    return 8 if coin == "USDT" or opening_price(coin) > 0.001 else 2


def _is_book_request(wanted: _Request) -> bool:
    """Whether it subscribes to one book; a second symbol is no argument."""
    is_one = len(wanted.params) == 1 or (len(wanted.params) > 1 and isinstance(wanted.params[1], bool))
    return wanted.method.endswith(".subscribe") and is_one and isinstance(wanted.params[0], str)


def _whole_numbers(instrument: SimInstrument, ticks: int, lots: int) -> str:
    price = ticks * 10 ** (_PRICE_DIGITS - instrument.price_digits)
    return f"[{price},{lots * 10 ** (_value_digits(instrument.base) - instrument.size_digits)}]"


def _decimals(instrument: SimInstrument, ticks: int, lots: int) -> str:
    return f'["{instrument.price_text(ticks)}","{instrument.size_text(lots)}"]'


def _answer(request_id: int | None, result: object = None, error: tuple[int, str] | None = None) -> str:
    shown = None if error is None else {"code": error[0], "message": error[1]}
    return json_text({"error": shown, "id": request_id, "result": result})


def _pack_row(instrument: SimInstrument, facts: SlowFacts) -> list[str]:
    mark, interest = f"{facts.mark_price:.10g}", f"{facts.open_interest:.3f}"
    rates = f"{facts.funding_rate:.8f}", f"{facts.predicted_rate:.8f}"
    return [instrument.venue_symbol, *[mark] * 4, "1", mark, interest, f"{facts.index_price:.10g}", mark, *rates]


def _pack(rows: list[list[str]], now: Moment, *, is_whole: bool) -> str:
    frame: dict[str, Any] = {"data": rows, "fields": _FIELDS + _RATES} if is_whole else {"data": rows}
    kind = "snapshot" if is_whole else "incremental"
    return json_text(frame | {"method": f"{PACK}.update", "timestamp": now.wall_ns, "type": kind})


_COIN_MARGINED = {
    "symbol": "BTCUSD",
    "type": "Perpetual",
    "quoteCurrency": "USD",
    "settleCurrency": "BTC",
    "priceScale": 4,
    "tickSize": 0.5,
    "status": "Listed",
}


def _spot_row(instrument: SimInstrument) -> dict[str, Any]:
    lot_digits = _value_digits(instrument.base) - instrument.size_digits
    return {
        "symbol": instrument.venue_symbol,
        "type": "Spot",
        "displaySymbol": f"{instrument.base} / {instrument.quote}",
        "quoteCurrency": instrument.quote,
        "baseCurrency": instrument.base,
        "priceScale": _PRICE_DIGITS,
        "ratioScale": 8,
        "pricePrecision": instrument.price_digits,
        "baseTickSizeEv": 10**lot_digits,
        "quoteTickSizeEv": 10 ** (_PRICE_DIGITS - instrument.price_digits),
        "minOrderValueEv": 1_000_000_000,
        "defaultTakerFeeEr": 100_000,
    }


def _perp_row(instrument: SimInstrument) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "type": "PerpetualV2",
        "displaySymbol": f"{instrument.base} / {instrument.quote}",
        "quoteCurrency": instrument.quote,
        "settleCurrency": instrument.quote,
        "tickSize": instrument.tick_text,
        "qtyStepSize": instrument.lot_text,
        "pricePrecision": instrument.price_digits,
        "qtyPrecision": instrument.size_digits,
        "minOrderValueRv": "1",
        "fundingInterval": funding_interval_h(instrument) * 3600,
    }
