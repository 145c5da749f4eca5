"""The way of a signal is found from times that are taken in any case, and told once all of it is known."""

from typing import Any

import pytest
from msgspec.structs import replace
from ui.builder import signal

from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.trace import SignalTrace
from arbsniper_tui.runtime import clock
from arbsniper_tui.spread.tracing import MOST_WAITING, STORED_WITHIN_NS, Batch, Tracing

US, MS = 1000, 1_000_000
OFFSET_NS = 1_760_000_000 * 1000 * MS
BEGAN_NS = 50_000 * MS


class MadeSink:
    """A sink that has confirmed all events but so many."""

    def __init__(self, *, announces: bool = True) -> None:
        self.announces = announces
        self.unconfirmed = 0
        self.events_lost = 0


class Stage:
    def __init__(self, share: float = 1.0, *, has_redis: bool = True) -> None:
        self.sink = MadeSink(announces=has_redis)
        self.sent: list[SignalTrace] = []
        sink: Any = self.sink
        self.tracing = Tracing(share, sink, self.sent.append)
        self.last_event = 0

    def announce(self, seq: int, batch: Batch) -> Signal:
        """A signal that was announced while this batch was handled."""
        made = replace(signal("open", seq, 0), detected_at=(batch[0] + OFFSET_NS) // MS)
        self.tracing.note(made, batch[3] + US)
        return made

    def write(self, told: Signal) -> None:
        self.last_event += 1
        self.tracing.note_event(
            Event(event="open", seq=self.last_event, timestamp=told.timestamp, signal=told, run="r")
        )

    def look(self, *batches: Batch, later_ns: int = 0) -> None:
        self.tracing.look(batches, self.last_event, clock.now_ns() + later_ns, OFFSET_NS)


def batch(number: int) -> Batch:
    """Read, parsed, received, decided on and done with, a ms after the one before."""
    at_ns = BEGAN_NS + number * MS
    return at_ns, at_ns + 30 * US, at_ns + 60 * US, at_ns + 90 * US, at_ns + 120 * US


def test_a_signal_has_the_times_of_the_batch_that_caused_it() -> None:
    stage = Stage()
    batches = [batch(number) for number in range(10)]
    stage.write(stage.announce(3, batches[6]))
    stage.look(*batches)
    (trace,) = stage.sent
    times = trace.read_ns, trace.parsed_ns, trace.got_ns, trace.decided_ns, trace.published_ns
    assert times == tuple(at_ns + OFFSET_NS for at_ns in batches[6])
    assert (trace.announced_ns, trace.event, trace.run) == (batches[6][3] + US + OFFSET_NS, 1, "r")
    assert trace.stored_ns is not None and trace.stored_ns >= trace.written_ns


def test_of_batches_decided_on_together_it_is_the_one_whose_quote_came_when_the_signal_says() -> None:
    stage = Stage()
    _, _, got_ns, decided_ns, done_ns = batch(5)
    together = [(BEGAN_NS + at * MS, BEGAN_NS + at * MS + US, got_ns, decided_ns, done_ns) for at in (1, 3, 4)]
    stage.write(stage.announce(1, together[1]))
    stage.look(*together)
    assert [trace.read_ns for trace in stage.sent] == [together[1][0] + OFFSET_NS]


def test_it_is_told_when_redis_has_the_event() -> None:
    stage = Stage()
    told = stage.announce(1, batch(0))
    stage.look(batch(0))
    assert not stage.sent, "its event is not written"
    stage.write(told)
    stage.sink.unconfirmed = 1
    stage.look()
    assert not stage.sent
    stage.sink.unconfirmed = 0
    stage.look()
    assert len(stage.sent) == 1
    stage.look()
    assert len(stage.sent) == 1


@pytest.mark.parametrize("has_redis", [True, False])
def test_it_is_told_without_the_storing_where_redis_is_off_or_away_for_long(has_redis: bool) -> None:
    stage = Stage(has_redis=has_redis)
    stage.sink.unconfirmed = 1 if has_redis else 0
    stage.write(stage.announce(1, batch(0)))
    stage.look(batch(0), later_ns=STORED_WITHIN_NS + MS if has_redis else 0)
    assert [trace.stored_ns for trace in stage.sent] == [None]


def test_an_event_that_redis_refused_was_not_stored() -> None:
    stage = Stage()
    stage.write(stage.announce(1, batch(0)))
    stage.sink.events_lost += 1
    stage.look(batch(0))
    assert [trace.stored_ns for trace in stage.sent] == [None]


def test_what_no_quote_caused_has_no_way() -> None:
    stage = Stage()
    stage.write(stage.announce(1, batch(3)))
    stage.look(batch(1), batch(2), batch(4))
    stage.look(batch(3))
    assert not stage.sent


@pytest.mark.parametrize(("share", "expected"), [(1.0, 100), (0.5, 50), (0.1, 10), (0.01, 1)])
def test_an_even_part_of_the_signals_is_traced(share: float, expected: int) -> None:
    stage = Stage(share)
    batches = [batch(number) for number in range(100)]
    for number, each in enumerate(batches, 1):
        stage.write(stage.announce(number, each))
    stage.look(*batches)
    assert len(stage.sent) == pytest.approx(expected, abs=1)


def test_no_more_signals_wait_than_there_is_room_for() -> None:
    stage = Stage()
    for number in range(2 * MOST_WAITING):
        stage.write(stage.announce(number, batch(number)))
    stage.look(*map(batch, range(2 * MOST_WAITING)))
    assert len(stage.sent) == MOST_WAITING
