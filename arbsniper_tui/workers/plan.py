"""What each process is told when it starts: JSON in an inherited file without a name."""

from msgspec import Struct

from arbsniper_tui.engine.gate import Rules
from arbsniper_tui.model.health import RedisHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import NodeIntro
from arbsniper_tui.net.spec import FeedSpec
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.tapes.player import TapeSource


class FeedPlan(Struct, frozen=True):
    """A feed worker: which connections, and where their quotes go."""

    worker: str
    folder: str
    """The node's endpoints."""
    feeds: tuple[FeedSpec, ...]
    record_folder: str = ""
    """Where tapes are written; empty for no recording."""
    shares_cpu: int | None = None
    max_quote_age_ms: float = 5000.0
    recorded_settings: str = ""
    """What the tapes carry at their head, JSON."""
    recording_tally: int = -1
    """The inherited descriptor of a RecordingTally; -1: nobody asks how much was recorded."""


class TapePlan(Struct, frozen=True):
    """A worker that plays tapes in place of venues."""

    worker: str
    folder: str
    tapes: tuple[TapeSource, ...]
    instruments: tuple[Instrument, ...]
    listing_files: dict[str, str] = {}
    """Venue id -> file with its REST list."""
    speed: float | None = None
    """1.0 for the tapes' own pace; None for as fast as it goes."""


class SpreadPlan(Struct, frozen=True):
    """The spread worker."""

    worker: str
    folder: str
    intro: NodeIntro
    rules: Rules
    refresh_hz: float
    redis: RedisHealth
    """Which server, as chosen; its state is `off` where there is none."""
    redis_url: str = ""
    redis_note: str = ""
    """What clients of this server must know beside its address."""
    memory: int = -1
    """The inherited descriptor of what outlives this process; -1: nothing does."""
    shares_cpu: int | None = None
    started_ns: int = 0
    """When the node was started, by `runtime.clock`: this process may be a later one."""

    @property
    def is_replay(self) -> bool:
        return self.intro.mode == "replay"


class SimWorkerPlan(Struct, frozen=True):
    """The simulated venues, each on an inherited listening socket."""

    worker: str
    sim: SimPlan
    descriptors: dict[str, int]
    """Venue id -> file descriptor."""
