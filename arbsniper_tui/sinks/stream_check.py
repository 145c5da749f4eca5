"""Finds out which of a node's newest events the stream of a server holds. A server that was killed may have lost what
it had confirmed, and may hold what it had no time to confirm."""

from collections import deque
from collections.abc import Sequence

import hiredis

from arbsniper_tui.sinks import redis_keys
from arbsniper_tui.sinks.outgoing import OutgoingEvent, pack_command
from arbsniper_tui.sinks.refusals import is_temporary

KEPT = 2000
"""Confirmed events that are kept. With `appendonly yes` Redis may put the write of what it confirms off for two seconds
(`aof_flush_postponed_start` in its sources), and loses that when it is killed."""
PAGE = 100
"""Entries that one command asks for, the newest first: others may have written since."""


class StreamCheck:
    """Asked on each connection, before any event is written, until it `is_done`.

    Replies come in the order of commands. So the stream holds every event that was confirmed before one which is found
    there, and the unconfirmed stand behind that one, or not at all.
    """

    def __init__(self) -> None:
        self.kept: deque[OutgoingEvent] = deque(maxlen=KEPT)
        """The newest events that a server confirmed, oldest first."""
        self.start_over([])

    def start_over(self, events: Sequence[OutgoingEvent]) -> None:
        """Begin with a new connection; `events` are those that its server may hold: the confirmed, oldest first, and
        behind them the others."""
        self._events = events
        self._places = {event.payload: place for place, event in enumerate(events)}
        self._found: set[int] = set()
        self.is_done = not events
        self.is_asked = False
        self.is_empty = True
        """Whether the stream holds nothing at all."""
        self._before = b"+"

    @property
    def is_due(self) -> bool:
        return not self.is_done and not self.is_asked

    def take_command(self) -> bytes:
        """Asks for the next entries, the newest first."""
        self.is_asked = True
        return pack_command(("XREVRANGE", redis_keys.STREAM_KEY, self._before, "-", "COUNT", PAGE))

    def learn(self, reply: object) -> None:
        """Take the reply. What cannot be read is believed: then the stream holds what was confirmed."""
        self.is_asked = False
        if isinstance(reply, hiredis.ReplyError):
            if not is_temporary(str(reply)) or str(reply).startswith("NOPERM"):
                self._note_confirmed(len(self._events))
            return
        entries = reply if isinstance(reply, list) else []
        self.is_empty = self.is_empty and not entries
        for _, fields in entries:
            if (place := self._places.get(_payload(fields))) is not None:
                self._found.add(place)
                if self._events[place].is_stored:
                    self._note_confirmed(place + 1)
                    return
        self.is_done = len(entries) < PAGE
        if entries:
            self._before = entries[-1][0]

    def _note_confirmed(self, places: int) -> None:
        self._found.update(place for place, event in enumerate(self._events[:places]) if event.is_stored)
        self.is_done = True

    def split(self) -> tuple[list[OutgoingEvent], list[OutgoingEvent]]:
        """Once it is done: the events that the stream holds, and those that it does not."""
        held = [event for place, event in enumerate(self._events) if place in self._found]
        return held, [event for place, event in enumerate(self._events) if place not in self._found]


def _payload(fields: Sequence[bytes]) -> bytes:
    return next((value for name, value in zip(fields[::2], fields[1::2], strict=False) if name == b"json"), b"")
