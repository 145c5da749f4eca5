"""What the API answers about the node itself and its venues. Times are ms since 1970 by the node's clock."""

from msgspec import Struct

from arbsniper_tui.api.answers import Leg, Price, Route, Why
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.session.health import NodeHealth, PartState
from arbsniper_tui.session.node_state import NodeState
from arbsniper_tui.session.venue_rows import Venue


class Probe(Struct, frozen=True):
    """How the node is, for a probe."""

    state: PartState
    """`ok` or `degraded`; to `/health/live` also `down`, where the node answers and is not ready."""


class Venues(Struct, frozen=True):
    """The venues, in alphabetical order."""

    venues: list[Venue]
    """Those that are on."""


class NodeWord(Struct, frozen=True):
    """A node's word on itself; one that is answered for from Redis says it each second."""

    node: str
    """Its name."""
    run: str
    """The run of the node: another one with each start."""
    version: str
    """Of the program."""
    mode: str
    """`live`, `demo` or `replay`."""
    timestamp: int
    """When it was said, ms since 1970."""
    event: int
    """The number of the last event of its run."""
    api: str | None
    """Where the node's own API answers; null where it runs none."""
    health: NodeHealth
    """How it is, as `arbsniper-tui status --json` has it."""


class Nodes(Struct, frozen=True):
    """The nodes, by name."""

    nodes: list[NodeWord]
    """Those that live: one that is killed is told of for up to 10 s."""


def word_of(state: NodeState) -> NodeWord:
    """What a node says of itself in Redis."""
    return NodeWord(
        state.node, state.run, state.version, state.mode, state.timestamp, state.event, state.api, state.health
    )


class Rejected(Struct, frozen=True):
    """A symbol that a venue does not serve."""

    symbol: str
    """As it is named on every venue."""
    why: Why
    """What the venue, or its list, says."""


class Feed(Struct, frozen=True):
    """One connection to a venue. The first of a market also counts what came on those that it needs no more."""

    feed: str
    """Its name, as in `okx perp`."""
    venue: str
    """The venue's id."""
    state: FeedState
    """Where it stands."""
    detail: str
    """What went wrong, or what is awaited, in words."""
    since: float
    """Since when it is in this state."""
    retry_in_s: float | None
    """When it connects again; null while it is connected."""
    connects: int
    """How often it has connected."""
    frames: int
    """That came."""
    quotes: int
    """That took part."""
    bytes: int
    """That came."""
    dropped: dict[str, int]
    """Frames and quotes that took no part, by reason."""
    rejected: list[Rejected]
    """What the venue does not serve."""
    rtt_ms: float | None
    """The round trip of the last ping."""
    lag_ms: float | None
    """How much later its data come than at their best, by the venue's own time."""
    facts: str
    """Why funding and the like do not come, in words; empty where they do."""


class Feeds(Struct, frozen=True):
    """The connections, by name."""

    feeds: list[Feed]
    """All of them."""


class Perpetual(Leg, frozen=True):
    """What a venue says of a perpetual beside its quotes; null for what it has not said."""

    funding_rate_pct: float | None
    """What its holders pay at the next settlement, for one interval; longs pay shorts where it is positive."""
    funding_interval_h: float | None
    """Hours from one settlement to the next."""
    next_funding_at: int | None
    """The next settlement."""
    predicted_funding_pct: float | None
    """The rate at the settlement after that."""
    funding_received_at: float | None
    """When the rate came."""
    mark_price: float | None
    """The price that the venue reckons by."""
    index_price: float | None
    """The price of the coin itself, from several markets."""
    open_interest: float | None
    """Coins that are held of it on this venue."""


class Funding(Struct, frozen=True):
    """Perpetuals, by symbol and venue."""

    perpetuals: list[Perpetual]
    """Those of which a venue has told something."""


class MarketSummary(Struct, frozen=True):
    """One symbol over all venues."""

    symbol: str
    """In the currency that counts."""
    bid: Price | None
    """The highest counted bid among the quotes that take part."""
    ask: Price | None
    """The lowest counted ask."""
    widest: Route | None
    """Its route with the largest spread, where that is among the 60 largest of the node."""
    venues: list[str]
    """The venues that list it here."""
    venues_live: list[str]
    """Those of them whose quote takes part."""
    open_interest: float | None
    """Coins that are held of its perpetuals, where venues tell it; no venue is asked for its trades."""


class RouteCount(Struct, frozen=True):
    """How the opportunities of one route went."""

    id: str
    """The route's."""
    buy: Leg
    """Where it is bought."""
    sell: Leg
    """Where it is sold."""
    opened: int
    """Opportunities whose survival was looked at."""
    stood_50_ms: int
    """How many of these stood 50 ms after they opened."""
    stood_200_ms: int
    """After 200 ms."""
    stood_500_ms: int
    """After 500 ms."""
    stood_2000_ms: int
    """After 2 s."""


class VenueCount(Struct, frozen=True):
    """What one venue sent."""

    venue: str
    """The venue's id."""
    frames: int
    """That came since the worker started."""
    quotes: int
    """That took part."""
    dropped: int
    """Frames and quotes that took no part."""


class ReasonCount(Struct, frozen=True):
    """How many take no part for one reason."""

    code: ReasonCode
    """The reason."""
    instruments: int
    """Instruments whose quote takes no part for it now."""
    routes: int
    """Of the 60 largest routes, those that do not signal for it now."""


class Statistics(Struct, frozen=True):
    """Counts of this run."""

    uptime_s: float
    """Since the node started."""
    quotes_per_s: float
    """All venues together."""
    signals: int
    """That were announced."""
    open_opportunities: int
    """Now."""
    by_route: list[RouteCount]
    """Routes that have opened, most often first."""
    by_venue: list[VenueCount]
    """In alphabetical order."""
    by_reason: list[ReasonCount]
    """Most frequent first."""


class Stage(Struct, frozen=True):
    """One stage of the way from socket to signal."""

    name: str
    """The stage."""
    count: int
    """How often it was measured."""
    p50_us: float
    """Half took no longer."""
    p99_us: float
    """99 of 100 took no longer."""
    max_us: float
    """The longest."""


class Latency(Struct, frozen=True):
    """The stages, in their order."""

    stages: list[Stage]
    """All of them."""


class InForce(Struct, frozen=True):
    """The settings in force that decide what is watched and what signals, as the node tells every viewer. Addresses and
    secrets are not among them."""

    node: str
    """The node's name."""
    version: str
    """Of the program."""
    mode: str
    """`live`, `demo` or `replay`."""
    threshold_pct: float
    """A route signals when its spread is above this."""
    basis: str
    """The spread that counts: `gross`, or `net` of both taker fees."""
    route_kinds: list[str]
    """Which markets are set against each other."""
    max_quote_age_ms: float
    """An older quote takes no part."""
    cooldown_s: float
    """Between two signals of one route."""
    quotes_counted: list[str]
    """How currencies count, in words."""
    symbols: list[str]
    """What is watched, patterns resolved."""
    venues: list[str]
    """The venues of these."""
