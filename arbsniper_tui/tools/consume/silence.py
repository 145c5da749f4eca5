"""Who is silent: each run of a node sends a heartbeat a second. No I/O, no clock."""

from collections.abc import Iterator

from arbsniper_tui.sinks.redis_keys import EVENTS_CHANNEL
from arbsniper_tui.tools.consume.breach import run_words
from arbsniper_tui.tools.consume.numbering import RunKey

_SECOND_NS = 1_000_000_000


class Silence:
    """Says once that a run, or every one, is silent, and once that it is heard again."""

    def __init__(self, after_ns: int, now_ns: int) -> None:
        """`after_ns`: how long a silence is worth no line."""
        self._after_ns = after_ns
        self._heard_ns: dict[RunKey, int] = {}
        self._silent: dict[RunKey, int] = {}
        """Runs that were said to be silent, and since when they are."""
        self._nobody_since_ns: int | None = now_ns
        """Since when no run is heard; None while one is, and after it was said."""

    def hear(self, run: RunKey, now_ns: int) -> Iterator[str]:
        """An event of this run came; what is to be said about that."""
        self._heard_ns[run] = now_ns
        self._nobody_since_ns = None
        if (since_ns := self._silent.pop(run, None)) is not None:
            yield f"{run_words(run)}: heard again after {(now_ns - since_ns) / _SECOND_NS:.1f} s"

    def end(self, run: RunKey) -> None:
        """This run has said that it ends, as a replay does."""
        self._heard_ns.pop(run, None)

    def restart(self, now_ns: int) -> None:
        """The reader itself was away: each silence begins now."""
        self._heard_ns = dict.fromkeys(self._heard_ns, now_ns)
        if not self._heard_ns:
            self._nobody_since_ns = now_ns

    def tick(self, now_ns: int) -> Iterator[str]:
        """What is to be said about silences; while Redis answers, and everything that has come was taken."""
        after_s = self._after_ns / _SECOND_NS
        for run, heard_ns in list(self._heard_ns.items()):
            if now_ns - heard_ns >= self._after_ns:
                del self._heard_ns[run]
                self._silent[run] = heard_ns
                yield f"{run_words(run)}: silent for {after_s:g} s, where a heartbeat comes each second; redis answers"
        if self._nobody_since_ns is not None and now_ns - self._nobody_since_ns >= self._after_ns:
            self._nobody_since_ns = None
            yield (
                f"nothing came on {EVENTS_CHANNEL} for {after_s:g} s, where each node sends a heartbeat a second: does "
                "one write to this Redis? `arbsniper-tui doctor` names the server of a node that runs here"
            )
