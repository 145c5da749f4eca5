"""Notes the way of some signals for the process that exports traces. It does so after they have left, from times that
are taken in any case."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arbsniper_tui.desk.desk import Desk
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.trace import SignalTrace
from arbsniper_tui.runtime import clock
from arbsniper_tui.sinks.sink import Sink

MOST_WAITING = 1000
STORED_WITHIN_NS = 10_000_000_000
Batch = tuple[int, int, int, int, int]
"""When a batch of quotes was read, parsed, received, decided on and done with, as `Stages.unsettled` has them."""


@dataclass(slots=True)
class _Traced:
    signal: Signal
    announced_ns: int
    batch: Batch | None = None
    event: Event | None = None
    written_ns: int = 0
    lost_before: int = 0
    """Events that Redis would never have, when this one was written."""


class Tracing:
    """Every so many of the signals, evenly. Times are by the clock of ages."""

    def __init__(self, share: float, sink: Sink, send: Callable[[SignalTrace], None]) -> None:
        """`share` of the signals are traced, above 0 and at most 1."""
        self._share = share
        self._sink = sink
        self._send = send
        self._due = 0.0
        self._waiting: dict[tuple[str, int], _Traced] = {}
        """By the signal's id and number."""

    def note(self, signal: Signal, announced_ns: int) -> None:
        """A signal that has been announced. Beyond MOST_WAITING they are left out."""
        self._due += self._share
        if self._due >= 1.0:
            self._due -= 1.0
            if len(self._waiting) < MOST_WAITING:
                self._waiting[signal.id, signal.seq] = _Traced(signal, announced_ns)

    def note_event(self, event: Event) -> None:
        """An event that has been written."""
        if event.signal is not None and (traced := self._waiting.get((event.signal.id, event.signal.seq))):
            traced.event, traced.written_ns = event, clock.now_ns()
            traced.lost_before = self._sink.events_lost

    def look(self, batches: Sequence[Batch], last_event: int, now_ns: int, wall_offset_ns: int) -> None:
        """Send the traces that are complete. `batches` are those handled since before the oldest signal that was noted
        after the last look, in their order."""
        stored = last_event - self._sink.unconfirmed
        for key, traced in list(self._waiting.items()):
            if traced.batch is None:
                traced.batch = _batch_of(traced, batches, wall_offset_ns)
                if traced.batch is None:
                    # Time alone made it, as `min_life_ms` does, or a withdrawal: no quote did.
                    del self._waiting[key]
                    continue
            if traced.event is None:
                continue
            is_stored = self._sink.announces and traced.event.seq <= stored
            if is_stored or not self._sink.announces or now_ns - traced.written_ns > STORED_WITHIN_NS:
                del self._waiting[key]
                is_lost = self._sink.events_lost > traced.lost_before
                self._send(_trace_of(traced, now_ns if is_stored and not is_lost else None, wall_offset_ns))


def _batch_of(traced: _Traced, batches: Sequence[Batch], wall_offset_ns: int) -> Batch | None:
    """Of those that were handled while it was announced, the one that was read when its quote came."""
    at_ns = traced.announced_ns
    found: list[Batch] = []
    for number in range(bisect_left(batches, at_ns, key=lambda batch: batch[4]), len(batches)):
        if batches[number][3] > at_ns:
            break
        found.append(batches[number])
    detected_ns = traced.signal.detected_at * 1_000_000 - wall_offset_ns
    return min(found, key=lambda batch: abs(batch[0] - detected_ns), default=None)


def _trace_of(traced: _Traced, stored_ns: int | None, wall_offset_ns: int) -> SignalTrace:
    assert traced.batch is not None and traced.event is not None
    read_ns, parsed_ns, got_ns, decided_ns, done_ns = (at_ns + wall_offset_ns for at_ns in traced.batch)
    return SignalTrace(
        signal=traced.signal,
        event=traced.event.seq,
        run=traced.event.run,
        read_ns=read_ns,
        parsed_ns=parsed_ns,
        got_ns=got_ns,
        decided_ns=decided_ns,
        announced_ns=traced.announced_ns + wall_offset_ns,
        published_ns=done_ns,
        written_ns=traced.written_ns + wall_offset_ns,
        stored_ns=stored_ns + wall_offset_ns if stored_ns is not None else None,
    )


def tell_and_note(desk: Desk, tracing: Tracing) -> Callable[[Event], None]:
    """What takes events for the viewers while signals are traced."""

    def tell(event: Event) -> None:
        desk.tell(event)
        tracing.note_event(event)

    return tell
