"""A log for troubles that come with every frame: one line a minute for each reason, with the count between.

Reasons may be a venue's own words, so their number is bounded too: those beyond it share one line a minute.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

QUIET_S = 60.0
MOST_REASONS = 50
MOST_WAITING = 500
"""Lines that wait to be written; those beyond are counted."""
_OTHERS = ""
"""The reason that stands for all those beyond the bound."""


Soon = Callable[[Callable[[], None]], object]


def _at_once(write: Callable[[], None]) -> None:
    write()


def after_this_callback(write: Callable[[], None]) -> None:
    """Let the running loop write, once the callback that it runs now is over."""
    asyncio.get_running_loop().call_soon(write)


class LimitedLog:
    """Remembers when each reason was last written.

    Lines are handed to a bounded queue: whoever has one may have quotes to send first (docs/decisions/0020).
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = monotonic, soon: Soon = _at_once) -> None:
        """`soon` is told to call `write` when the first line waits."""
        self._logger = logger
        self._clock = clock
        self._soon = soon
        self._waiting: list[tuple[int, str, str]] = []
        self._written_s: dict[str, float] = {}
        self._unwritten: dict[str, int] = {}

    def warn(self, reason: str, detail: str) -> None:
        """Have `detail` written, unless this reason was written within the last minute."""
        self._hand_over(logging.WARNING, reason, detail)

    def info(self, reason: str, detail: str) -> None:
        """The same for what need not worry anybody."""
        self._hand_over(logging.INFO, reason, detail)

    def _hand_over(self, level: int, reason: str, detail: str) -> None:
        waiting = self._waiting
        if len(waiting) == MOST_WAITING:
            self._count(reason if reason in self._written_s else _OTHERS)
            return
        waiting.append((level, reason, detail))
        if len(waiting) == 1:
            self._soon(self.write)

    def write(self) -> None:
        """Write the lines that wait, as far as their reasons are due."""
        waiting, self._waiting = self._waiting, []
        for level, reason, detail in waiting:
            self._log(level, reason, detail)

    def _log(self, level: int, reason: str, detail: str) -> None:
        now_s = self._clock()
        if reason not in self._written_s and not self._has_room(now_s):
            reason = _OTHERS
        last_s = self._written_s.get(reason)
        if last_s is not None and now_s - last_s < QUIET_S:
            self._count(reason)
            return
        self._written_s[reason] = now_s
        unwritten = self._unwritten.pop(reason, 0)
        more = f" (and {unwritten} more like it)" if unwritten else ""
        self._logger.log(level, "%s%s", detail, more)

    def _count(self, reason: str) -> None:
        self._unwritten[reason] = self._unwritten.get(reason, 0) + 1

    def _has_room(self, now_s: float) -> bool:
        """Whether one more reason can be remembered, now that those of more than a minute ago are forgotten."""
        if len(self._written_s) >= MOST_REASONS:
            for reason, written_s in tuple(self._written_s.items()):
                if now_s - written_s >= QUIET_S and reason != _OTHERS:
                    del self._written_s[reason]
                    self._unwritten.pop(reason, None)
        return len(self._written_s) < MOST_REASONS
