"""What the workers that quotes come from are told when they start: JSON in an inherited file."""

from msgspec import Struct

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, InstrumentChange
from arbsniper_tui.tapes.source import TapeSource


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
    patterns: Settings | None = None
    """What the venues' lists are searched for; None where every instrument was asked for by name."""
    recording_tally: int = -1
    """The inherited descriptor of a RecordingTally; -1: nobody asks how much was recorded."""
    multipliers: dict[str, int] = {}
    """`venue symbol` -> how many coins the venue sells as one, by the user's word."""
    changed: InstrumentChange | None = None
    """How the instruments differ from those of the node's start; a worker that begins tells it the deciding one. None
    where they do not."""


class TickPlan(Struct, frozen=True):
    """The worker that takes ticks from outside: where it listens, and of which exchanges."""

    worker: str
    folder: str
    """The node's endpoints."""
    address: str
    """As the settings have it."""
    feeds: tuple[FeedSpec, ...]
    record_folder: str = ""
    recorded_settings: str = ""
    recording_tally: int = -1
    """As in a FeedPlan."""


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
    follows: bool = False
    """The settings hold patterns, so that instruments come and go as they did when the tapes were recorded."""
