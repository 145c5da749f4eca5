"""Error replies of Redis: counted, shown until the same command succeeds, logged at most once a minute."""

import logging

from arbsniper_tui.sinks.outgoing import Part

log = logging.getLogger(__name__)

LOG_EVERY_NS = 60_000_000_000


class Refusals:
    """Which commands the server refuses at present, and why."""

    def __init__(self) -> None:
        self._refused: dict[Part, str] = {}
        self._count = 0
        self._logged_at_ns: int | None = None

    def note(self, part: Part, reply: str, now_ns: int) -> None:
        self._refused[part] = reply
        self._count += 1
        if self._logged_at_ns is None or now_ns - self._logged_at_ns >= LOG_EVERY_NS:
            self._logged_at_ns = now_ns
            log.error("redis refused %s: %s (%d refusals so far)", part.value, reply, self._count)

    def clear(self, part: Part) -> None:
        self._refused.pop(part, None)

    def forget(self) -> None:
        """A new connection may be treated otherwise; the count stays."""
        self._refused.clear()

    def in_words(self) -> str:
        """`signals:history refused: OOM ... (12 refusals)`; empty when nothing is refused."""
        if not self._refused:
            return ""
        part, reply = next(iter(self._refused.items()))
        return f"{part.value} refused: {reply} ({self._count} refusals)"
