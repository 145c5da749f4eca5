"""What a Redis sink has to write: signals, events and prices, until Redis confirms them. No socket and no clock."""

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
    price_command,
)
from arbsniper_tui.sinks.refusals import Refusals

SIGNALS_WAITING = 1000
EVENTS_WAITING = 10_000
# What waits is written in steps, so that no pump holds the spread worker up for more than about a millisecond.
MESSAGES_A_BATCH = 100


class Outbox:
    """Four queues, one for each kind of command, so that a refusal of one kind does not hold up the others: a full
    server still takes announcements, and refuses the history."""

    def __init__(self, max_signal_age_ns: int) -> None:
        self._max_signal_age_ns = max_signal_age_ns
        # A dropped announcement is no lost signal: its history entry still waits, or is dropped and counted there.
        self.announcements = RedisQueue(
            CommandKind.SIGNAL, OutgoingSignal.publish_command, SIGNALS_WAITING, self._count_unannounced
        )
        self.history = RedisQueue(CommandKind.HISTORY, OutgoingSignal.store_command, SIGNALS_WAITING, self._count_loss)
        self.events = RedisQueue(CommandKind.EVENT, OutgoingEvent.publish_command, EVENTS_WAITING, self._count_loss)
        self.stream = RedisQueue(CommandKind.STREAM, OutgoingEvent.store_command, EVENTS_WAITING, self._count_loss)
        self._queues: dict[CommandKind, RedisQueue[Any]] = {
            queue.kind: queue for queue in (self.announcements, self.history, self.events, self.stream)
        }
        self.prices: dict[str, bytes] = {}
        """Key -> the newest price. The next batch writes or drops all of them, because newer ones follow."""
        self._trim = HistoryTrim()
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
    def is_empty(self) -> bool:
        return not self.prices and not any(self._queues.values())

    def take_batch(self, now_ns: int) -> Batch:
        """What may be written now: the next step of what waits, and the retries that are due."""
        batch = Batch(now_ns)
        self._skip_old_announcements(now_ns)
        for queue in self._queues.values():
            if queue.waiting:
                taken = queue.take(self.refusals.allowance(queue.kind, now_ns, MESSAGES_A_BATCH))
                if taken and queue is self.history:
                    self._ask_for_latest(batch)
                    self._trim.note_added(taken[-1].timestamp_ms)
                batch.write_all(queue, taken)
        if self._trim.is_due and self.refusals.allowance(CommandKind.TRIM, now_ns, 1):
            batch.write(self._trim.take_command(), CommandKind.TRIM)
        if self.prices:
            allowed = self.refusals.allowance(CommandKind.PRICE, now_ns, len(self.prices))
            for key, payload in islice(self.prices.items(), allowed):
                batch.write(price_command(key, payload), CommandKind.PRICE)
            self.prices.clear()
        return batch

    def _skip_old_announcements(self, now_ns: int) -> None:
        waiting = self.announcements.waiting
        while waiting and now_ns - waiting[0].taken_ns >= self._max_signal_age_ns:
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
            elif not isinstance(reply, hiredis.ReplyError):
                self.refusals.clear(kind)
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

    def start_over(self) -> None:
        """Begin with a new connection, whose server may hold other data and refuse other commands."""
        self._trim.start_over()
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
        """Count a message once, whichever of its commands is lost."""
        if outgoing.is_lost:
            return
        outgoing.is_lost = True
        if isinstance(outgoing, OutgoingSignal):
            self.signals_lost += 1
        else:
            self.events_lost += 1
