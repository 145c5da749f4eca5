"""Signals of their channel beside the events that carry them: each has its event, and both say the same. Pure."""

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.sinks.redis_keys import SIGNALS_CHANNEL
from arbsniper_tui.tools.consume.breach import Breach, Contradiction, Remembered
from arbsniper_tui.tools.consume.signal_rules import contradictions

_Key = tuple[str, int, str]
_ALIKE = Contradiction("the same fields on the channel and in the event", "others")
_signal_from_json = msgspec.json.Decoder(Signal).decode


class _Pending(Struct, frozen=True):
    """A signal whose event has not come yet."""

    signal: Signal
    payload: bytes
    heard_ns: int

    @property
    def where(self) -> str:
        return f"{SIGNALS_CHANNEL}, signal {self.signal.seq} of {self.signal.id}"


class Pairing:
    """Takes the messages of the signals' channel, and the signals that events carry, in whichever order they come."""

    def __init__(self, patience_ns: int) -> None:
        """`patience_ns`: how long the event of a signal is awaited."""
        self._patience_ns = patience_ns
        self._pending: dict[_Key, _Pending] = {}
        self._told: Remembered[_Key, Signal] = Remembered()
        """What events have carried."""
        self._heard: Remembered[_Key, None] = Remembered()
        """What the channel has carried."""
        self.repeats = 0

    def take_message(self, payload: bytes, now_ns: int) -> Iterator[Breach]:
        """A message of the channel, on which nothing but signals is sent."""
        try:
            signal = _signal_from_json(payload)
        except UNREADABLE as error:
            yield Breach(SIGNALS_CHANNEL, "a signal as docs/schema/signal.json describes it", str(error), payload)
            return
        key = _key(signal)
        new = _Pending(signal, payload, now_ns)
        if signal.state == "close":
            yield Breach(new.where, "an opening or an update: a close is an event only", "a close", payload)
        if key in self._heard:
            self.repeats += 1
        self._heard.note(key, None)
        told = self._told.get(key)
        if told is None:
            told = self._pending.setdefault(key, new).signal
        if told != signal:
            yield Breach(new.where, _ALIKE.expected, _ALIKE.found, payload)
        for each in contradictions(signal):
            yield Breach(new.where, each.expected, each.found, payload)

    def take_told(self, signal: Signal) -> Iterator[Contradiction]:
        """A signal that an event carries."""
        key = _key(signal)
        self._told.note(key, signal)
        pending = self._pending.pop(key, None)
        if pending is not None and pending.signal != signal:
            yield _ALIKE

    def overdue(self, now_ns: int, may_be_dead: Callable[[int], bool]) -> Iterator[Breach | str]:
        """Breaches, and reports of what is none: a run that `may_be_dead`, alive when the signal came at this moment,
        cannot send the event any more."""
        for key, pending in list(self._pending.items()):
            if now_ns - pending.heard_ns < self._patience_ns:
                continue
            del self._pending[key]
            if may_be_dead(pending.heard_ns):
                yield f"{pending.where}: no event carries it, and a run that may have sent it is silent: no breach"
            else:
                yield Breach(pending.where, "an event that carries it", "none", pending.payload)

    def forgive(self, now_ns: int, *, is_stream_lost: bool) -> None:
        """The reader was away: events may come now, or are lost with the stream."""
        waiting = {} if is_stream_lost else self._pending
        self._pending = {key: replace(pending, heard_ns=now_ns) for key, pending in waiting.items()}


def _key(signal: Signal) -> _Key:
    return signal.id, signal.seq, signal.state
