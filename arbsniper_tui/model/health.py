"""How the parts of a node are: feeds, workers, Redis. Values only; who measures them is elsewhere."""

from enum import StrEnum

from msgspec import Struct

from arbsniper_tui.model.reason import Reason


class FeedState(StrEnum):
    """Where one connection to a venue stands."""

    LISTING = "listing"
    """Waiting for the venue's list of instruments."""
    CONNECTING = "connecting"
    SUBSCRIBED = "subscribed"
    """Subscribed, and no data yet: an ack is not data."""
    LIVE = "live"
    SILENT = "silent"
    """Connected, but its data stopped."""
    DOWN = "down"


class FeedHealth(Struct, frozen=True, array_like=True):
    """One connection: what it does, and what it has counted since the worker started."""

    feed: str
    """Its name: venue and market, as in `okx perp`."""
    venue: str
    state: FeedState
    detail: str = ""
    """What went wrong, or what is awaited, in words."""
    instrument_ids: tuple[int, ...] = ()
    retry_in_s: float | None = None
    since_ms: float = 0.0
    """Wall time of the last change of state."""
    connects: int = 0
    frames: int = 0
    quotes: int = 0
    bytes: int = 0
    dropped: dict[str, int] = {}
    """Invalid quotes and frames, by reason."""
    rejected: dict[str, Reason] = {}
    """Unified symbol -> why the venue does not serve it."""
    rtt_ms: float | None = None
    """Round trip of the last WebSocket ping."""
    lag_ms: float | None = None
    """How much later its data come than at their best, by the venue's own time; None where it sends none."""
    facts: str = ""
    """Why the slow facts of its perpetuals do not come, in words; empty where they do, or where there are none."""
    conflated: int = 0
    """Quotes that a newer one of the same instrument replaced before the spread worker could take them."""


class RecordingHealth(Struct, frozen=True, array_like=True):
    """The tapes that a feed worker writes."""

    folder: str
    frames: int = 0
    bytes: int = 0
    """On disk."""
    failure: str = ""
    """Why nothing is recorded any more; empty while it is."""


class RedisState(StrEnum):
    """Where the Redis sink stands."""

    OFF = "off"
    CONNECTING = "connecting"
    UP = "up"
    HUNG = "hung"
    """Connected, but it does not answer."""
    REFUSING = "refusing"
    """Connected, and it answers some commands with an error, such as being full."""
    AWAY = "away"


class RedisHealth(Struct, frozen=True, array_like=True):
    """The Redis sink, and which server it writes to."""

    state: RedisState
    source: str = ""
    """Which server: `url`, `embedded`, or empty where there is none."""
    address: str = ""
    detail: str = ""
    waiting: int = 0
    """Signals that wait in memory."""
    lost: int = 0
    """Signals that Redis will not have: dropped from a full memory, the oldest first, or refused for good."""
    rtt_ms: float | None = None


class WorkerHealth(Struct, frozen=True, array_like=True):
    """One process of the node."""

    name: str
    pid: int
    up: bool
    restarts: int = 0
    detail: str = ""
    is_needed: bool = True
    """Whether the node cannot do its work without it."""
