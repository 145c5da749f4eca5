"""What a spread worker must not forget when it is killed: the numbers given, the rules in force, what is open.

It lies in a file without a name that the launching process holds open, mapped by one spread worker after the other: the
kernel keeps what a killed process wrote there, no full disk stops the writing, and no cleaner of old files finds it.
"""

import logging
import mmap
from struct import Struct as Layout

import msgspec
from msgspec import Struct

from arbsniper_tui.engine.detector import Rules
from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.model.signal import Signal

_log = logging.getLogger(__name__)

_NUMBERS = Layout("=qq")
_LENGTH = Layout("=I")
_RULES_AT, _SLOTS_AT = 64, 4096
_SLOT = Layout("=IIqd")
"""Length of the JSON behind it, flags, opening on the clock of ages in ns, best spread in percent."""
SLOT_BYTES = 1024
_ROOM_BYTES = SLOT_BYTES - _SLOT.size
SLOTS = 1024
SIZE = _SLOTS_AT + SLOTS * SLOT_BYTES
_SENT, _TOLD = 1, 2

_rules_from_json = msgspec.json.Decoder(Rules).decode
_signal_from_json = msgspec.json.Decoder(Signal).decode


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


class SpreadMemory:
    """One worker's use of the file. Call `left_open` before anything is noted."""

    def __init__(self, descriptor: int) -> None:
        """Maps a file of SIZE bytes."""
        self._memory = mmap.mmap(descriptor, SIZE)
        self.event: int
        self.signal: int
        self.event, self.signal = _NUMBERS.unpack_from(self._memory)
        self._free = list(range(_SLOTS_AT, SIZE, SLOT_BYTES))
        self._slot_of: dict[str, int] = {}
        self._said: set[str] = set()

    def give(self, event: int, signal: int) -> None:
        """Note the numbers of the last event and the last signal before anyone is told: one may be missing after a
        death, none is given twice."""
        self.event, self.signal = event, signal
        _NUMBERS.pack_into(self._memory, 0, event, signal)

    @property
    def rules(self) -> Rules | None:
        """The rules that a viewer set; None while none has set any."""
        (length,) = _LENGTH.unpack_from(self._memory, _RULES_AT)
        start = _RULES_AT + _LENGTH.size
        try:
            return _rules_from_json(self._memory[start : start + length]) if length else None
        except UNREADABLE as error:
            _log.error("the rules that were set cannot be read and are those of the settings again: %s", error)
            return None

    @rules.setter
    def rules(self, rules: Rules) -> None:
        written = msgspec.json.encode(rules)
        start = _RULES_AT + _LENGTH.size
        _LENGTH.pack_into(self._memory, _RULES_AT, 0)  # half of them would be none
        self._memory[start : start + len(written)] = written
        _LENGTH.pack_into(self._memory, _RULES_AT, len(written))

    def note_open(self, signal: Signal, written: bytes, now_ns: int) -> None:
        """Note an opportunity as announced, `written` being the signal's JSON: before it is announced to anyone. Of one
        that is noted already a JSON too long for its slot changes the best spread alone."""
        slot = self._slot_of.get(signal.id, 0)
        length, flags, opened_ns, best_pct = 0, 0, now_ns, signal.spread_pct
        if slot:
            length, flags, opened_ns, best_pct = _SLOT.unpack_from(self._memory, slot)
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

    def note_sent(self, opportunity_id: str) -> None:
        """Its announcement has left on the signals' channel."""
        self._set(opportunity_id, _SENT)

    def note_told(self, opportunity_id: str) -> None:
        """The event of its opening has been written."""
        self._set(opportunity_id, _TOLD)

    def note_closed(self, opportunity_id: str) -> None:
        """The event of its close has been written."""
        slot = self._slot_of.pop(opportunity_id, 0)
        if slot:
            _LENGTH.pack_into(self._memory, slot, 0)
            self._free.append(slot)

    def left_open(self) -> list[LeftOpen]:
        """What the worker before left open, oldest first. It stays noted until its close is."""
        left: list[LeftOpen] = []
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
            left.append(LeftOpen(signal, opened_ns, best_pct, bool(flags & _SENT), bool(flags & _TOLD)))
            self._slot_of[signal.id] = slot
            self._free.remove(slot)
        return sorted(left, key=lambda each: each.opened_ns)

    def _set(self, opportunity_id: str, flag: int) -> None:
        slot = self._slot_of.get(opportunity_id, 0)
        if slot:
            length, flags, opened_ns, best_pct = _SLOT.unpack_from(self._memory, slot)
            _SLOT.pack_into(self._memory, slot, length, flags | flag, opened_ns, best_pct)
