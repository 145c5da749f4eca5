"""What a front end draws: rows of quotes, routes and latency stages, as the spread worker publishes them."""

from msgspec import Struct

from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason


class QuoteRow(Struct, frozen=True, array_like=True, gc=False):
    """One instrument on the screen. `reason` is None while its quote takes part."""

    instrument_id: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    ts_recv_ms: float
    """Wall time of the receipt, ms since 1970; 0 before the first quote. Age = frame time - this."""
    ts_venue_ms: int | None
    reason: Reason | None
    quotes: int = 0
    """How many quotes this instrument has had."""


class FactsRow(Struct, frozen=True, array_like=True, gc=False):
    """What its venue says of one perpetual beside its quotes; None for what it has not said. The times of receipt are
    wall time, ms since 1970."""

    instrument_id: int
    funding: Funding | None = None
    funding_ms: float = 0.0
    mark: Mark | None = None
    mark_ms: float = 0.0
    interest: OpenInterest | None = None
    interest_ms: float = 0.0


class RouteRow(Struct, frozen=True, array_like=True, gc=False):
    """One route on the screen, buy leg and sell leg by instrument id."""

    buy_id: int
    sell_id: int
    spread_pct: float
    net_spread_pct: float
    size: float
    """Base coins that both legs show."""
    reason: Reason | None
    """The first reason why it does not signal; None while its opportunity is open."""
    open_ms: float
    """How long its opportunity has been open; 0 when there is none."""
    signals: int
    """Opportunities it has announced."""
    net_total: float = 0.0
    """What `size` would bring after both taker fees, in the route's currency."""


class StageRow(Struct, frozen=True, array_like=True):
    """One stage of the way from socket to signal. `counts` are the drawn buckets, evenly spaced in log2 us."""

    name: str
    count: int
    p50_us: float
    p99_us: float
    max_us: float
    counts: tuple[int, ...]


class ReplayStatus(Struct, frozen=True, array_like=True):
    """How far a replay is, and how it is played. Times are ns since 1970, as the tapes have them."""

    begins_ns: int
    now_ns: int
    """Where the next frame stands."""
    ends_ns: int | None
    """None until the tapes have been looked through."""
    speed: float | None
    """Times as fast as recorded; None for as fast as it goes."""
    is_paused: bool = False
    is_over: bool = False
    frames: int = 0
    quotes: int = 0
    dropped: dict[str, int] = {}
    """Frames and quotes that took no part, by reason."""
    unwatched: tuple[str, ...] = ()
    """`SYMBOL of VENUE` for what is on the tapes and nobody watches."""
    took_s: float = 0.0
    """Since it began, pauses included."""

    @property
    def share(self) -> float | None:
        """The part of the tapes' time that is played, 0 to 1; None while their end is not known."""
        if self.is_over:
            return 1.0
        if self.ends_ns is None or self.ends_ns <= self.begins_ns:
            return None
        return min(1.0, (self.now_ns - self.begins_ns) / (self.ends_ns - self.begins_ns))


class NodeStatus(Struct, frozen=True, array_like=True):
    """The top bar's numbers."""

    threshold_pct: float
    basis: str
    """`gross` or `net`."""
    quotes_per_s: float
    signals: int
    open_opportunities: int
    uptime_s: float
    clock_ms: float
    """The node's clock: wall time, or the tape's in a replay."""
    viewers: int
    conflated: int


class NodeIntro(Struct, frozen=True):
    """What a viewer must know once, before the first row makes sense."""

    node: str
    """The node's name: host and process id, or `replay`."""
    version: str
    mode: str
    """`live`, `demo` or `replay`."""
    pid: int
    instruments: tuple[Instrument, ...]
    route_kinds: tuple[str, ...]
    routes: int
    max_quote_age_ms: float
    cooldown_s: float
    quotes_counted: tuple[str, ...] = ()
    """How `[quotes]` counts currencies, in words: `USD counts as USDT 1:1`."""
