"""The life of each opportunity as events tell it: one opening, updates, one close, and what became of it. Pure."""

from collections.abc import Iterator

from msgspec import UNSET, Struct

from arbsniper_tui.model.signal import Signal
from arbsniper_tui.tools.consume.breach import Contradiction, Remembered
from arbsniper_tui.tools.consume.numbering import RunKey
from arbsniper_tui.tools.consume.signal_rules import changed_route

Place = tuple[str, str]
"""Node and id: the next run of a node closes what the one before left open."""


class Beginning(Struct, frozen=True):
    """The first event that was heard of a run."""

    is_first: bool
    """Whether it is the first of the run, so that nothing came before it."""
    timestamp: int


class _Opportunity(Struct):
    run: RunKey
    signal: Signal
    best_pct: float


class Lifecycle:
    """Takes the signals of openings, updates and closes in the order of their events."""

    def __init__(self) -> None:
        self._open: dict[Place, _Opportunity] = {}
        self._closed: Remembered[Place, None] = Remembered()
        self._survived: Remembered[Place, None] = Remembered()
        self._last_number: dict[RunKey, int] = {}
        self._last_ranked: dict[RunKey, Signal] = {}

    @property
    def open_count(self) -> int:
        return len(self._open)

    def left_open(self, key: RunKey) -> list[str]:
        """The ids of what this run opened and nobody has closed."""
        return [place[1] for place, opportunity in self._open.items() if opportunity.run == key]

    def take(self, signal: Signal, key: RunKey, beginning: Beginning) -> Iterator[Contradiction]:
        """The next signal of a run."""
        place = key[0], signal.id
        opened = self._open.get(place)
        # What a run before it opened may be closed with that one's number.
        if signal.state != "close" or (opened is not None and opened.run == key):
            yield from self._numbered(signal, key)
        if signal.rank is not UNSET:
            yield from self._ranked(signal, key)
        if signal.state == "open":
            yield from self._opened(signal, place)
        elif opened is None:
            yield from self._unopened(signal, place, beginning)
        else:
            yield from changed_route(opened.signal, signal)
            best_pct = signal.best_spread_pct
            if best_pct is not UNSET and best_pct < opened.best_pct:
                yield Contradiction(f"best_spread_pct of {opened.best_pct!r} or more, as announced", repr(best_pct))
        if signal.state == "close":
            self._open.pop(place, None)
            self._closed.note(place, None)
        elif place not in self._closed:
            best_pct = max(signal.spread_pct, opened.best_pct if opened is not None else signal.spread_pct)
            self._open[place] = _Opportunity(key, signal, best_pct)

    def forget_numbers(self, key: RunKey) -> None:
        """Events of this run are missing: what comes next does not follow on what came last."""
        self._last_number.pop(key, None)
        self._last_ranked.pop(key, None)

    def take_survival(self, opportunity_id: str, node: str) -> Iterator[Contradiction]:
        """The event that says how its spread went on."""
        place = node, opportunity_id
        if place in self._open:
            yield Contradiction(f"a close of {opportunity_id} before its survival", "none")
        if place in self._survived:
            yield Contradiction(f"one event survival of {opportunity_id}", "another")
        self._survived.note(place, None)

    def _numbered(self, signal: Signal, key: RunKey) -> Iterator[Contradiction]:
        """The numbers count signals; an event that is no signal, as every close, has the last one."""
        last = self._last_number.get(key)
        self._last_number[key] = signal.seq
        if last is None:
            return
        is_counted = signal.state == "update" or (signal.state == "open" and signal.resumed_from is UNSET)
        if not last <= signal.seq <= last + is_counted:
            expected = f"signal number {last}" + (f" or {last + 1}" if is_counted else "")
            yield Contradiction(expected, str(signal.seq))

    def _ranked(self, signal: Signal, key: RunKey) -> Iterator[Contradiction]:
        """The routes that one quote opened or changed come one behind the other, the best first."""
        before = self._last_ranked.get(key)
        self._last_ranked[key] = signal
        if before is None:
            return  # the first of its move may have come before
        expected = before.rank + 1 if before.rank is not UNSET and before.move == signal.move else 1
        if signal.rank != expected:
            yield Contradiction(f"rank {expected} in move {signal.move}", str(signal.rank))
        elif expected > 1 and signal.spread_pct > before.spread_pct and signal.net_spread_pct > before.net_spread_pct:
            best = f"at most {before.spread_pct!r}, or net {before.net_spread_pct!r}, as rank {before.rank}"
            yield Contradiction(f"a spread of {best}", f"{signal.spread_pct!r}, net {signal.net_spread_pct!r}")

    def _opened(self, signal: Signal, place: Place) -> Iterator[Contradiction]:
        if place in self._open or place in self._closed:
            state = "open" if place in self._open else "closed"
            yield Contradiction("an id of its own for each opportunity", f"{signal.id}, which is {state} already")
        if signal.resumed_from is not UNSET and (place[0], signal.resumed_from) in self._open:
            yield Contradiction(f"a close of {signal.resumed_from} before it is opened again", "none")

    def _unopened(self, signal: Signal, place: Place, beginning: Beginning) -> Iterator[Contradiction]:
        """An update or a close of what is not open is a fault, unless it may have been opened before the first event
        that was heard: an update by this run, a close by one before it too."""
        if place in self._closed:
            yield Contradiction(f"one close for each opening, and nothing after it, of {signal.id}", signal.state)
        elif signal.state == "update" and beginning.is_first:
            yield Contradiction("an opening before an update", f"an update of {signal.id}, which is not open")
        elif signal.duration_ms is not UNSET and signal.timestamp - signal.duration_ms > beginning.timestamp:
            yield Contradiction("an opening before a close", f"a close of {signal.id}, which is not open")
