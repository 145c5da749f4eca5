"""Signals and events for clients: filtered, resumed, and counted where they are missing."""

from typing import Any

import msgspec
import pytest

from arbsniper_tui.api.stream.event_topic import EventFilter, EventLog, EventTopic
from arbsniper_tui.api.stream.messages import EventsChange, SignalsChange, WantedEvents, WantedSignals
from arbsniper_tui.api.stream.topic import BEGIN, PAGE_ROWS, Cursor
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.signal import Event, EventKind, Signal
from arbsniper_tui.session.snapshot import EVENTS_KEPT


def signal_of(opportunity: str, state: Any = "open", **changed: Any) -> Signal:
    fields: dict[str, Any] = {
        "action": "BUY_OKX_SELL_KRAKEN",
        "symbol": "BTC/USDT",
        "spread_pct": 0.6,
        "buy_price": 100.0,
        "sell_price": 100.6,
        "profit_estimate": 0.6,
        "timestamp": 2,
        "detected_at": 1,
        "id": opportunity,
        "seq": 1,
        "state": state,
        "buy_exchange": "okx",
        "sell_exchange": "kraken",
        "buy_symbol": "BTC/USDT",
        "sell_symbol": "BTC/USD",
        "size": 1.0,
        "net_spread_pct": 0.4,
        "net_profit": 0.4,
        "buy_age_ms": 1,
        "sell_age_ms": 1,
        "buy_market": Market.SPOT,
        "sell_market": Market.SPOT,
    }
    return Signal(**fields | changed)


def event_of(seq: int, kind: EventKind, opportunity: str = "", **changed: Any) -> Event:
    signal = signal_of(opportunity, kind, **changed) if kind in ("open", "update", "close") else None
    return Event(event=kind, seq=seq, timestamp=1, signal=signal, id=opportunity if kind == "survival" else "")


class Told:
    """A log, with the topics that read it."""

    def __init__(self) -> None:
        self.log = EventLog()
        self.log.run = "r1"
        self.signals, self.events = EventTopic(WantedSignals(), self.log), EventTopic(WantedEvents(), self.log)

    def add(self, *events: Event) -> None:
        for event in events:
            logged = self.log.add(event)
            self.log.upto = event.seq
            for topic in (self.signals, self.events):
                topic.take(logged)

    def read(self, cursor: Cursor) -> tuple[EventsChange, Cursor]:
        text, cursor = self.events.page(cursor)
        return msgspec.json.decode(text, type=EventsChange), cursor

    def read_signals(self, cursor: Cursor) -> SignalsChange:
        return msgspec.json.decode(self.signals.page(cursor)[0], type=SignalsChange)


@pytest.fixture
def told() -> Told:
    return Told()


def test_it_begins_with_what_is_open_and_goes_on_with_what_happens(told: Told) -> None:
    told.add(event_of(1, "open", "a"), event_of(2, "open", "b"), event_of(3, "update", "a"), event_of(4, "close", "b"))
    first, cursor = told.read(BEGIN)
    assert first.is_snapshot and [each.seq for each in first.events] == [3]
    assert (first.run, first.seq, first.missed, first.left_out) == ("r1", 4, 0, 0)
    told.add(event_of(5, "close", "a"))
    second, cursor = told.read(cursor)
    assert not second.is_snapshot and [each.seq for each in second.events] == [5] and second.seq == 5
    assert not told.events.has_more(cursor)


def test_a_close_is_an_event_and_no_signal(told: Told) -> None:
    begun = told.signals.page(BEGIN)[1]
    told.add(event_of(1, "open", "a"), event_of(2, "update", "a"), event_of(3, "close", "a"))
    assert [each.state for each in told.read_signals(begun).signals] == ["open", "update"]
    assert told.read_signals(BEGIN).signals == []


def test_a_client_that_is_far_behind_is_told_how_many_it_missed(told: Told) -> None:
    _, cursor = told.read(BEGIN)
    told.add(*[event_of(seq, "venue_up") for seq in range(1, EVENTS_KEPT + 11)])
    seen: list[int] = []
    missed = 0
    while told.events.has_more(cursor):
        change, cursor = told.read(cursor)
        assert len(change.events) <= PAGE_ROWS
        seen += [each.seq for each in change.events]
        missed += change.missed
        assert change.seq == seen[-1]
    assert seen == list(range(11, EVENTS_KEPT + 11)) and missed == 10


def test_a_client_goes_on_behind_the_place_it_names(told: Told) -> None:
    told.add(event_of(1, "open", "a"), event_of(3, "close", "a"), event_of(4, "open", "b"))
    for seq, expected in ((0, [1, 3, 4]), (1, [3, 4]), (2, [3, 4]), (3, [4]), (4, [])):
        change, _ = told.read(told.events.cursor_after("r1", seq))
        assert not change.is_snapshot and [each.seq for each in change.events] == expected, seq


@pytest.mark.parametrize(
    ("run", "seq", "words"),
    [
        ("r0", 5, "expected a place in the run r1, found one in 'r0'"),
        ("r1", 9000, "expected at most seq"),
        ("r1", 3, "the events 4 to 11 of this run are not held any more"),
    ],
)
def test_a_place_that_is_not_held_is_told_and_it_begins_anew(told: Told, run: str, seq: int, words: str) -> None:
    told.add(
        *[event_of(seq, "venue_up") for seq in range(1, EVENTS_KEPT + 11)], event_of(EVENTS_KEPT + 11, "open", "a")
    )
    change, _ = told.read(told.events.cursor_after(run, seq))
    assert change.is_snapshot and words in change.not_resumed
    assert [each.event for each in change.events] == ["open"]


def test_what_the_api_missed_itself_is_counted_for_each_client(told: Told) -> None:
    told.add(event_of(1, "open", "a"))
    _, cursor = told.read(BEGIN)
    told.events.skip(7)
    told.add(event_of(9, "open", "b"))
    change, _ = told.read(cursor)
    assert change.missed == 7 and [each.seq for each in change.events] == [9]
    resumed, _ = told.read(told.events.cursor_after("r1", 1))
    assert resumed.missed == 7
    fresh, _ = told.read(BEGIN)
    assert [each.seq for each in fresh.events] == [9], "whether the other one is still open is not known"


def test_a_log_counts_what_was_overwritten_and_what_was_not_asked_for() -> None:
    log = EventLog()
    assert log.gap(0, 500) == 0 and (log.after, log.upto) == (500, 500)
    log.add(event_of(501, "venue_up"))
    log.upto = 501
    assert log.gap(3, 500) == 3 and log.gap(3, 500) == 0
    assert log.gap(3, 600) == 99 and not log.kept and log.upto == 600


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (WantedEvents(), [1, 2, 3, 4, 5, 6, 7, 8]),
        (WantedEvents(symbol="BTC/USD"), [1, 2, 3, 4]),
        (WantedEvents(symbol="ETH/USDT"), [5]),
        (WantedEvents(venue="okx"), [1, 2, 3, 4, 6]),
        (WantedEvents(min_spread_pct=0.7), [2, 3, 4]),
        (WantedEvents(symbol="BTC/USDT", venue="gate"), []),
    ],
)
def test_events_are_filtered_and_an_opportunity_that_was_shown_is_shown_to_its_end(
    wanted: WantedEvents, expected: list[int]
) -> None:
    events = [
        event_of(1, "open", "a", spread_pct=0.6),
        event_of(2, "update", "a", spread_pct=0.8),
        event_of(3, "close", "a", spread_pct=0.1),
        event_of(4, "survival", "a"),
        event_of(5, "open", "b", symbol="ETH/USDT", buy_symbol="ETH/USDT", sell_symbol="ETH/USDT", buy_exchange="gate"),
        Event(event="venue_down", seq=6, timestamp=1, exchange="okx"),
        Event(event="venue_down", seq=7, timestamp=1, exchange="kraken"),
        Event(event="settings", seq=8, timestamp=1),
    ]
    found = EventFilter(wanted)
    assert [event.seq for event in events if found.wants(event)] == expected
