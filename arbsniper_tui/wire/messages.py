"""Every message that crosses a process boundary, as tagged msgpack arrays. Add fields at the end only."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.health import FeedHealth, RecordingHealth, RedisHealth, WorkerHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason
from arbsniper_tui.model.setting_change import SettingChange
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.trace import SignalTrace
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
from arbsniper_tui.model.words import counted_by_reason


class QuoteBatch(Struct, frozen=True, array_like=True, tag="q", gc=False):
    """The quotes of one read from a venue's socket."""

    ts_read_ns: int
    """When the bytes arrived, by the clock of ages (`runtime.clock`); in a replay by that of the tapes."""
    ts_parsed_ns: int
    """When the batch was handed to the bus."""
    quotes: Sequence[Quote]
    recv_ns: Sequence[int] = []
    """Receipt of each quote where it is not `ts_read_ns`: from a tape, or held back while the bus was full."""


class Withdrawn(Struct, frozen=True, array_like=True, tag="w", gc=False):
    """Instruments that take no part until their next quote."""

    at_ns: int
    instrument_ids: tuple[int, ...]
    reason: Reason


class Facts(Struct, frozen=True, array_like=True, tag="f", gc=False):
    """What venues say of instruments beside their quotes; of a kind and an instrument only the newest counts."""

    at_ns: int
    """When it was read, by the clock of ages."""
    facts: tuple[Fact, ...]


class HealthReport(Struct, frozen=True, array_like=True, tag="h"):
    """How the feeds of one worker are."""

    worker: str
    feeds: tuple[FeedHealth, ...]
    conflated: int = 0
    """Quotes that a newer one replaced before the spread worker could take them."""
    recording: RecordingHealth | None = None
    """None where nothing is recorded."""
    sent_ns: int = 0
    """When it was made, by the clock of ages."""
    pid: int = 0
    """The process that made it: a worker that is started again is another one."""


class InstrumentsChanged(Struct, frozen=True, array_like=True, tag="i"):
    """Instruments that a feed has taken up while the node runs, and those that it has dropped before."""

    at_ns: int
    added: tuple[Instrument, ...] = ()
    removed: tuple[int, ...] = ()


class TapesEnded(Struct, frozen=True, array_like=True, tag="e"):
    """A replay's last message."""

    at_ns: int
    frames: int
    dropped: dict[str, int]
    quotes: int = 0

    @property
    def in_words(self) -> str:
        """What was played, and what of it took no part."""
        played = f"{self.frames} frames played, {self.quotes} quotes"
        return f"{played}; dropped: {counted_by_reason(self.dropped)}" if self.dropped else played


FromFeed = QuoteBatch | Withdrawn | InstrumentsChanged | Facts | HealthReport | TapesEnded


class Hello(Struct, frozen=True, array_like=True, tag="hello"):
    """Asks for the introduction and the whole state."""


class SetRules(Struct, frozen=True, array_like=True, tag="rules"):
    """Changes the threshold, the basis, or both, for everyone."""

    threshold_pct: float | None = None
    basis: str | None = None


class SetVerdict(Struct, frozen=True, array_like=True, tag="verdict"):
    """The user's word on an instrument whose price does not fit its peers', for everyone and for later runs."""

    venue: str
    symbol: str
    judgement: Judgement
    multiplier: int = 1
    """How many coins the venue sells as one; 1 unless that is the judgement."""


class SetMute(Struct, frozen=True, array_like=True, tag="mute"):
    """Mutes a route, or hears of it again, for everyone and for later runs."""

    buy_id: int
    sell_id: int
    is_muted: bool


class NameRoutes(Struct, frozen=True, array_like=True, tag="routes"):
    """Asks for these routes in each view, beside the largest, for `NAMED_FOR_S`. Viewers ask again in time."""

    routes: tuple[tuple[int, int], ...]
    """The ids of the instruments bought and sold."""


class EventsSince(Struct, frozen=True, array_like=True, tag="since"):
    """Asks for the events numbered above `seq`, as far as they are kept."""

    seq: int


class WorkerNotice(Struct, frozen=True, array_like=True, tag="worker"):
    """The supervisor's word on a process of the node."""

    worker: WorkerHealth


class TellTerminals(Struct, frozen=True, array_like=True, tag="tell"):
    """Asks for an event `alert`, at which every terminal UI does what `to` names."""

    words: str
    to: tuple[str, ...]
    """`bell`, `desktop` or both."""


class WorkerReport(Struct, frozen=True, array_like=True, tag="worked"):
    """A worker's word on itself, shown beside the supervisor's."""

    name: str
    pid: int
    detail: str


class Playback(Struct, frozen=True, array_like=True, tag="playback"):
    """How a replay is to be played, for everyone: a viewer's command, and the answer to the worker that plays."""

    speed: float | None
    """Times as fast as recorded; None for as fast as it goes."""
    is_paused: bool = False


class TapeReport(Struct, frozen=True, array_like=True, tag="tape"):
    """The word of the worker that plays; it is answered with a Playback where a viewer has asked for one."""

    status: ReplayStatus


class InvariantsReport(Struct, frozen=True, array_like=True, tag="invariants"):
    """The word of the process that checks a simulation's signals."""

    invariants: Invariants


class ReloadSettings(Struct, frozen=True, array_like=True, tag="reload"):
    """Asks the launching process to read the settings again, and to apply what can be applied."""


class ChangeSettings(Struct, frozen=True, array_like=True, tag="change"):
    """Asks the launching process to set keys for the rest of the run, or for later ones too."""

    texts: dict[str, str | None]
    """By dotted key, as an environment variable spells values; None forgets what viewers set there before."""
    save: bool = False


class TellAlerts(Struct, frozen=True, array_like=True, tag="alerts"):
    """Asks the launching process for the rules of alerts."""


Command = (
    Hello
    | SetRules
    | SetVerdict
    | SetMute
    | NameRoutes
    | EventsSince
    | WorkerNotice
    | TellTerminals
    | WorkerReport
    | Playback
    | TapeReport
    | InvariantsReport
)
LauncherCommand = ReloadSettings | ChangeSettings | TellAlerts
"""What the process that launched the node answers; the others are for the deciding one."""


class View(Struct, frozen=True, array_like=True, tag="view"):
    """What changed since the view before; `is_full` with everything that there is."""

    number: int
    is_full: bool
    status: NodeStatus
    quotes: tuple[QuoteRow, ...] = ()
    routes: tuple[RouteRow, ...] = ()
    feeds: tuple[FeedHealth, ...] = ()
    workers: tuple[WorkerHealth, ...] = ()
    redis: RedisHealth | None = None
    stages: tuple[StageRow, ...] = ()
    last_event: int = 0
    recording: RecordingHealth | None = None
    replay: ReplayStatus | None = None
    """None where no tapes are played, or the worker that plays has not reported yet."""
    named_routes: tuple[RouteRow, ...] = ()
    """The routes that viewers have named, whatever their spreads."""
    added: tuple[Instrument, ...] = ()
    """Instruments watched from now on."""
    removed: tuple[int, ...] = ()
    """Instruments not watched any more; they are gone before those added come."""
    routes_watched: int = 0
    facts: tuple[FactsRow, ...] = ()
    """More rows than a view holds wait for the next."""
    breakdowns: tuple[Breakdown, ...] = ()
    """Of the named routes."""
    why: tuple[WhyRow, ...] = ()
    """Of the symbols of the named routes, twice a second."""
    survival: tuple[SurvivalRow, ...] = ()
    """Of the routes that have opened; more rows than a view holds wait for the next."""
    held: tuple[HeldRow, ...] | None = None
    """All that is in quarantine; None where nothing of that has changed."""
    invariants: Invariants | None = None
    """None where nothing goes wrong on purpose."""
    route_counts: RouteCounts | None = None
    """None where nothing of that has changed."""


class Welcome(Struct, frozen=True, array_like=True, tag="welcome"):
    """The answer to Hello."""

    intro: NodeIntro
    view: View


class Events(Struct, frozen=True, array_like=True, tag="events"):
    """The answer to EventsSince, oldest first."""

    events: tuple[Event, ...]


class Done(Struct, frozen=True, array_like=True, tag="done"):
    """The answer to a command that was carried out."""


class Refused(Struct, frozen=True, array_like=True, tag="refused"):
    """The answer to a command that was not, and why."""

    why: str
    is_value: bool = False
    """A value of it is wrong; else it cannot be carried out as things stand."""


class SettingsChanged(Struct, frozen=True, array_like=True, tag="changed"):
    """The answer to ReloadSettings and ChangeSettings, once the workers go by the change."""

    changes: tuple[SettingChange, ...] = ()
    notes: tuple[str, ...] = ()
    """What else is to be known, a line each."""
    is_saved: bool = False
    """Whether later runs begin with it."""


class Alerts(Struct, frozen=True, array_like=True, tag="rules"):
    """The answer to TellAlerts."""

    rules: dict[str, Raw]
    """By name, in msgpack as the settings declare a rule."""
    made: tuple[str, ...] = ()
    """The names of those that viewers made."""


Reply = Welcome | Events | Done | Refused | Playback | SettingsChanged | Alerts

VIEW_TOPIC = b"F"
EVENT_TOPIC = b"E"
TRACE_TOPIC = b"T"
NAMED_FOR_S = 5.0
MOST_NAMED = 200
"""Routes that one command names at most."""
HELD_FOR_A_VIEWER = 1000
"""Messages that a viewer may be behind before it loses some; it sees the gap and asks for what it missed."""

encode = msgspec.msgpack.Encoder().encode
decode_from_feed = msgspec.msgpack.Decoder(FromFeed).decode
decode_command = msgspec.msgpack.Decoder(Command).decode
decode_launcher_command = msgspec.msgpack.Decoder(LauncherCommand).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
decode_view = msgspec.msgpack.Decoder(View).decode
decode_event = msgspec.msgpack.Decoder(Event).decode
decode_trace = msgspec.msgpack.Decoder(SignalTrace).decode
