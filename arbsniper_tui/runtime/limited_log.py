"""A log for troubles that come with every frame: one line a minute for each reason, with the count between.

Reasons may be a venue's own words, so their number is bounded too: those beyond it share one line a minute.
"""

import logging
from collections.abc import Callable
from time import monotonic

QUIET_S = 60.0
MOST_REASONS = 50
_OTHERS = ""
"""The reason that stands for all those beyond the bound."""


class LimitedLog:
    """Remembers when each reason was last written."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._written_s: dict[str, float] = {}
        self._unwritten: dict[str, int] = {}

    def warn(self, reason: str, detail: str) -> None:
        """Write `detail`, unless this reason was written within the last minute."""
        self._log(logging.WARNING, reason, detail)

    def info(self, reason: str, detail: str) -> None:
        """The same for what need not worry anybody."""
        self._log(logging.INFO, reason, detail)

    def _log(self, level: int, reason: str, detail: str) -> None:
        now_s = self._clock()
        if reason not in self._written_s and not self._has_room(now_s):
            reason = _OTHERS
        last_s = self._written_s.get(reason)
        if last_s is not None and now_s - last_s < QUIET_S:
            self._unwritten[reason] = self._unwritten.get(reason, 0) + 1
            return
        self._written_s[reason] = now_s
        unwritten = self._unwritten.pop(reason, 0)
        more = f" (and {unwritten} more like it)" if unwritten else ""
        self._logger.log(level, "%s%s", detail, more)

    def _has_room(self, now_s: float) -> bool:
        """Whether one more reason can be remembered, now that those of more than a minute ago are forgotten."""
        if len(self._written_s) >= MOST_REASONS:
            for reason, written_s in tuple(self._written_s.items()):
                if now_s - written_s >= QUIET_S and reason != _OTHERS:
                    del self._written_s[reason]
                    self._unwritten.pop(reason, None)
        return len(self._written_s) < MOST_REASONS
