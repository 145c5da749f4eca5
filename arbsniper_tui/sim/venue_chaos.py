"""What goes wrong at one simulated venue, by its own dice: single frames, and the whole venue for a while."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.sim.chaos import OF_FRAMES, Chaos
from arbsniper_tui.sim.dialect import Flaw, Frame, Moment, Topic
from arbsniper_tui.sim.market import NS_PER_S, Top

_LASTS_S: Mapping[Chaos, tuple[float, float]] = {
    # Longer than the quotes of a demo may be old, so that freezing is not hidden by that rule.
    Chaos.FREEZE: (4.0, 12.0),
    Chaos.SKEW: (3.0, 12.0),
    Chaos.SLOW: (2.0, 8.0),
    Chaos.CUT: (0.0, 0.0),
    Chaos.REFUSE: (2.0, 8.0),
}
LEAST_S, MOST_S = 0.3, 8.0
"""How wrong a clock is, and how late a slow venue."""

_FLAWS = tuple(flaw for flaw in Flaw if flaw is not Flaw.CROSSED)
_GOOD_PER_BAD = 4


class Struck(Struct, frozen=True):
    """One thing that went wrong. Times are monotonic."""

    venue: str
    kind: Chaos
    begins_ns: int
    ends_ns: int
    instrument_id: int | None = None
    """None: the whole venue."""
    amount_s: float = 0.0
    """How wrong the clock is, or how late the frames."""

    @property
    def lasts_s(self) -> float:
        return (self.ends_ns - self.begins_ns) / NS_PER_S


OnStruck = Callable[[Struck], None]
Spoil = Callable[[Flaw], Sequence[Frame]]


class VenueChaos:
    """What goes wrong at one venue, by its own dice. It changes what the venue says, and never what is true."""

    def __init__(
        self, venue: str, rates: Mapping[Chaos, float], seed: int, on_struck: OnStruck = lambda struck: None
    ) -> None:
        """`rates` of frames are shares; the others say how often a second a fault begins."""
        self._venue = venue
        self._rng = Random(f"{seed} {venue}")
        self._of_frames = {kind: rates[kind] for kind in OF_FRAMES if kind in rates}
        self._of_venue = {kind: rate for kind, rate in rates.items() if kind not in OF_FRAMES}
        self._on_struck = on_struck
        self._begins_ns: dict[Chaos, int] = {}
        self._lasting: dict[Chaos, Struck] = {}
        self._shown: dict[int, Top] = {}
        self._held_back: dict[Topic, Sequence[Frame]] = {}
        self._sent = count(1)
        self._flaws = count()

    @property
    def can_be_late(self) -> bool:
        """Whether frames of this venue may have to wait."""
        return Chaos.SLOW in self._of_venue

    @property
    def late_s(self) -> float:
        """How long what is sent now is to wait."""
        return self._amount_s(Chaos.SLOW)

    def shifted(self, now: Moment) -> Moment:
        """The moment as the venue's clock has it."""
        return now._replace(wall_ns=now.wall_ns + round(self._amount_s(Chaos.SKEW) * NS_PER_S))

    def tick(self, now: Moment) -> tuple[Collection[Chaos], Collection[Chaos]]:
        """What begins and what ends now, of the faults of a whole venue."""
        ended = [kind for kind, struck in self._lasting.items() if struck.ends_ns <= now.mono_ns]
        for kind in ended:
            del self._lasting[kind]
        begun = []
        for kind, rate in self._of_venue.items():
            due_ns = self._begins_ns.get(kind)
            if due_ns is not None and due_ns <= now.mono_ns:
                self._lasting[kind] = self._strike(kind, now.mono_ns)
                begun.append(kind)
                due_ns = None
            if due_ns is None:
                after_ns = self._lasting[kind].ends_ns if kind in self._lasting else now.mono_ns
                self._begins_ns[kind] = after_ns + round(self._rng.expovariate(rate) * NS_PER_S)
        return begun, ended

    def seen(self, top: Top) -> Top:
        """What the venue shows of a best bid and ask."""
        if Chaos.FREEZE not in self._lasting:
            self._shown[top.instrument_id] = top
            return top
        held = self._shown.setdefault(top.instrument_id, top)
        # Another size, so that a venue which sends changes alone has one to send.
        return replace(held, serial=top.serial, bid_lots=held.bid_lots + 1 + top.serial % 2)

    def frames(self, topic: Topic, frame: Frame, spoil: Spoil, now: Moment) -> Sequence[Frame]:
        """What is sent in place of a good frame of an instrument on a channel. `spoil` makes a bad one."""
        sent: Sequence[Frame] = (frame,)
        for kind, rate in self._of_frames.items():
            if self._rng.random() < rate:
                self._on_struck(Struck(self._venue, kind, now.mono_ns, now.mono_ns, topic.instrument_id))
                sent = self._disturbed(kind, topic, sent, spoil)
        if sent and (late := self._held_back.pop(topic, None)):
            sent = (*sent, *late)
        return sent

    def forget(self, topic: Topic) -> None:
        """Nobody is subscribed to this any more: what was held back is not sent to those who come later."""
        self._held_back.pop(topic, None)

    def garbled(self, spoil: Spoil) -> Sequence[Frame]:
        """A bad frame of each kind in turn, behind every fourth good one."""
        return () if next(self._sent) % _GOOD_PER_BAD else spoil(Flaw(next(self._flaws) % len(Flaw)))

    def _disturbed(self, kind: Chaos, topic: Topic, sent: Sequence[Frame], spoil: Spoil) -> Sequence[Frame]:
        match kind:
            case Chaos.GAP:
                return ()
            case Chaos.DUP:
                return (*sent, *sent)
            case Chaos.REORDER:
                if topic not in self._held_back:
                    self._held_back[topic] = sent
                    return ()
                return sent
            case Chaos.CROSS:
                return (*sent, *spoil(Flaw.CROSSED))
            case _:
                return (*sent, *spoil(self._rng.choice(_FLAWS)))

    def _strike(self, kind: Chaos, at_ns: int) -> Struck:
        lasts_ns = round(self._rng.uniform(*_LASTS_S[kind]) * NS_PER_S)
        amount_s = 0.0
        if kind in (Chaos.SKEW, Chaos.SLOW):
            amount_s = self._rng.uniform(LEAST_S, MOST_S)
        if kind is Chaos.SKEW:
            amount_s *= self._rng.choice((-1, 1))
        struck = Struck(self._venue, kind, at_ns, at_ns + lasts_ns, amount_s=amount_s)
        self._on_struck(struck)
        return struck

    def _amount_s(self, kind: Chaos) -> float:
        struck = self._lasting.get(kind)
        return struck.amount_s if struck is not None else 0.0
