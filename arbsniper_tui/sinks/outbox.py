"""What a sink has to write: signals, events and prices, until Redis has confirmed them. No socket and no clock."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import hiredis

from arbsniper_tui.sinks.history import LATEST_COMMAND, HistoryTrim
from arbsniper_tui.sinks.outgoing import (
    Backlog,
    Batch,
    InFlight,
    Outgoing,
    OutgoingEvent,
    OutgoingSignal,
    Part,
    price_command,
)
from arbsniper_tui.sinks.refusals import Refusals

SIGNALS_WAITING = 1000
EVENTS_WAITING = 10_000
# A backlog is written in steps, so that no pump holds the spread worker up for more than about a millisecond.
BACKLOG_STEP = 100


class Outbox:
    """Four backlogs, one for each kind of command, so that a server that refuses one of them is given the others: a
    full server takes announcements, and no history."""

    def __init__(self, max_signal_age_ns: int) -> None:
        self._max_signal_age_ns = max_signal_age_ns
        # Dropping an announcement loses no signal: it is in the history, or is dropped and counted there too.
        self.announcements = Backlog(
            Part.SIGNAL, OutgoingSignal.publish_command, SIGNALS_WAITING, self._count_unannounced
        )
        self.history = Backlog(Part.HISTORY, OutgoingSignal.store_command, SIGNALS_WAITING, self._count_loss)
        self.events = Backlog(Part.EVENT, OutgoingEvent.publish_command, EVENTS_WAITING, self._count_loss)
        self.stream = Backlog(Part.STREAM, OutgoingEvent.store_command, EVENTS_WAITING, self._count_loss)
        self._backlogs: dict[Part, Backlog[Any]] = {
            backlog.part: backlog for backlog in (self.announcements, self.history, self.events, self.stream)
        }
        self.prices: dict[str, bytes] = {}
        """Key -> the newest price; the next batch takes or drops them all, as newer ones follow."""
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
        return not self.prices and not any(self._backlogs.values())

    def take_batch(self, now_ns: int) -> Batch:
        """What may be written now; the next step of what waits, and of what was refused only what is due again."""
        batch = Batch(now_ns)
        self._skip_old_announcements(now_ns)
        for backlog in self._backlogs.values():
            if backlog.waiting:
                taken = backlog.take(self.refusals.allowance(backlog.part, now_ns, BACKLOG_STEP))
                if taken and backlog is self.history:
                    self._ask_for_latest(batch)
                    self._trim.note_added(taken[-1].timestamp_ms)
                batch.write_all(backlog, taken)
        if self._trim.is_due and self.refusals.allowance(Part.TRIM, now_ns, 1):
            batch.write(self._trim.take_command(), Part.TRIM)
        if self.prices:
            allowed = self.refusals.allowance(Part.PRICE, now_ns, len(self.prices))
            for key, payload in islice(self.prices.items(), allowed):
                batch.write(price_command(key, payload), Part.PRICE)
            self.prices.clear()
        return batch

    def _skip_old_announcements(self, now_ns: int) -> None:
        waiting = self.announcements.waiting
        while waiting and now_ns - waiting[0].taken_ns >= self._max_signal_age_ns:
            self._count_unannounced(waiting.popleft())

    def _count_unannounced(self, signal: OutgoingSignal) -> None:
        self.signals_unannounced += 1

    def _ask_for_latest(self, batch: Batch) -> None:
        """Before anything is added to the history, as the answer is not to include it."""
        if not self._trim.is_asked:
            self._trim.is_asked = True
            batch.write(LATEST_COMMAND, Part.LATEST)

    def take_replies(self, answered: Iterable[tuple[InFlight, object]], now_ns: int) -> None:
        """Confirm what was answered. What was refused for the time being waits again; what was refused for good is
        lost."""
        refused: list[InFlight] = []
        for command, reply in answered:
            _, outgoing, part = command
            if part is Part.LATEST:
                self._trim.learn(reply)
            elif not isinstance(reply, hiredis.ReplyError):
                self.refusals.clear(part)
            elif self.refusals.note(part, str(reply), now_ns):
                refused.append(command)
                if part is Part.TRIM:
                    self._trim.take_back()
            elif outgoing is not None:
                self._count_loss(outgoing)
        self.put_back(refused)

    def put_back(self, undelivered: Iterable[InFlight]) -> None:
        """What was written and not taken waits again, in its place in the order."""
        messages: dict[Part, list[Outgoing]] = {}
        for _, outgoing, part in undelivered:
            if outgoing is not None:
                messages.setdefault(part, []).append(outgoing)
        for part, outgoings in messages.items():
            self._backlogs[part].put_back(outgoings)

    def start_over(self) -> None:
        """A new connection: its server may hold and refuse other things."""
        self._trim.start_over()
        self.refusals.start_over([backlog.part for backlog in self._backlogs.values() if backlog.waiting])

    def give_up(self, now_ns: int) -> tuple[int, int]:
        """Count everything that still waits as lost; returns how many signals and events that is."""
        before = self.signals_lost, self.events_lost
        self._skip_old_announcements(now_ns)
        for backlog in self._backlogs.values():
            for outgoing in backlog.take(len(backlog)):
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
