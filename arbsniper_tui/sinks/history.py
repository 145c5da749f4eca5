"""How long the history of signals may be: the newest 1000 by time, and 2000 while the clock is behind its entries."""

import hiredis

from arbsniper_tui.sinks import redis_keys
from arbsniper_tui.sinks.outgoing import pack_command
from arbsniper_tui.sinks.refusals import is_temporary

LATEST_COMMAND = pack_command(("ZREVRANGE", redis_keys.HISTORY_KEY, 0, 0, "WITHSCORES"))
"""Asks for the entry with the latest time; the reply is [entry, time], or empty."""


def _trim_command(length: int) -> bytes:
    return pack_command(("ZREMRANGEBYRANK", redis_keys.HISTORY_KEY, 0, -length - 1))


_TRIM = _trim_command(redis_keys.HISTORY_LENGTH)
_TRIM_BEHIND = _trim_command(2 * redis_keys.HISTORY_LENGTH)


class HistoryTrim:
    """Which trim is due after an entry was added.

    A trim removes the entries with the earliest times. Once the clock has gone back, those are the new ones: so 1000
    more are kept until the clock has caught up with the latest time that the history holds.
    """

    def __init__(self) -> None:
        self._is_wanted = False
        self._added_ms = 0
        self._latest_ms: int | None = None
        self.is_asked = False
        """Whether LATEST_COMMAND was written on the current connection."""

    def start_over(self) -> None:
        """Begin with a new connection, whose server may hold another history."""
        self._latest_ms = None
        self.is_asked = False

    def learn(self, reply: object) -> None:
        """Take the reply to LATEST_COMMAND, which is asked again after a temporary error. A history that cannot be read
        counts as empty."""
        if isinstance(reply, hiredis.ReplyError) and is_temporary(str(reply)) and not str(reply).startswith("NOPERM"):
            self.start_over()  # so that it is asked again
            return
        entry_and_time = reply if isinstance(reply, list) else []
        self._latest_ms = int(float(entry_and_time[1])) if entry_and_time else 0

    def note_added(self, timestamp_ms: int) -> None:
        """An entry with this time was written."""
        self._is_wanted = True
        self._added_ms = timestamp_ms

    @property
    def is_due(self) -> bool:
        """Whether an entry was added since the last trim, and the latest time before it is known."""
        return self._is_wanted and self._latest_ms is not None

    def take_command(self) -> bytes:
        """The trim that is due."""
        assert self._latest_ms is not None
        self._is_wanted = False
        is_behind = self._added_ms < self._latest_ms
        self._latest_ms = max(self._latest_ms, self._added_ms)
        return _TRIM_BEHIND if is_behind else _TRIM

    def take_back(self) -> None:
        """The last trim was refused."""
        self._is_wanted = True
