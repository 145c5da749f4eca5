"""MEXC's wire: spot in protobuf on `/ws`, with acks in JSON text; contracts in JSON on `/edge`, whole books of some
levels three times a second."""

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
from arbsniper_tui.sim.instruments import SimInstrument, contract_coins, inverse, linear, spot, step_text
from arbsniper_tui.sim.market import NS_PER_S
from arbsniper_tui.sim.slow_facts import SlowFacts

SPOT_STREAM, CONTRACT_STREAM = "/ws", "/edge"
BOOK_TICKER, DEPTH, TICKER, FUNDING = "aggre.bookTicker", "depth.full", "ticker", "funding.rate"
_PREFIX = f"spot@public.{BOOK_TICKER}.v3.api.pb@10ms@"
_SPOT_LIST, _CONTRACT_LIST = "/api/v3/exchangeInfo", "/api/v1/contract/detail"
_TOPS = "/api/v3/ticker/bookTicker"
_MOST_TOPICS = 30
_UNSUBSCRIBED_NS, _SILENCE_NS = 30 * NS_PER_S, 60 * NS_PER_S
_SPOT_RULES = LinkRules(requests=Allowance(100, 1.0), lifetime_s=24 * 3600.0)
_LEVELS = 5
_BASE_DIGITS = 8


class _Param(Struct):
    symbol: str
    limit: int = 0


class _Request(Struct):
    method: str
    params: list[str] = []
    param: _Param | None = None


class Mexc(TopDialect):
    """Spot sizes are coins, sizes of perpetuals are contracts."""

    venue: ClassVar[str] = "mexc"
    channels: ClassVar[tuple[str, ...]] = (BOOK_TICKER, DEPTH)
    fact_channels: ClassVar[tuple[str, ...]] = (TICKER, FUNDING)
    list_paths: ClassVar[tuple[str, ...]] = (_SPOT_LIST, _CONTRACT_LIST)
    state_prefix: ClassVar[str] = '{"symbol"'
    weight: ClassVar[float] = 0.9
    usual_spread: ClassVar[float] = 0.12e-4

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}USDT", size_digits=_BASE_DIGITS)
        for base in bases:
            yield linear(base, f"{base}_USDT", size_digits=0, contract=contract_coins(base) / 100)
        if "BTC" in bases:
            yield inverse("BTC", "BTC_USD", contract=100.0)

    def batch_ns_of(self, instrument: SimInstrument) -> int:
        return 10_000_000 if instrument.market is Market.SPOT else 300_000_000

    def is_stream(self, target: str) -> bool:
        return target in (SPOT_STREAM, CONTRACT_STREAM)

    def rules(self, target: str) -> LinkRules:
        return _SPOT_RULES if target == SPOT_STREAM else super().rules(target)

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        if target.partition("?")[0] == _TOPS:
            listed = [each for each in self.instruments if each.market is Market.SPOT]
            return json_text([_top_row(each, self.shown(each, self._top(each.id, now))) for each in listed])
        return super().rest(target, halted, now)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        market, row = (Market.SPOT, _spot_row) if path == _SPOT_LIST else (Market.PERP, _contract_row)
        rows = [row(each, each.venue_symbol in halted) for each in self.instruments if each.market is market]
        if market is Market.SPOT:
            return json_text({"timezone": "CST", "rateLimits": [], "exchangeFilters": [], "symbols": rows})
        return json_text({"success": True, "code": 0, "data": rows})

    def closed_body(self, path: str) -> str:
        if path == _SPOT_LIST:
            return self.list_body(path, "", self._by_symbol)
        return json_text({"success": False, "code": 500, "message": "Internal system error"})

    def is_ping(self, request: str) -> bool:
        wanted = _read(request)
        return wanted is not None and wanted.method.lower() == "ping"

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        wanted = _read(request)
        if subscriber.target == SPOT_STREAM:
            return self._answer_spot(subscriber, wanted, refused, now)
        return self._answer_contract(subscriber, wanted, refused, now)

    def _answer_spot(
        self, subscriber: Subscriber, wanted: _Request | None, refused: Collection[str], now: Moment
    ) -> list[Frame]:
        if wanted is None:
            return [_ack("message is invalid")]
        if wanted.method.upper() == "PING":
            return [_ack("PONG")]
        bad = []
        for name in wanted.params:
            symbol = name.removeprefix(_PREFIX)
            instrument = self._by_symbol.get(symbol) if symbol != name and symbol not in refused else None
            if wanted.method == "UNSUBSCRIPTION" and instrument is not None:
                subscriber.topics.pop(Topic(instrument.id, BOOK_TICKER), None)
                # From now on the venue waits for another subscription.
                subscriber.beat_ns = now.mono_ns
            elif wanted.method == "SUBSCRIPTION" and instrument is not None and len(subscriber.topics) < _MOST_TOPICS:
                subscriber.topics[Topic(instrument.id, BOOK_TICKER)] = None
            else:
                bad.append(name)
        if bad:
            return [_ack(f"Not Subscribed successfully! [{','.join(bad)}]. Reason: Blocked! ")]
        return [_ack(",".join(wanted.params))]

    def _answer_contract(
        self, subscriber: Subscriber, wanted: _Request | None, refused: Collection[str], now: Moment
    ) -> list[Frame]:
        """Unknown methods have no answer."""
        if wanted is None:
            return []
        if wanted.method == "ping":
            subscriber.beat_ns = now.mono_ns
            return [json_text({"channel": "pong", "data": now.wall_ms, "ts": now.wall_ms})]
        verb, _, channel = wanted.method.partition(".")
        if verb not in ("sub", "unsub") or channel not in (DEPTH, TICKER, FUNDING) or wanted.param is None:
            return []
        symbol = wanted.param.symbol
        instrument = self._by_symbol.get(symbol)
        if instrument is None or instrument.market is not Market.PERP or symbol in refused:
            return [json_text({"channel": "rs.error", "data": f"Contract [{symbol}] not exists", "ts": now.wall_ms})]
        ack = json_text({"channel": f"rs.{wanted.method}", "data": "success", "ts": now.wall_ms})
        topic = Topic(instrument.id, channel)
        if verb == "unsub":
            subscriber.topics.pop(topic, None)
            return [ack]
        subscriber.topics[topic] = None
        return [ack, self.render(instrument, self._top(instrument.id, now), DEPTH, now)] if channel == DEPTH else [ack]

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> Frame:
        symbol = instrument.venue_symbol
        if channel == BOOK_TICKER:
            ticker = b"".join(_text(number, text) for number, text in enumerate((*shown, str(serial)), 1))
            ticker += _whole(6, now.wall_ms - 2)
            return b"".join((_text(1, _PREFIX + symbol), _text(3, symbol), _whole(6, now.wall_ms), _bytes(315, ticker)))
        asks = _side(instrument, shown.ask, shown.ask_size, outward=1)
        bids = _side(instrument, shown.bid, shown.bid_size, outward=-1)
        return (
            f'{{"symbol":"{symbol}","data":{{"cts":{now.wall_ms - 4},"asks":{asks},"bids":{bids},'
            f'"version":{serial}}},"channel":"push.{DEPTH}","ts":{now.wall_ms}}}'
        )

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> Frame:
        data: dict[str, object] = {"symbol": instrument.venue_symbol}
        if channel == FUNDING:
            data |= {"rate": facts.funding_rate, "nextSettleTime": facts.next_funding_ms}
        else:
            coin_price = facts.mark_price if instrument.inverse else 1.0
            data |= {
                "fairPrice": facts.mark_price,
                "indexPrice": facts.index_price,
                "fundingRate": facts.funding_rate,
                "holdVol": round(facts.open_interest * coin_price / instrument.contract),
                "timestamp": now.wall_ms,
            }
        return json_text(
            {"symbol": instrument.venue_symbol, "data": data, "channel": f"push.{channel}", "ts": now.wall_ms}
        )

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        last_ns = max(subscriber.opened.mono_ns, subscriber.beat_ns)
        if subscriber.target == CONTRACT_STREAM:
            return Closing(1000, "no ping") if now.mono_ns - last_ns > _SILENCE_NS else None
        if not subscriber.topics and now.mono_ns - last_ns > _UNSUBSCRIBED_NS:
            return Closing(1000, "no valid subscription")
        is_silent = now.mono_ns - max(subscriber.heard_ns, subscriber.told_ns) > _SILENCE_NS
        return Closing(1000, "no data flow") if is_silent else None


def _read(request: str) -> _Request | None:
    try:
        return msgspec.json.decode(request, type=_Request)
    except msgspec.DecodeError:
        return None


def _ack(words: str) -> str:
    return json_text({"id": 0, "code": 0, "msg": words})


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the high bit."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _whole(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, held: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(held)) + held


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _side(instrument: SimInstrument, best: str, contracts: str, *, outward: int) -> str:
    """Levels from the best outward, each of price, contracts and number of orders."""
    digits, price = instrument.price_digits, float(best)
    deeper = [
        f"[{price + outward * n / 10**digits:.{digits}f},{int(contracts) + 7 * n},{n}]" for n in range(1, _LEVELS)
    ]
    return f"[{','.join((f'[{best},{contracts},1]', *deeper))}]"


def _top_row(instrument: SimInstrument, shown: Shown) -> dict[str, str]:
    return {
        "symbol": instrument.venue_symbol,
        "bidPrice": shown.bid,
        "bidQty": shown.bid_size,
        "askPrice": shown.ask,
        "askQty": shown.ask_size,
    }


def _spot_row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "status": "2" if is_halted else "1",
        "baseAsset": instrument.base,
        "baseAssetPrecision": instrument.size_digits,
        "quoteAsset": instrument.quote,
        "quotePrecision": instrument.price_digits,
        "isSpotTradingAllowed": True,
        "quoteAmountPrecision": "1",
        "baseSizePrecision": step_text(instrument.size_digits),
        "makerCommission": "0",
        "takerCommission": "0.0005",
        "tradeSideType": "1",
    }


def _contract_row(instrument: SimInstrument, is_halted: bool) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "settleCoin": instrument.base if instrument.inverse else instrument.quote,
        "contractSize": instrument.contract,
        "priceUnit": float(instrument.tick_text),
        "volUnit": 1,
        "minVol": 1,
        "state": 4 if is_halted else 0,
        "apiAllowed": True,
        "type": 1,
        "createTime": 1_700_000_000_000,
        "openingTime": 0,
    }
