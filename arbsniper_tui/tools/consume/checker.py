"""The contract as a reader of signals and events sees it: messages in, breaches out. No I/O, no clock."""

from collections.abc import Iterator
from typing import get_args

import msgspec
from msgspec import Struct

from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.model.signal import Event, EventKind
from arbsniper_tui.model.words import counted
from arbsniper_tui.sinks.redis_keys import EVENTS_CHANNEL, STREAM_KEY
from arbsniper_tui.tools.consume.breach import Breach, Contradiction, run_words
from arbsniper_tui.tools.consume.lifecycle import Beginning, Lifecycle
from arbsniper_tui.tools.consume.numbering import Gap, Head, Heard, Numbering, Origin, RunKey
from arbsniper_tui.tools.consume.pairing import Pairing
from arbsniper_tui.tools.consume.signal_rules import contradictions

_SECOND_NS = 1_000_000_000
_MS_NS = 1_000_000
_KINDS = frozenset(get_args(EventKind))
_LIFE = ("open", "update", "close")
_IDS_SHOWN = 5

_event_from_json = msgspec.json.Decoder(Event).decode


class Patience(Struct, frozen=True):
    """How long the check waits for what is due, so that a busy machine is no breach."""

    gap_ns: int = 5 * _SECOND_NS
    """For a missing number, on the channel or in the stream."""
    heartbeat_ns: int = 10 * _SECOND_NS
    """For the next heartbeat."""
    restart_ns: int = 3 * _SECOND_NS
    """After a late heartbeat, for the event that says that a worker ended or was started again."""
    event_ns: int = 10 * _SECOND_NS
    """For the event of a signal that came on its channel."""
    death_ns: int = 10 * _SECOND_NS
    """For any event of a run, before what it left open is reported."""


class _Run(Struct):
    """What is known of one run of a node."""

    beginning: Beginning
    heard_ns: int
    beat: tuple[int, int] | None = None
    """The last heartbeat: when it was heard, in ns, and its own time, in ms."""
    late: tuple[int, Breach] | None = None
    """A late heartbeat and when that was noticed. It is a breach unless a worker was started again meanwhile."""
    is_silent: bool = False


class Checker:
    """Takes events in the order of their numbers, and signals as they come. `now_ns` is of one monotonic clock."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._runs: dict[RunKey, _Run] = {}
        self._lifecycle = Lifecycle()
        self._pairing = Pairing(patience.event_ns)
        self._stream = Numbering(patience.gap_ns)
        self._events = self._signals = 0
        self.reports: list[str] = []
        """What is no breach and worth a line. Whoever shows them clears them."""

    def learn(self, heard: Heard, now_ns: int) -> None:
        """Note an event that was there before the check began; nothing is found wrong with it."""
        self._stream.learn(heard)
        list(self._judge(heard, now_ns))
        if (run := self._runs.get(heard.run)) is not None:
            run.beat = run.late = None

    def take_stored(self, heard: Heard, now_ns: int) -> None:
        """An entry of the stream, in addition to `take_event`. `tick` finds what the stream lacks."""
        self._stream.take(heard, now_ns)

    def take_event(self, heard: Heard, now_ns: int) -> list[Breach]:
        """The next event of its run."""
        self._events += 1
        return list(self._judge(heard, now_ns))

    def take_signal(self, payload: bytes, now_ns: int) -> list[Breach]:
        """A message of the signals' channel."""
        self._signals += 1
        return list(self._pairing.take_message(payload, now_ns))

    def take_unreadable(self, payload: bytes, origin: Origin, why: str) -> list[Breach]:
        """What came as an event and is none."""
        where = EVENTS_CHANNEL if origin is Origin.CHANNEL else STREAM_KEY
        return [Breach(where, "an event as docs/schema/event.json describes it", why, payload)]

    def take_gap(self, gap: Gap) -> list[Breach]:
        """Numbers of the events of a run that never came."""
        self._lifecycle.forget_numbers(gap.run)
        if gap.is_excused:
            return []
        expected = "1, with which a run begins" if gap.is_beginning else f"{gap.first} after {gap.first - 1}"
        missing = f"{gap.in_words} came neither on the channel nor in {STREAM_KEY}"
        where = f"{EVENTS_CHANNEL}, {run_words(gap.run)}"
        return [Breach(where, f"event {expected}", f"{gap.last + 1}; {missing}")]

    def tick(self, now_ns: int) -> list[Breach]:
        """What did not come in time. Call about once a second, when everything that has come was taken."""
        breaches: list[Breach] = []
        for gap, _ in self._stream.give_up(now_ns):
            if not gap.is_excused:
                where = f"{STREAM_KEY}, {run_words(gap.run)}"
                breaches.append(Breach(where, "every event of the run", f"{gap.last + 1} without {gap.in_words}"))
        for key, run in self._runs.items():
            if run.late is not None and now_ns - run.late[0] >= self._patience.restart_ns:
                breaches.append(run.late[1])
                run.late = None
            if not run.is_silent and now_ns - run.heard_ns >= self._patience.death_ns:
                run.is_silent = True
                self._report_left_open(key)
        for found in self._pairing.overdue(now_ns, lambda at_ns: self._may_be_dead(at_ns, now_ns)):
            if isinstance(found, Breach):
                breaches.append(found)
            else:
                self.reports.append(clean_text(found))
        return breaches

    def forgive(self, now_ns: int, *, is_stream_lost: bool) -> None:
        """The reader was away for a while. `is_stream_lost`: and the stream does not say what it missed."""
        for run in self._runs.values():
            run.beat = run.late = None
            run.heard_ns = now_ns
        self._pairing.forgive(now_ns, is_stream_lost=is_stream_lost)
        if is_stream_lost:
            self._stream.forgive()

    def summary(self) -> str:
        """What was checked."""
        counts = counted(self._events, "event"), counted(self._signals, "signal"), counted(len(self._runs), "run")
        return f"checked {counts[0]} and {counts[1]} of {counts[2]}, {self._lifecycle.open_count:,} still open"

    @property
    def repeated_signals(self) -> int:
        return self._pairing.repeats

    def _judge(self, heard: Heard, now_ns: int) -> Iterator[Breach]:
        head = heard.head
        where = f"{run_words(heard.run)}, event {head.seq}"
        if heard.is_conflicting:
            yield Breach(where, "the same bytes whenever this number comes", "other ones", heard.payload)
            return
        if heard.is_late:
            yield Breach(where, "events in the order of their numbers", "it behind a later one", heard.payload)
        run = self._runs.get(heard.run)
        if run is None:
            run = self._runs[heard.run] = _Run(Beginning(head.seq == 1, head.timestamp), now_ns)
        self._note_beat(run, head, where, now_ns)
        run.heard_ns, run.is_silent = now_ns, False
        if head.event not in _KINDS:
            return  # of a later version
        try:
            event = _event_from_json(heard.payload)
        except UNREADABLE as error:
            yield Breach(where, "an event as docs/schema/event.json describes it", str(error), heard.payload)
            return
        for each in self._told(event, heard.run, run.beginning):
            yield Breach(where, each.expected, each.found, heard.payload)

    def _told(self, event: Event, key: RunKey, beginning: Beginning) -> Iterator[Contradiction]:
        if event.event == "survival":
            yield from self._lifecycle.take_survival(event.id, key[0])
        if event.event not in _LIFE:
            return
        signal = event.signal
        if signal is None:
            yield Contradiction("the signal of this event", "none")
            return
        if signal.state != event.event:
            yield Contradiction(f"a signal of state {event.event}", signal.state)
        yield from contradictions(signal)
        yield from self._pairing.take_told(signal)
        yield from self._lifecycle.take(signal, key, beginning)

    def _note_beat(self, run: _Run, head: Head, where: str, now_ns: int) -> None:
        """Note a heartbeat, or that it is late: by the reader's clock and by the node's, because events wait while
        Redis is away, and a clock may be set."""
        if head.event in ("worker_up", "worker_down", "end"):
            run.beat = run.late = None
        if run.beat is not None:
            heard_ns, sent_ms = run.beat
            silent_ns = min(now_ns - heard_ns, (head.timestamp - sent_ms) * _MS_NS)
            if silent_ns > self._patience.heartbeat_ns:
                run.late = now_ns, Breach(where, "a heartbeat each second", f"none for {silent_ns / 1e9:.1f} s")
                run.beat = None
        if head.event == "heartbeat":
            run.beat = now_ns, head.timestamp

    def _may_be_dead(self, at_ns: int, now_ns: int) -> bool:
        """Whether a run that was alive at that moment is silent now."""
        lately_ns = self._patience.event_ns // 2
        alive = [run for run in self._runs.values() if run.heard_ns > at_ns - lately_ns]
        return any(now_ns - run.heard_ns > lately_ns for run in alive)

    def _report_left_open(self, key: RunKey) -> None:
        left = self._lifecycle.left_open(key)
        if left:
            ids = ", ".join(left[:_IDS_SHOWN]) + (", ..." if len(left) > _IDS_SHOWN else "")
            self.reports.append(clean_text(f"{run_words(key)}: silent, and left {len(left)} open: {ids}"))
