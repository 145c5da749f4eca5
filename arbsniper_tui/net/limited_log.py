"""A log for troubles that come with every frame: one line a minute for each reason, with the count between."""

import logging
from collections.abc import Callable
from time import monotonic

QUIET_S = 60.0


class LimitedLog:
    """Remembers when each reason was last written."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._written_s: dict[str, float] = {}
        self._unwritten: dict[str, int] = {}

    def warn(self, reason: str, detail: str) -> None:
        """Write `detail`, unless this reason was written within the last minute."""
        now_s = self._clock()
        last_s = self._written_s.get(reason)
        if last_s is not None and now_s - last_s < QUIET_S:
            self._unwritten[reason] = self._unwritten.get(reason, 0) + 1
            return
        self._written_s[reason] = now_s
        unwritten = self._unwritten.pop(reason, 0)
        more = f" (and {unwritten} more like it)" if unwritten else ""
        self._logger.warning("%s%s", detail, more)
