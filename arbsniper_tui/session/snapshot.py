"""What a front end knows of a node, and what changed since it last looked. No socket, no clock."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from arbsniper_tui.model.health import FeedHealth, RecordingHealth, RedisHealth, RedisState, WorkerHealth
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.verdict import Judgement
from arbsniper_tui.model.view import (
    Breakdown,
    FactsRow,
    HeldRow,
    Invariants,
    NodeIntro,
    NodeStatus,
    QuoteRow,
    ReplayStatus,
    RouteCounts,
    RouteRow,
    StageRow,
    SurvivalRow,
    WhyRow,
)

EVENTS_KEPT = 2000
RouteKey = tuple[int, int]


@dataclass(slots=True)
class Snapshot:
    """The newest state of every row, and the last events. Front ends read it; only the session writes it."""

    intro: NodeIntro | None = None
    status: NodeStatus | None = None
    quotes: dict[int, QuoteRow] = field(default_factory=dict)
    facts: dict[int, FactsRow] = field(default_factory=dict)
    """What venues say of instruments beside their quotes, by instrument."""
    routes: tuple[RouteRow, ...] = ()
    """The largest spreads first, by the basis in force."""
    named_routes: dict[RouteKey, RouteRow] = field(default_factory=dict)
    """The routes that viewers of the node have named, by the ids of the instruments bought and sold."""
    breakdowns: dict[RouteKey, Breakdown] = field(default_factory=dict)
    """What each gate says of those."""
    why: dict[str, WhyRow] = field(default_factory=dict)
    """Why the routes of their symbols did not signal in the last hour."""
    survival: dict[RouteKey, SurvivalRow] = field(default_factory=dict)
    """How long the opportunities of each route that has opened stood."""
    route_counts: RouteCounts | None = None
    """None until every route has been looked at once."""
    feeds: dict[str, FeedHealth] = field(default_factory=dict)
    workers: dict[str, WorkerHealth] = field(default_factory=dict)
    held: tuple[HeldRow, ...] = ()
    """What is in quarantine, the longest first."""
    redis: RedisHealth = RedisHealth(RedisState.OFF)
    recording: RecordingHealth | None = None
    """None where the node records nothing."""
    replay: ReplayStatus | None = None
    """None where no tapes are played."""
    invariants: Invariants | None = None
    """None where nothing goes wrong on purpose."""
    stages: tuple[StageRow, ...] = ()
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    """Oldest first; heartbeats left out."""
    last_event: int = 0
    """The number of the node's last event when the newest view was made."""
    events_after: int = 0
    """The number of the last event that this session did not ask for."""
    events_upto: int = 0
    """The number of the last event that it has read, heartbeats included."""
    missed: int = 0
    """Events that were overwritten on the node before this session could read them."""
    lost_contact: str = ""
    """Why nothing arrives, in words; empty while views come in."""
    is_outdated: bool = False
    """Whether this process stood still for long, and the node's whole state has not come since."""

    def route(self, key: RouteKey) -> RouteRow | None:
        """The row of a route that is among the largest or was named; None for any other."""
        for each in self.routes:
            if (each.buy_id, each.sell_id) == key:
                return each
        return self.named_routes.get(key)


@dataclass(slots=True)
class Changes:
    """What differs since the last pull. A front end repaints this and nothing else."""

    intro: bool = False
    status: bool = False
    quotes: set[int] = field(default_factory=set)
    """Instrument ids."""
    routes: bool = False
    held: bool = False
    feeds: bool = False
    redis: bool = False
    stages: bool = False
    events: list[Event] = field(default_factory=list)
    contact: bool = False
    replay: bool = False
    ended: bool = False
    """The tapes have ended: nothing new comes any more."""


class NodeSession(Protocol):
    """All that a front end may ask of a session."""

    snapshot: Snapshot

    def pull(self) -> Changes:
        """Take in what has arrived. May wait half a second, once a second, for events that were missed."""
        ...

    def set_threshold(self, threshold_pct: float) -> None:
        """For all viewers of the node; the status shows it when it is in force."""
        ...

    def set_basis(self, basis: str) -> None:
        """`gross` or `net`, for all viewers of the node."""
        ...

    def set_verdict(self, venue: str, symbol: str, judgement: Judgement, multiplier: int) -> None:
        """On a coin, for all viewers of the node and for later runs."""
        ...

    def set_mute(self, route: RouteKey, is_muted: bool) -> None:
        """Whether a route makes no signal, for all viewers and for later runs."""
        ...

    def name_routes(self, routes: Sequence[RouteKey]) -> None:
        """Keep these routes in the snapshot, whatever their spreads; they replace those named before."""
        ...

    def set_playback(self, speed: float | None, is_paused: bool) -> None:
        """Play a replay's tapes at this speed (None: as fast as it goes), or pause them, for all viewers."""
        ...
