"""The price keys: the newest quote of each instrument, ten times a second at most, a few at a time."""

import pytest
from decision_stage import INSTRUMENTS, MS, DecisionStage, NotedSink

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.slices import at_once
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.sinks.redis_keys import PRICE_TTL_MS
from arbsniper_tui.spread.price_keys import AT_ONCE, REFRESH_EVERY_NS, PriceKeys


@pytest.fixture
def keys(stage: DecisionStage) -> PriceKeys:
    return PriceKeys(stage.detector, stage.sink)


def test_a_price_is_the_middle_of_what_the_venue_showed(stage: DecisionStage, keys: PriceKeys) -> None:
    stage.quote(0, 99.0, 100.0)
    at_once(keys.refresh(stage.now_ns))
    timestamp = (stage.now_ns + stage.detector.wall_offset_ns) // MS
    assert stage.sink.prices == [
        ("binance", "BTC/USDT", {"price": 99.5, "bid": 99.0, "ask": 100.0, "timestamp": timestamp})
    ]


def test_nothing_is_written_for_what_has_not_moved(stage: DecisionStage, keys: PriceKeys) -> None:
    at_once(keys.refresh(stage.now_ns))
    stage.quote(1, 99.0, 100.0)
    for _ in range(50):
        stage.now_ns += REFRESH_EVERY_NS
        at_once(keys.refresh(stage.now_ns))
    assert len(stage.sink.prices) == 1


def test_a_price_that_redis_does_not_take_is_written_once_it_does(stage: DecisionStage, keys: PriceKeys) -> None:
    stage.sink.is_up = False
    stage.quote(0, 99.0, 100.0)
    at_once(keys.refresh(stage.now_ns))
    stage.sink.is_up = True
    stage.now_ns += REFRESH_EVERY_NS
    at_once(keys.refresh(stage.now_ns))
    assert [price["bid"] for _, _, price in stage.sink.prices] == [99.0]


def test_a_price_that_is_older_than_its_key_may_be_is_not_written(stage: DecisionStage, keys: PriceKeys) -> None:
    stage.sink.is_up = False
    stage.quote(0, 99.0, 100.0)
    at_once(keys.refresh(stage.now_ns))
    stage.sink.is_up = True
    stage.now_ns += (PRICE_TTL_MS + 1) * MS
    at_once(keys.refresh(stage.now_ns))
    assert stage.sink.prices == []


def test_ten_times_a_second_is_the_most(stage: DecisionStage, keys: PriceKeys) -> None:
    start_ns = stage.now_ns
    while stage.now_ns < start_ns + 10 * REFRESH_EVERY_NS:
        stage.quote(0, 99.0, 100.0)
        at_once(keys.refresh(stage.now_ns))
        stage.now_ns += 5 * MS
    assert len(stage.sink.prices) == 10


def test_the_newest_of_many_is_written(stage: DecisionStage, keys: PriceKeys) -> None:
    for bid in (97.0, 98.0, 99.0):
        stage.quote(0, bid, 100.0)
    at_once(keys.refresh(stage.now_ns))
    assert [price["bid"] for _, _, price in stage.sink.prices] == [99.0]


def test_many_are_written_a_few_at_a_time_and_none_is_forgotten() -> None:
    many = [Instrument(number, "okx", f"C{number}/USDT", "C", "USDT", 0.1) for number in range(3 * AT_ONCE + 1)]
    detector, sink = Detector(many, [], Rules(), "node"), NotedSink()
    keys = PriceKeys(detector, sink)
    for instrument in many:
        detector.on_quote(Quote(instrument.id, 1.0, 1.0, 2.0, 1.0), MS, MS)
    written = []
    for look in range(4):
        at_once(keys.refresh(MS * (look + 1)))
        written.append(len(sink.prices))
    assert written == [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE, 3 * AT_ONCE + 1]
    assert {symbol for _, symbol, _ in sink.prices} == {instrument.symbol for instrument in many}


def test_every_instrument_has_its_own_key(stage: DecisionStage, keys: PriceKeys) -> None:
    for instrument in INSTRUMENTS:
        stage.quote(instrument.id, 99.0, 100.0)
    at_once(keys.refresh(stage.now_ns))
    assert [(venue, symbol) for venue, symbol, _ in stage.sink.prices] == [(i.venue, i.symbol) for i in INSTRUMENTS]
