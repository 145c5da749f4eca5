"""Everything that a node announces, numbered without gaps: to the viewers, and to the sink."""

from collections import deque
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from arbsniper_tui.desk.memory import SpreadMemory
from arbsniper_tui.model.signal import Event, EventKind, Signal
from arbsniper_tui.runtime import clock
from arbsniper_tui.sinks.sink import Sink
from arbsniper_tui.wire.messages import EVENT_TOPIC, encode
from arbsniper_tui.wire.publisher import Publisher

EVENTS_KEPT = 5000
"""For viewers that come late or fell behind; some MB."""

_to_json = msgspec.json.Encoder().encode


class Journal:
    """Numbers events, keeps the last ones, and hands them on. Nothing here waits."""

    def __init__(self, publisher: Publisher, sink: Sink, memory: SpreadMemory, *, keeps_all: bool = False) -> None:
        self._publisher = publisher
        self._memory = memory
        self._sink = sink
        self._kept: deque[Event] = deque(maxlen=None if keeps_all else EVENTS_KEPT)
        self.owed: deque[tuple[Signal, int]] = deque()
        """Signals announced whose events `write_up` is to write, and when each was."""

    @property
    def last_seq(self) -> int:
        return self._memory.event

    @property
    def announces(self) -> bool:
        """Whether other programs can hear of a signal before its event is written."""
        return self._sink.announces

    def announce(self, signal: Signal, now_ns: int) -> None:
        """A signal to the programs that trade on it, at once; its event is owed, so that neither Redis nor the next
        quote waits while it is written. A close is an event only, and so is an opportunity that is opened again after
        its first announcement."""
        memory = self._memory
        memory.give(memory.event, signal.seq)
        if signal.state != "close":
            written = _to_json(signal)
            memory.note_open(signal, written, now_ns)
            resumes = signal.state == "open" and signal.resumed_from is not UNSET
            if resumes or self._sink.announce(written, signal.timestamp, now_ns):
                memory.note_sent(signal.id)
        self.owed.append((signal, now_ns))

    def announce_all(self, signals: Sequence[Signal]) -> None:
        """Announce these, in their order."""
        for each in signals:
            self.announce(each, clock.now_ns())

    def write_up(self) -> None:
        """Write the events that are owed, in order."""
        while self.owed:
            signal, now_ns = self.owed.popleft()
            event = Event(event=signal.state, seq=self.last_seq + 1, timestamp=signal.timestamp, signal=signal)
            self._record(event, now_ns)
            if signal.state == "close":
                self._memory.note_closed(signal.id)
            else:
                self._memory.note_told(signal.id)

    def tell_open(self, signal: Signal, now_ns: int) -> None:
        """Write the event of an opening that was announced by a worker which died before it wrote it."""
        self._record(Event(event="open", seq=self.last_seq + 1, timestamp=signal.timestamp, signal=signal), now_ns)

    def write(
        self,
        kind: EventKind,
        timestamp_ms: int,
        now_ns: int,
        *,
        exchange: str = "",
        market: str = "",
        detail: str = "",
        signals: int = 0,
    ) -> None:
        """The next event, after those that are owed."""
        self.write_up()
        event = Event(
            event=kind,
            seq=self.last_seq + 1,
            timestamp=timestamp_ms,
            exchange=exchange,
            market=market,
            detail=detail,
            signals=signals,
        )
        self._record(event, now_ns)

    def _record(self, event: Event, now_ns: int) -> None:
        """To viewers, and to the sink, which writes it with its next flush."""
        self._memory.give(event.seq, self._memory.signal)
        self._kept.append(event)
        self._publisher.publish(EVENT_TOPIC, encode(event))
        self._sink.append_event(_to_json(event), event.event, now_ns)

    def since(self, seq: int) -> tuple[Event, ...]:
        """The events numbered above `seq`, as far as they are kept, oldest first."""
        if seq >= self.last_seq:
            return ()
        return tuple(event for event in self._kept if event.seq > seq)
