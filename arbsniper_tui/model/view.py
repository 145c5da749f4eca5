"""What a front end draws: rows of quotes, routes and latency stages, as the spread worker publishes them."""

from msgspec import Struct

from arbsniper_tui.model.fact import CoinName, Funding, Mark, OpenInterest, OrderLimits
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.verdict import Verdict


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
    rate_id: int | None = None
    """The market whose rate converts it now; None where it is not converted."""


class FactsRow(Struct, frozen=True, array_like=True, gc=False):
    """What its venue says of one instrument beside its quotes; None for what it has not said. The times of receipt are
    wall time, ms since 1970."""

    instrument_id: int
    funding: Funding | None = None
    funding_ms: float = 0.0
    mark: Mark | None = None
    mark_ms: float = 0.0
    interest: OpenInterest | None = None
    interest_ms: float = 0.0
    limits: OrderLimits | None = None
    coin: CoinName | None = None
    """What the venue's list calls the coin."""


class HeldRow(Struct, frozen=True, array_like=True, gc=False):
    """An instrument in quarantine: it may be another coin than its peers."""

    instrument_id: int
    reason: Reason
    ratio: float
    """Its price beside the median of its peers', now."""
    price: float
    """Between bid and ask, in `currency`; 0 while it has none."""
    currency: str
    since_ms: float
    """Wall time, ms since 1970."""
    peers: tuple[tuple[int, float], ...] = ()
    """The instruments that it is set against, with their prices in the same currency."""
    verdict: Verdict | None = None
    """What the user has said of it before."""


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
    """What the whole lots in `size` would bring after both taker fees, in the currency that counts."""
    basis_pct: float | None = None
    """The median of its gross spread over a window; None until enough of it has passed."""
    zscore: float | None = None
    """How many deviations the spread lies above that."""


class SurvivalRow(Struct, frozen=True, array_like=True, gc=False):
    """How many of a route's opportunities stood 50, 200, 500 and 2000 ms after they opened."""

    buy_id: int
    sell_id: int
    opened: int = 0
    stood: tuple[int, ...] = (0, 0, 0, 0)


class WhyRow(Struct, frozen=True, array_like=True, gc=False):
    """Why the routes of a symbol did not signal in the last hour, found by looking at each every 10 s."""

    symbol: str
    looks: int
    reasons: tuple[tuple[Reason | None, int], ...]
    """The most frequent, with how often; None stands for an open opportunity."""


class RouteCounts(Struct, frozen=True, array_like=True, gc=False):
    """All routes by the first reason why they do not signal, as each was when it was last looked at, which is done
    every 10 s."""

    announced: int = 0
    """Routes whose opportunity is open and has been announced."""
    waiting: dict[ReasonCode, int] = {}


class Breakdown(Struct, frozen=True, array_like=True, gc=False):
    """A route's way through the gates, up to the first that says no."""

    buy_id: int
    sell_id: int
    symbol: str
    """Of the route."""
    outcomes: tuple[tuple[str, Reason | None], ...]
    """The name of each gate, and its reason; None where it lets the route pass."""


class StageRow(Struct, frozen=True, array_like=True):
    """One stage of the way from socket to signal. `counts` are the drawn buckets, evenly spaced in log2 us."""

    name: str
    count: int
    p50_us: float
    p99_us: float
    max_us: float
    counts: tuple[int, ...]
    sum_us: float = 0.0


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


class Invariants(Struct, frozen=True, array_like=True):
    """What must stay at 0 whatever goes wrong at the venues, counted beside a simulation, which knows the truth."""

    false_signals: int = 0
    """Of which a leg's price had not been there within the age that a quote may have."""
    doubled_events: int = 0
    unclosed_opens: int = 0
    """Opportunities whose route opened another, or whose node ended, without their close."""
    unchecked: int = 0
    """Signals on which the simulation could not be asked, and events that were overwritten before they were read."""

    @property
    def hold(self) -> bool:
        return not (self.false_signals or self.doubled_events or self.unclosed_opens)

    @property
    def in_words(self) -> str:
        counts = (
            f"false signals {self.false_signals}, doubled events {self.doubled_events}, "
            f"unclosed opens {self.unclosed_opens}"
        )
        return f"{counts}, not checked {self.unchecked}" if self.unchecked else counts


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
    held: int = 0
    """Instruments in quarantine, which wait for the user's verdict."""


class NodeIntro(Struct, frozen=True):
    """What a viewer must know once, before the first row makes sense."""

    node: str
    """The node's name: `[node] name`, or `demo-` and the process id, or `replay`."""
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
    run: str = ""
    """The run of the node: another one with each start."""
