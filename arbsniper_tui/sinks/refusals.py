"""Error replies of Redis: which are temporary, when the next try is due, and what users are told."""

import logging
from collections.abc import Container

from arbsniper_tui.sinks.outgoing import CommandKind

log = logging.getLogger(__name__)

LOG_EVERY_NS = 60_000_000_000
FIRST_RETRY_NS = 100_000_000
LONGEST_RETRY_NS = 2_000_000_000
FIRST_RECONNECT_NS = 1_000_000_000
LONGEST_RECONNECT_NS = 30_000_000_000

TEMPORARY = frozenset(
    ["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOAUTH"]
    + ["NOPERM", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN"]
)
"""The codes of such error replies."""
RECONNECT_AFTER_NS = {"READONLY": 0, "MASTERDOWN": 0, "NOAUTH": 0, "LOADING": 5_000_000_000}
"""Error codes that a new connection may end, because the address may lead to another server by now; and how long the
current connection is kept before."""


def is_temporary(reply: str) -> bool:
    """Whether an error reply is about the server's current state, so that the same command may succeed later."""
    return _code(reply) in TEMPORARY


def _code(reply: str) -> str:
    return reply.partition(" ")[0]


class _Refused:
    """One kind of command that the server refuses now."""

    def __init__(self, now_ns: int) -> None:
        self.reply = ""
        self.is_temporary = False
        self.is_tried = False
        """Whether a retry is in flight."""
        self.wait_ns = FIRST_RETRY_NS
        self.retry_at_ns = now_ns + FIRST_RETRY_NS


class Refusals:
    """Which kinds of command the server refuses, and when each is tried again, one command at a time."""

    def __init__(self) -> None:
        self._refused: dict[CommandKind, _Refused] = {}
        self._count = 0
        self._logged_at_ns: int | None = None
        self._is_logged = False
        self._reconnect_at_ns: int | None = None
        self._reconnect_wait_ns = 0

    def note(self, kind: CommandKind, reply: str, now_ns: int) -> bool:
        """Note an error reply. Returns whether the same command may succeed later."""
        refused = self._refused.setdefault(kind, _Refused(now_ns))
        refused.reply, refused.is_temporary = reply, is_temporary(reply)
        if refused.is_tried:
            refused.is_tried = False
            refused.wait_ns = min(2 * refused.wait_ns, LONGEST_RETRY_NS)
            refused.retry_at_ns = now_ns + refused.wait_ns
        after_ns = RECONNECT_AFTER_NS.get(_code(reply))
        if after_ns is not None and self._reconnect_at_ns is None:
            self._reconnect_at_ns = now_ns + max(after_ns, self._reconnect_wait_ns)
        self._count += 1
        if self._logged_at_ns is None or now_ns - self._logged_at_ns >= LOG_EVERY_NS:
            self._logged_at_ns = now_ns
            self._is_logged = True
            log.error("redis refuses %s: %s (%d refusals so far)", kind.value, reply, self._count)
        return refused.is_temporary

    def clear(self, kind: CommandKind) -> None:
        """A command of this kind succeeded."""
        # Usually nothing is refused, and before Python 3.12 hashing an enum member runs Python code.
        if not self._refused or self._refused.pop(kind, None) is None or self._refused:
            return
        self._reconnect_at_ns, self._reconnect_wait_ns = None, 0
        if self._is_logged:
            self._is_logged = False
            log.info("redis takes every command again (%d refusals so far)", self._count)

    def allowance(self, kind: CommandKind, now_ns: int, most: int) -> int:
        """How many commands of this kind may be written now: `most`, or one as a retry, or none."""
        refused = self._refused.get(kind) if self._refused else None
        if refused is None or not refused.is_temporary:
            return most
        if refused.is_tried or now_ns < refused.retry_at_ns:
            return 0
        refused.is_tried = True
        return 1

    def is_reconnect_due(self, now_ns: int) -> bool:
        """Whether a new connection may end the refusal by now."""
        return self._reconnect_at_ns is not None and now_ns >= self._reconnect_at_ns

    def hurry(self) -> None:
        """Make every retry due now, also one whose reply is still awaited."""
        for refused in self._refused.values():
            refused.is_tried = False
            refused.retry_at_ns = 0

    def start_over(self, waiting: Container[CommandKind]) -> None:
        """Begin with a new connection: kinds with something waiting are tried again at once, other refusals are
        forgotten. If it refuses too, the next connection is made 1, 2 ... 30 s later."""
        self._refused = {kind: refused for kind, refused in self._refused.items() if kind in waiting}
        self.hurry()
        if self._reconnect_at_ns is not None:
            self._reconnect_at_ns = None
            self._reconnect_wait_ns = min(max(2 * self._reconnect_wait_ns, FIRST_RECONNECT_NS), LONGEST_RECONNECT_NS)

    def in_words(self) -> str:
        """`signals:history refused: OOM ... (12 refusals)`; empty when nothing is refused."""
        if not self._refused:
            return ""
        kind, refused = next(iter(self._refused.items()))
        return f"{kind.value} refused: {refused.reply} ({self._count} refusals)"
