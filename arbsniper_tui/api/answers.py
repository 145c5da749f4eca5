"""What the API answers. Times are ms since 1970 by the node's clock; prices are what venues show, never rounded."""

from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.model.signal import Signal


class Why(Struct, frozen=True):
    """Why something takes no part."""

    code: ReasonCode
    """For programs."""
    words: str
    """For people."""
    venue: str
    """The venue at fault; empty where it is plain, or is none."""


class Leg(Struct, frozen=True):
    """One instrument."""

    venue: str
    """The venue's id."""
    market: Market
    """`spot` or `perp`."""
    symbol: str
    """As it is named on every venue, such as BTC/USDT, or BTC/USDT:USDT for the perpetual."""


class Price(Leg, frozen=True, kw_only=True):
    """The best bid and ask of one instrument; null before its first quote."""

    counts_as: str
    """The symbol under which it is compared with others, in the currency that counts."""
    bid: float | None = None
    """The best price at which somebody buys, in the instrument's own currency."""
    bid_size: float | None = None
    """How much of it, in coins of the base; null where it is not known, as from Redis."""
    ask: float | None = None
    """The best price at which somebody sells."""
    ask_size: float | None = None
    """How much of it."""
    counted_bid: float | None = None
    """The bid in the currency that counts; null while the rate that converts it is not known."""
    counted_ask: float | None = None
    """The ask in the same way."""
    received_at: float | None = None
    """When the quote came. Its age is the header Arbsniper-Time minus this."""
    venue_at: int | None = None
    """When the venue says that it was made; null where it does not say."""
    why_not: Why | None = None
    """Why the quote takes no part; null while it does."""


class Prices(Struct, frozen=True):
    """Prices, by venue and symbol."""

    prices: list[Price]
    """Every instrument that was asked for, those without a quote too."""


class Best(Struct, frozen=True):
    """Where a symbol can be sold and bought best now, among the quotes that take part."""

    symbol: str
    """In the currency that counts."""
    bid: Price | None
    """The highest counted bid: where to sell. Null where no quote takes part."""
    ask: Price | None
    """The lowest counted ask: where to buy."""


class Route(Struct, frozen=True):
    """Buying on one instrument and selling on another."""

    id: str
    """Names the route in paths; the same in every run and on every node."""
    symbol: str
    """In the currency that counts."""
    buy: Leg
    """Where it is bought."""
    sell: Leg
    """Where it is sold."""
    spread_pct: float | None
    """What the sale brings above the purchase, in percent of the buy price; null while a price is missing."""
    net_spread_pct: float | None
    """The same after both taker fees."""
    size: float | None
    """Coins of the base that both venues show."""
    net_total: float | None
    """What that size would bring after both fees, in the currency that counts."""
    basis_pct: float | None
    """The usual spread of the route; null until it is known."""
    zscore: float | None
    """How many deviations the spread lies above that."""
    opened_at: float | None
    """Since when an opportunity is open; null where none is."""
    signals: int
    """Opportunities that the route has announced."""
    why_not: Why | None
    """The first reason why it does not signal; null while its opportunity is open."""


class Routes(Struct, frozen=True):
    """A page of routes."""

    routes: list[Route]
    """In the order that was asked for."""
    watched: int
    """All routes that the node watches; of these it tells the 60 with the largest spreads."""
    cursor: str | None
    """Ask with it for the next page; null on the last one."""


class Gate(Struct, frozen=True):
    """What one gate says of a route."""

    name: str
    """The gate."""
    why_not: Why | None
    """Null where it lets the route pass."""


class RouteBreakdown(Struct, frozen=True):
    """A route's way through the gates, up to the first that says no."""

    id: str
    """The route's."""
    symbol: str
    """In the currency that counts."""
    buy: Leg
    """Where it is bought."""
    sell: Leg
    """Where it is sold."""
    gates: list[Gate]
    """In the order in which they are asked."""


class Opportunities(Struct, frozen=True):
    """What can be bought below where another buys it."""

    open: list[Route]
    """Those that are open, the largest spread first; of the 60 largest routes."""
    open_in_all: int
    """How many are open on the node."""
    closed: list[Signal]
    """The last word on those that have closed, newest first."""


class Signals(Struct, frozen=True):
    """Signals as they were announced; docs/signals.md says what each field is."""

    signals: list[Signal]
    """Newest first."""
