"""What a Redis sink has to write: signals, events and prices, until Redis confirms them. No socket and no clock."""

import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any

import hiredis

from arbsniper_tui.sinks.history import LATEST_COMMAND, HistoryTrim
from arbsniper_tui.sinks.outgoing import (
    Batch,
    CommandKind,
    InFlight,
    Outgoing,
    OutgoingEvent,
    OutgoingSignal,
    RedisQueue,
    state_command,
)
from arbsniper_tui.sinks.refusals import Refusals
from arbsniper_tui.sinks.stream_check import StreamCheck

log = logging.getLogger(__name__)

SIGNALS_WAITING = 1000
EVENTS_WAITING = 10_000
# What waits is written in steps, so that no pump holds the spread worker up for more than about a millisecond.
MESSAGES_A_BATCH = 100


class Outbox:
    """Four queues, one for each kind of command, so that a refusal of one kind does not hold up the others: a full
    server still takes announcements, and refuses the history."""

    def __init__(self, max_signal_age_ns: int, *, publishes: bool = True, stores: bool = True) -> None:
        """`publishes`: what is for the channels; `stores`: what is for keys. In a Cluster each has an outbox of its
        own."""
        self.max_signal_age_ns = max_signal_age_ns
        """An older announcement is not sent."""
        self.publishes, self.stores = publishes, stores
        # A dropped announcement is no lost signal: its history entry still waits, or is dropped and counted there.
        self.announcements = RedisQueue(
            CommandKind.SIGNAL, OutgoingSignal.publish_command, SIGNALS_WAITING, self._count_unannounced
        )
        self.history = RedisQueue(CommandKind.HISTORY, OutgoingSignal.store_command, SIGNALS_WAITING, self._count_loss)
        self.events = RedisQueue(CommandKind.EVENT, OutgoingEvent.publish_command, EVENTS_WAITING, self._count_loss)
        self.stream = RedisQueue(CommandKind.STREAM, OutgoingEvent.store_command, EVENTS_WAITING, self._count_loss)
        self._queues: dict[CommandKind, RedisQueue[Any]] = {
            queue.kind: queue
            for queue, is_carried in (
                (self.announcements, publishes),
                (self.history, stores),
                (self.events, publishes),
                (self.stream, stores),
            )
            if is_carried
        }
        self.states: dict[str, tuple[bytes, int]] = {}
        """Key -> the newest price, or word of the node, and how long it lasts in ms. The next batch writes or drops all
        of them, because newer ones follow."""
        self._trim = HistoryTrim()
        self._check = StreamCheck()
        self._may_be_held = False
        """Whether a server may hold events that wait here."""
        self.found = ""
        """What the server had lost when it was connected to last, in words; empty where it had lost nothing."""
        self.events_taken = 0
        self._past = 0
        """The ordinal of the last event that a process before this one wrote."""
        self._confirmed = 0
        """The ordinal of the event that was confirmed last."""
        self.refusals = Refusals()
        self.signals_lost = 0
        self.events_lost = 0
        self.signals_unannounced = 0
        """Signals that never went to the channel, because they were too old before it took them."""

    @property
    def signals_waiting(self) -> int:
        return max(len(self.announcements), len(self.history))

    @property
    def events_waiting(self) -> int:
        return max(len(self.events), len(self.stream))

    @property
    def unconfirmed(self) -> int:
        """Events taken since the oldest that is not confirmed."""
        first = next((outgoing.ordinal for outgoing in self.stream.waiting if not outgoing.is_stored), None)
        return self.events_taken - (self._confirmed if first is None else min(self._confirmed, first - 1))

    def add_event(
        self, number: int, payload: bytes, event: str, *, is_past: bool = False, is_stored: bool = False
    ) -> None:
        """Take an event for the channel and the stream; `is_past`: a server may hold it already."""
        self.events_taken += 1
        outgoing = OutgoingEvent(number, payload, event, self.events_taken, is_stored)
        if is_past and self.stores:
            self._may_be_held, self._past = True, self.events_taken
        if is_stored:
            self._confirmed = self.events_taken
        if self.publishes:
            self.events.add(outgoing)
        if self.stores:
            self.stream.add(outgoing)

    @property
    def is_empty(self) -> bool:
        return not self.states and not any(self._queues.values())

    def take_batch(self, now_ns: int) -> Batch:
        """What may be written now: the next step of what waits, and the retries that are due."""
        batch = Batch(now_ns)
        self._skip_old_announcements(now_ns)
        is_checked = self._check.is_done
        if self._check.is_due and self.refusals.allowance(CommandKind.CHECK, now_ns, 1):
            batch.write(self._check.take_command(), CommandKind.CHECK)
        for queue in self._queues.values():
            if queue.waiting and (is_checked or queue not in (self.events, self.stream)):
                taken = queue.take(self.refusals.allowance(queue.kind, now_ns, MESSAGES_A_BATCH))
                if taken and queue is self.history:
                    self._ask_for_latest(batch)
                    self._trim.note_added(taken[-1].timestamp_ms)
                if taken and queue is self.stream:
                    self._may_be_held = True
                batch.write_all(queue, taken)
        if self._trim.is_due and self.refusals.allowance(CommandKind.TRIM, now_ns, 1):
            batch.write(self._trim.take_command(), CommandKind.TRIM)
        if self.states:
            allowed = self.refusals.allowance(CommandKind.STATE, now_ns, len(self.states))
            for key, (payload, ttl_ms) in islice(self.states.items(), allowed):
                batch.write(state_command(key, payload, ttl_ms), CommandKind.STATE)
            self.states.clear()
        return batch

    def _skip_old_announcements(self, now_ns: int) -> None:
        waiting = self.announcements.waiting
        while waiting and now_ns - waiting[0].taken_ns >= self.max_signal_age_ns:
            self._count_unannounced(waiting.popleft())

    def _count_unannounced(self, signal: OutgoingSignal) -> None:
        self.signals_unannounced += 1

    def _ask_for_latest(self, batch: Batch) -> None:
        """Ask for the history's latest time before anything is added, because the answer must not include that."""
        if not self._trim.is_asked:
            self._trim.is_asked = True
            batch.write(LATEST_COMMAND, CommandKind.LATEST)

    def take_replies(self, answered: Iterable[tuple[InFlight, object]], now_ns: int) -> None:
        """Confirm what was answered. A temporary refusal makes the message wait again; a lasting one loses it."""
        refused: list[InFlight] = []
        for command, reply in answered:
            _, outgoing, kind = command
            if kind is CommandKind.LATEST:
                self._trim.learn(reply)
            elif kind is CommandKind.CHECK:
                self._learn_what_is_held(reply, now_ns)
            elif not isinstance(reply, hiredis.ReplyError):
                self.refusals.clear(kind)
                if kind is CommandKind.STREAM:
                    self._note_stored(outgoing)
            elif self.refusals.note(kind, str(reply), now_ns):
                refused.append(command)
                if kind is CommandKind.TRIM:
                    self._trim.take_back()
            elif outgoing is not None:
                self._count_loss(outgoing)
        self.put_back(refused)

    def put_back(self, undelivered: Iterable[InFlight]) -> None:
        """Messages that were written and not confirmed wait again, in their places in the order."""
        messages: dict[CommandKind, list[Outgoing]] = {}
        for _, outgoing, kind in undelivered:
            if outgoing is not None:
                messages.setdefault(kind, []).append(outgoing)
        for kind, outgoings in messages.items():
            self._queues[kind].put_back(outgoings)

    def _note_stored(self, outgoing: Outgoing | None) -> None:
        assert isinstance(outgoing, OutgoingEvent)
        outgoing.is_stored = True
        self._confirmed = outgoing.ordinal
        self._check.kept.append(outgoing)

    def _learn_what_is_held(self, reply: object, now_ns: int) -> None:
        """What the stream turns out to hold is not written to it again; what it has lost is."""
        check = self._check
        check.learn(reply)
        if isinstance(reply, hiredis.ReplyError):
            self.refusals.note(CommandKind.CHECK, str(reply), now_ns)
        if not check.is_done:
            return
        self.refusals.clear(CommandKind.CHECK)
        held, missing = check.split()
        lost = sum(1 for outgoing in missing if outgoing.is_stored)
        waiting = {outgoing.number for outgoing in self.stream.waiting}
        self.stream.remove(held)
        self.stream.put_back([outgoing for outgoing in missing if outgoing.number not in waiting])
        # The process that died had published what it stored; of this one's, the channel may have refused some.
        self.events.remove([outgoing for outgoing in held if outgoing.ordinal <= self._past])
        check.kept.clear()
        for outgoing in held:
            self._note_stored(outgoing)
        self.found = ""
        if lost:
            what = "came back empty" if check.is_empty else f"lost {lost} events that it had confirmed"
            self.found = f"{what}; the newest {lost} events are sent again"
            log.warning("redis %s", self.found)

    def start_over(self) -> None:
        """Begin with a new connection, whose server may hold other data and refuse other commands."""
        self._trim.start_over()
        self._check.start_over([*self._check.kept, *self.stream.waiting] if self._may_be_held else [])
        self.refusals.start_over([queue.kind for queue in self._queues.values() if queue.waiting])

    def give_up(self, now_ns: int) -> tuple[int, int]:
        """Count everything that still waits as lost; returns how many signals and events that is."""
        before = self.signals_lost, self.events_lost
        self._skip_old_announcements(now_ns)
        for queue in self._queues.values():
            for outgoing in queue.take(len(queue)):
                self._count_loss(outgoing)
        return self.signals_lost - before[0], self.events_lost - before[1]

    def _count_loss(self, outgoing: Outgoing) -> None:
        """Count a message once, whichever of its commands is lost; not one that is kept elsewhere."""
        if outgoing.is_lost or not self.stores:
            return
        outgoing.is_lost = True
        if isinstance(outgoing, OutgoingSignal):
            self.signals_lost += 1
        elif not outgoing.is_stored:
            self.events_lost += 1
