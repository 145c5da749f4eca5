"""What is done as time passes, apart from quotes: opened routes are priced again, and all are looked at in turn."""

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.sampling import ROUND_NS, Sampling
from arbsniper_tui.desk.survival import Survival, Survived

_WRITTEN_EVERY_NS = 250_000_000
"""Nobody trades on what became of an opportunity: written together, several cost little more than one."""


class Rounds:
    """Times are the detector's, in ns."""

    def __init__(self, sampling: Sampling, survival: Survival, journal: Journal) -> None:
        self._sampling = sampling
        self._survival = survival
        self._journal = journal
        self._replayed_ns = 0
        """When a replay looks at all routes next; 0 before its first quote."""
        self._survived: list[Survived] = []
        """What is not written yet, and when it will be."""
        self._write_due_ns = 0

    def make(self, now_ns: int, passed_ns: int) -> None:
        """A round of a live node, `passed_ns` after the one before."""
        # Before survival is asked: what is owed tells it what has opened and closed.
        self._journal.write_up()
        self._survived += self._survival.advance(now_ns)
        if now_ns >= self._write_due_ns:
            self._write_due_ns = now_ns + _WRITTEN_EVERY_NS
            self._journal.write_survived(self._survived, now_ns)
            self._survived = []
        self._sampling.look_at_slice(now_ns, passed_ns)

    def replay(self, now_ns: int) -> None:
        """What is due before something that was received at `now_ns`: the same at any speed."""
        self._journal.write_up()
        self._journal.write_survived(self._survival.advance(now_ns), now_ns)
        if now_ns >= self._replayed_ns:
            if self._replayed_ns:
                self._sampling.look_at_all(self._replayed_ns)
            self._replayed_ns = now_ns + ROUND_NS

    def end(self, now_ns: int) -> None:
        """The node ends: tell what is known of opportunities whose survival is not complete."""
        self._journal.write_up()
        self._journal.write_survived(self._survived + self._survival.end(), now_ns)
