"""The price keys in Redis: every instrument's newest quote, ten times a second at most, a few at a time."""

import msgspec
from msgspec import Struct

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.slices import Sliced
from arbsniper_tui.sinks.redis_keys import PRICE_TTL_MS
from arbsniper_tui.sinks.sink import Sink

REFRESH_EVERY_NS = 100_000_000
AT_ONCE = 32
"""Keys written between two looks at the inbox: some 100 us."""
LOOKED_AT_AT_ONCE = 500
"""Instruments looked at between two looks at the inbox."""

_to_json = msgspec.json.Encoder().encode


class Price(Struct):
    """What a price key holds, in the instrument's own currency."""

    price: float
    """Half way between bid and ask."""
    bid: float
    """The best bid."""
    ask: float
    """The best ask."""
    timestamp: int
    """Receipt, ms since 1970."""


class PriceKeys:
    """Remembers which instruments are due."""

    def __init__(self, detector: Detector, sink: Sink) -> None:
        self._detector = detector
        self._sink = sink
        self._written: dict[int, int] = {}
        """How many quotes each instrument had had when its key was written."""
        self._queue: list[int] = []
        self._due_ns = 0

    def refresh(self, now_ns: int) -> Sliced[None]:
        """Store the next few of those that have had a quote since they were last stored. While the sink takes no
        prices they stay due, for as long as a price key lasts."""
        if not self._sink.takes_prices:
            return
        if now_ns >= self._due_ns and not self._queue:
            self._due_ns = now_ns + REFRESH_EVERY_NS
            for number, leg in enumerate(tuple(self._detector.legs.shown.values()), 1):
                if leg.received != self._written.get(leg.id, 0):
                    self._queue.append(leg.id)
                if number % LOOKED_AT_AT_ONCE == 0:
                    yield
        for i in self._queue[:AT_ONCE]:
            self._write(i, now_ns)
        del self._queue[:AT_ONCE]

    def _write(self, i: int, now_ns: int) -> None:
        leg = self._detector.legs.shown.get(i)
        if leg is None:
            self._written.pop(i, None)
            return
        quote = leg.quote
        self._written[i] = leg.received
        if quote is None or now_ns - leg.recv_ns > PRICE_TTL_MS * 1_000_000:
            return
        timestamp_ms = (leg.recv_ns + self._detector.wall_offset_ns) // 1_000_000
        price = Price((quote.bid + quote.ask) / 2, quote.bid, quote.ask, timestamp_ms)
        self._sink.store_price(leg.venue, leg.instrument.symbol, _to_json(price), now_ns)
