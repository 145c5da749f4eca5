"""Everything that a node announces, numbered without gaps: to the desk, and to the sink."""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET

from arbsniper_tui.desk.memory import SpreadMemory
from arbsniper_tui.model.signal import Event, EventKind, Signal
from arbsniper_tui.runtime import clock
from arbsniper_tui.sinks.sink import Sink

_to_json = msgspec.json.Encoder().encode


class Journal:
    """Numbers events and hands them on. Nothing here waits."""

    def __init__(self, tell: Callable[[Event], None], sink: Sink, memory: SpreadMemory) -> None:
        """`tell` takes each event for the viewers."""
        self._tell = tell
        self._memory = memory
        self._sink = sink
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
        self._tell(event)
        self._sink.append_event(_to_json(event), event.event, now_ns)
