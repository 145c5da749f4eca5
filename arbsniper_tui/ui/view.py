"""What a screen is handed on each tick: the snapshot, what changed, and how the user chose to see it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from msgspec import structs

from arbsniper_tui.session.snapshot import Changes, NodeSession, Snapshot
from arbsniper_tui.ui.look import Look


@dataclass(frozen=True, slots=True)
class Standing:
    """How this viewer draws, and what of the node is held or left out."""

    refresh_hz: float
    remote: bool = False
    frozen: bool = False
    filter: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One tick of the one timer."""

    snapshot: Snapshot
    changes: Changes
    look: Look
    standing: Standing
    at_s: float = 0.0
    """Time by the count of ticks; it goes on while the view is frozen."""
    now_ms: float | None = None
    """The node's clock, ms since 1970; while nothing arrives the viewer's own advances it. None until it is known."""
    whole: bool = False
    """Draw everything, whatever `changes` says."""
    half: bool = False
    """Twice a second: ages, routes."""
    second: bool = False
    """Once a second: order, histograms, counts."""
    cost: str = ""
    """What the UI itself costs, in words."""


class Views:
    """Takes in what the session brings, frozen or not, and makes views of it."""

    def __init__(self, session: NodeSession, refresh_hz: float, remote: bool, clock: Callable[[], float]) -> None:
        self.look = Look()
        self._session = session
        self._clock = clock
        self._heard_s = clock()
        self._refresh_hz = refresh_hz
        self._remote = remote
        self._held: Snapshot | None = None
        self._ticks = 0
        self._basis = ""

    @property
    def frozen(self) -> bool:
        return self._held is not None

    @property
    def live(self) -> Snapshot:
        """The node as it is now."""
        return self._session.snapshot

    @property
    def snapshot(self) -> Snapshot:
        """The node as it is drawn."""
        return self.live if self._held is None else shown(self._held, self.live)

    def toggle_freeze(self) -> None:
        self._held = held_copy(self.live) if self._held is None else None

    def pull(self) -> Changes:
        """Take in what arrived; the routes are sorted by the basis in force."""
        changes = self._session.pull()
        self._ticks += 1
        if changes.status:
            self._heard_s = self._clock()
        self.follow_basis()
        return changes

    def follow_basis(self) -> None:
        """Sort the routes by a basis that has come into force, unless the user sorts by something else."""
        status = self.live.status
        if status is None or status.basis == self._basis:
            return
        self._basis = status.basis
        if self.look.routes in ("spread", "net"):
            self.look = replace(self.look, routes="net" if status.basis == "net" else "spread")

    def make(self, changes: Changes, cost: str, whole: bool = False) -> View:
        """The view of this tick; a frozen one has no changes."""
        a_second = max(1, round(self._refresh_hz))
        return View(
            self.snapshot,
            Changes() if self.frozen else changes,
            self.look,
            Standing(self._refresh_hz, self._remote, self.frozen, self.look.filter),
            at_s=self._ticks / self._refresh_hz,
            now_ms=self._now_ms(),
            whole=whole,
            half=not self.frozen and self._ticks % max(1, a_second // 2) == 0,
            second=not self.frozen and self._ticks % a_second == 0,
            cost=cost,
        )

    def _now_ms(self) -> float | None:
        status = self.snapshot.status
        if status is None:
            return None
        goes_on = bool(self.live.lost_contact) and not self.frozen
        return status.clock_ms + (self._clock() - self._heard_s) * 1000 * goes_on


def held_copy(live: Snapshot) -> Snapshot:
    """A snapshot that the session no longer writes to."""
    return replace(
        live,
        quotes=dict(live.quotes),
        facts=dict(live.facts),
        feeds=dict(live.feeds),
        workers=dict(live.workers),
        events=deque(live.events, maxlen=live.events.maxlen),
    )


def shown(held: Snapshot, live: Snapshot) -> Snapshot:
    """What is drawn while frozen: the held picture, but as they are now the threshold, the contact, the recording,
    Redis and a replay's position."""
    status = held.status
    if status is not None and live.status is not None:
        status = structs.replace(status, threshold_pct=live.status.threshold_pct, basis=live.status.basis)
    return replace(
        held,
        status=status,
        lost_contact=live.lost_contact,
        recording=live.recording,
        redis=live.redis,
        replay=live.replay,
    )
