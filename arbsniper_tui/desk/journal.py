"""Everything that a node announces, numbered without gaps: to the desk, and to the sink."""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from arbsniper_tui.desk.memory import SpreadMemory
from arbsniper_tui.desk.survival import Survival, Survived
from arbsniper_tui.model.signal import Event, EventKind, Signal
from arbsniper_tui.runtime import clock
from arbsniper_tui.sinks.sink import Sink

_to_json = msgspec.json.Encoder().encode


class Journal:
    """Numbers events and hands them on. Nothing here waits."""

    def __init__(
        self,
        tell: Callable[[Event], None],
        sink: Sink,
        memory: SpreadMemory,
        survival: Survival,
        node: str = "",
        run: str = "",
    ) -> None:
        """`tell` takes each event for the viewers; `node` and `run` stand in every one."""
        self._survival = survival
        self._tell = tell
        self._node, self._run = node, run
        self._memory = memory
        self._sink = sink
        self._lost_before = memory.lost
        self.note_announced: Callable[[Signal, int], None] | None = None
        """Called for each signal that has been announced, with the time; None while nobody wants to know."""
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
        quote waits while it is written. What has no number of its own is an event only: a close, an opportunity that is
        opened again after its first announcement, and what is not the best of its move where only that is asked for."""
        memory = self._memory
        is_signal = signal.seq > memory.signal
        memory.give(memory.event, signal.seq)
        if signal.state != "close":
            written = _to_json(signal)
            memory.note_open(signal, written, now_ns)
            is_open = signal.state == "open"
            if not is_signal or self._sink.announce(written, signal.timestamp, now_ns):
                if not is_open:
                    memory.note_sent(signal.id)
            elif is_open:
                memory.note_unsent(signal.id)
        self.owed.append((signal, now_ns))
        if self.note_announced is not None and is_signal:
            self.note_announced(signal, now_ns)

    def announce_all(self, signals: Sequence[Signal]) -> None:
        """Announce these, in their order."""
        for each in signals:
            self.announce(each, clock.now_ns())

    def write_up(self) -> None:
        """Write the events that are owed, in order."""
        while self.owed:
            signal, now_ns = self.owed.popleft()
            self.tell(self._survival.take(signal), now_ns)
            if signal.state == "close":
                self._memory.note_closed(signal.id)
                if survived := self._survival.after_close(signal.id):
                    self._write_survived(survived, now_ns)
            else:
                self._memory.note_told(signal.id)

    def tell(self, signal: Signal, now_ns: int) -> None:
        """Write the event of a signal."""
        seq, at_ms = self.last_seq + 1, signal.timestamp
        event = Event(event=signal.state, seq=seq, timestamp=at_ms, signal=signal, node=self._node, run=self._run)
        self._record(event, now_ns)

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
        to: tuple[str, ...] = (),
    ) -> None:
        """The next event, after those that are owed."""
        self.write_up()
        lost, redis = 0, ""
        if kind == "heartbeat":
            lost = self._lost_before + self._sink.events_lost
            redis = self._sink.health().state
            self._memory.note_alive(now_ns, lost)
        event = Event(
            event=kind,
            seq=self.last_seq + 1,
            timestamp=timestamp_ms,
            exchange=exchange,
            market=market,
            detail=detail,
            signals=signals,
            to=to,
            lost=lost,
            redis=redis,
            node=self._node,
            run=self._run,
        )
        self._record(event, now_ns)

    def write_survived(self, survived: Sequence[Survived], now_ns: int) -> None:
        """Write what became of opportunities whose closes are written or owed."""
        if survived:
            self.write_up()
        for each in survived:
            self._write_survived(each, now_ns)

    def _write_survived(self, survived: Survived, now_ns: int) -> None:
        opening = survived.opening
        event = Event(
            event="survival",
            seq=self.last_seq + 1,
            timestamp=survived.timestamp,
            id=opening.id,
            symbol=opening.symbol,
            action=opening.action,
            survival_pct=survived.spreads_pct,
            node=self._node,
            run=self._run,
        )
        self._record(event, now_ns)

    def _record(self, event: Event, now_ns: int) -> None:
        """To memory, to viewers, and to the sink, which writes it with its next flush."""
        written = _to_json(event)
        self._memory.note_event(event.seq, written)
        self._tell(event)
        self._sink.append_event(written, event.event, now_ns)
