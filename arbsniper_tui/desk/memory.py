"""What a spread worker must not forget when it is killed: numbers, the newest events, the rules in force, what is open.

It lies in a file that the launching process holds open, mapped by one spread worker after the other: the kernel keeps
what a killed process wrote there. A live node's is in its state folder, so that the next run of the node finds it too;
any other has no name.
"""

import logging
import mmap
from struct import Struct as Layout

import msgspec
from msgspec import Struct

from arbsniper_tui.desk.ring import EventRing
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.model.signal import Event, Signal

_log = logging.getLogger(__name__)

_FORMAT = b"arbsnip2"
"""The file's first bytes: one of another version of the program is not read."""
_NUMBERS_AT, _NUMBERS = 8, Layout("=qq")
_PAST_AT, _PAST = 32, Layout("=qqqq")
"""How many workers this run has had, its last sign of life and that of the run before on the clock of ages in ns, and
events that Redis will never have."""
_STORED_AT, _STORED = 64, Layout("=q")
_RING_AT = 96
_LENGTH = Layout("=I")
_RUN_AT, _RULES_AT, _SLOTS_AT = 128, 256, 4096
_SLOT = Layout("=IIqd")
"""Length of the JSON behind it, flags, opening on the clock of ages in ns, best spread in percent."""
SLOT_BYTES = 2048
"""A signal with every field, the longest name of a node and a long symbol takes 1200."""
_ROOM_BYTES = SLOT_BYTES - _SLOT.size
SLOTS = 1024
_EVENTS_AT = _SLOTS_AT + SLOTS * SLOT_BYTES
EVENT_BYTES = 12 << 20
"""As many as the sink keeps in memory while Redis is away, most of them with a signal."""
SIZE = _EVENTS_AT + EVENT_BYTES
_SENT, _TOLD, _OWED, _PAST_RUN = 1, 2, 4, 8

_signal_from_json = msgspec.json.Decoder(Signal).decode
_event_from_json = msgspec.json.Decoder(Event).decode


class HeldRules(Struct, frozen=True):
    """The rules in force."""

    rules: Rules
    number: int
    """That of the last time of SpreadPlan that is in them."""


_rules_from_json = msgspec.json.Decoder(HeldRules).decode


class LeftOpen(Struct, frozen=True):
    """An opportunity that was open when the worker before died."""

    signal: Signal
    """As last announced."""
    opened_ns: int
    best_spread_pct: float
    was_sent: bool
    """Whether its announcement had left on the signals' channel, where there is one."""
    was_told: bool
    """Whether the event of its opening had been written."""
    is_owed: bool = False
    """Whether the event of its last update had not."""
    ended_ns: int | None = None
    """The last sign of life of the run that opened it; None where that is this one."""


class SpreadMemory:
    """One worker's use of the file. Call `left_open` before anything is noted."""

    def __init__(self, descriptor: int, run: str = "") -> None:
        """Maps a file of SIZE bytes. Where the run is another than the one before, numbers begin again."""
        self._memory = mmap.mmap(descriptor, SIZE)
        if self._memory[: len(_FORMAT)] != _FORMAT:
            self._format()
        self.events = EventRing(self._memory, _RING_AT, _EVENTS_AT, SIZE)
        self.is_new_run = self._text_at(_RUN_AT) != run.encode()
        if self.is_new_run:
            self._begin_run(run.encode())
        self.event: int
        self.signal: int
        self.event, self.signal = _NUMBERS.unpack_from(self._memory, _NUMBERS_AT)
        self.workers, self._alive_ns, self._died_ns, self.lost = _PAST.unpack_from(self._memory, _PAST_AT)
        """`workers`: this is the first, second ... of its run. `lost`: events of it that Redis will never have."""
        self.workers += 1
        self._stored: int
        (self._stored,) = _STORED.unpack_from(self._memory, _STORED_AT)
        self._count_overwritten()
        self._note_past()
        self._free = list(range(_SLOTS_AT, _EVENTS_AT, SLOT_BYTES))
        self._slot_of: dict[str, int] = {}
        self._said: set[str] = set()

    def _format(self) -> None:
        if any(self._memory[:_SLOTS_AT]):
            _log.warning("what the run before left was written by another version: it is not read")
            self._memory[:] = bytes(SIZE)
        self._memory[: len(_FORMAT)] = _FORMAT

    def _begin_run(self, run: bytes) -> None:
        """In an order that leaves a worker which is killed meanwhile with the same to do."""
        for slot in range(_SLOTS_AT, _EVENTS_AT, SLOT_BYTES):
            length, flags, opened_ns, best_pct = _SLOT.unpack_from(self._memory, slot)
            if length:
                _SLOT.pack_into(self._memory, slot, length, flags | _PAST_RUN, opened_ns, best_pct)
        _, alive_ns, _, _ = _PAST.unpack_from(self._memory, _PAST_AT)
        _PAST.pack_into(self._memory, _PAST_AT, 0, alive_ns, alive_ns, 0)
        _NUMBERS.pack_into(self._memory, _NUMBERS_AT, 0, 0)
        _LENGTH.pack_into(self._memory, _RULES_AT, 0)
        self._put_text(_RUN_AT, run)

    def _count_overwritten(self) -> None:
        overwritten = self.unconfirmed - len(self.events)
        if overwritten > 0:
            self.lost += 0 if self.is_new_run else overwritten
            self.note_unconfirmed(len(self.events))
            _log.error("%d events that redis had not confirmed are lost: memory holds no more", overwritten)

    def give(self, event: int, signal: int) -> None:
        """Note the numbers of the last event and the last signal before anyone is told: none is given twice."""
        self.event, self.signal = event, signal
        _NUMBERS.pack_into(self._memory, _NUMBERS_AT, event, signal)

    def note_event(self, number: int, written: bytes) -> None:
        """Note the next event, as it will be sent: before anyone is told."""
        self.events.put(written)
        self.give(number, self.signal)

    def note_alive(self, now_ns: int, lost: int) -> None:
        """Once a second: this run lives, and this many of its events will never be in Redis."""
        self._alive_ns, self.lost = now_ns, lost
        self._note_past()

    def note_unconfirmed(self, unconfirmed: int) -> None:
        """Redis has confirmed all events but this many of the newest."""
        if (stored := self.events.count - unconfirmed) != self._stored:
            self._stored = stored
            _STORED.pack_into(self._memory, _STORED_AT, stored)

    @property
    def unconfirmed(self) -> int:
        """How many of the newest events the worker before did not see confirmed."""
        return self.events.count - self._stored

    def _note_past(self) -> None:
        _PAST.pack_into(self._memory, _PAST_AT, self.workers, self._alive_ns, self._died_ns, self.lost)

    def _text_at(self, place: int) -> bytes:
        (length,) = _LENGTH.unpack_from(self._memory, place)
        return self._memory[place + _LENGTH.size : place + _LENGTH.size + length]

    def _put_text(self, place: int, text: bytes) -> None:
        _LENGTH.pack_into(self._memory, place, 0)  # half of it would be none
        start = place + _LENGTH.size
        self._memory[start : start + len(text)] = text
        _LENGTH.pack_into(self._memory, place, len(text))

    @property
    def rules(self) -> HeldRules | None:
        """The rules that were set while the node runs; None while none were."""
        written = self._text_at(_RULES_AT)
        try:
            return _rules_from_json(written) if written else None
        except UNREADABLE as error:
            _log.error("the rules that were set cannot be read and are those of the settings again: %s", error)
            return None

    @rules.setter
    def rules(self, held: HeldRules) -> None:
        self._put_text(_RULES_AT, msgspec.json.encode(held))

    def note_open(self, signal: Signal, written: bytes, now_ns: int) -> None:
        """Note an opportunity as announced and sent, `written` being the signal's JSON: before it is announced to
        anyone. Of one that is noted already a JSON too long for its slot changes the best spread alone."""
        slot = self._slot_of.get(signal.id, 0)
        length, flags, opened_ns, best_pct = 0, _SENT, now_ns, signal.spread_pct
        if slot:
            length, flags, opened_ns, best_pct = _SLOT.unpack_from(self._memory, slot)
            flags |= _OWED
            best_pct = max(best_pct, signal.spread_pct)
        elif len(written) > _ROOM_BYTES:
            what = f"an opportunity takes {len(written)} bytes where {_ROOM_BYTES} have room"
            self._warn_once("too long", f"{what}: it would have no close after a kill")
            return
        elif self._free:
            slot = self._slot_of[signal.id] = self._free.pop()
        else:
            what = f"more than {SLOTS} opportunities are open"
            self._warn_once("full", f"{what}: some would have no close after a kill")
            return
        if len(written) <= _ROOM_BYTES:
            start, length = slot + _SLOT.size, len(written)
            self._memory[start : start + length] = written
        _SLOT.pack_into(self._memory, slot, length, flags, opened_ns, best_pct)

    def _warn_once(self, reason: str, words: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            _log.warning(words)

    def note_unsent(self, opportunity_id: str) -> None:
        """The announcement of its opening has not left on the signals' channel."""
        self._set(opportunity_id, 0, _SENT)

    def note_sent(self, opportunity_id: str) -> None:
        """An announcement of it has left on the signals' channel."""
        self._set(opportunity_id, _SENT, 0)

    def note_told(self, opportunity_id: str) -> None:
        """The event of what was last announced of it has been written."""
        self._set(opportunity_id, _TOLD, _OWED)

    def note_closed(self, opportunity_id: str) -> None:
        """The event of its close has been written."""
        slot = self._slot_of.pop(opportunity_id, 0)
        if slot:
            _LENGTH.pack_into(self._memory, slot, 0)
            self._free.append(slot)

    def left_open(self) -> list[LeftOpen]:
        """What the worker before left open, oldest first. It stays noted until its close is."""
        left: list[LeftOpen] = []
        last = self._last_signal()
        for slot in list(self._free):
            length, flags, opened_ns, best_pct = _SLOT.unpack_from(self._memory, slot)
            if not length:
                continue
            start = slot + _SLOT.size
            try:
                signal = _signal_from_json(self._memory[start : start + length])
            except UNREADABLE as error:
                _log.error("an opportunity that was open cannot be read and gets no close: %s", error)
                _LENGTH.pack_into(self._memory, slot, 0)
                continue
            self._slot_of[signal.id] = slot
            self._free.remove(slot)
            # The worker may have been killed after it had noted an event, and before it noted that here.
            if last is not None and last.id == signal.id and last.state == "close":
                self.note_closed(signal.id)
                continue
            if last == signal:
                flags = (flags | _TOLD) & ~_OWED
            ended_ns = self._died_ns if flags & _PAST_RUN else None
            was_sent, was_told, is_owed = bool(flags & _SENT), bool(flags & _TOLD), bool(flags & _OWED)
            left.append(LeftOpen(signal, opened_ns, best_pct, was_sent, was_told, is_owed, ended_ns))
        return sorted(left, key=lambda each: each.opened_ns)

    def _last_signal(self) -> Signal | None:
        """That of the last event, where it has one."""
        try:
            return next((_event_from_json(written).signal for written in self.events.newest(1)), None)
        except UNREADABLE as error:
            _log.error("the last event of the worker before cannot be read: %s", error)
            return None

    def _set(self, opportunity_id: str, added: int, taken: int) -> None:
        slot = self._slot_of.get(opportunity_id, 0)
        if slot:
            length, flags, opened_ns, best_pct = _SLOT.unpack_from(self._memory, slot)
            _SLOT.pack_into(self._memory, slot, length, (flags | added) & ~taken, opened_ns, best_pct)
