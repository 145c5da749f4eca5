"""What the node announces: signals (the contract's JSON), and the numbered events around them."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.instrument import Market

SignalState = Literal["open", "update", "close"]
EventKind = Literal[
    "open",
    "update",
    "close",
    "survival",
    "venue_up",
    "venue_down",
    "heartbeat",
    "worker_up",
    "worker_down",
    "settings",
    "alert",
    "end",
]


class Signal(Struct, frozen=True, kw_only=True):
    """One announcement of an opportunity; field names and order are the contract's.

    Prices are those the venues showed, except that a converted leg is in the symbol's currency.
    """

    type: Literal["ARBITRAGE_OPPORTUNITY"] = "ARBITRAGE_OPPORTUNITY"
    """Always this."""
    action: str
    """What to do, as `BUY_BINANCE_SELL_COINBASE`; with the markets where both legs are on one venue, as
    `BUY_OKX_SPOT_SELL_OKX_PERP`."""
    symbol: str
    """The unified symbol of the route, in the currency that counts."""
    spread_pct: float
    """The gross spread: what the sale brings above the purchase, in percent of the buy price; four decimals."""
    buy_price: float
    """The best ask where it is bought, never rounded; of a converted leg in the symbol's currency."""
    sell_price: float
    """The best bid where it is sold, in the same way."""
    profit_estimate: float
    """Sell price minus buy price, for one coin, before fees."""
    timestamp: int
    """When it was decided, ms since 1970."""
    detected_at: int
    """When the quote came that caused it, ms since 1970."""
    v: int = 1
    """The version of this format; fields are added within a version, never renamed."""
    id: str
    """The opportunity: the same from its opening to its close."""
    seq: int
    """Counts the signals of a run from 1, so that a gap shows what a reader has missed; an event that is no signal, as
    a close, has the number that was given last."""
    state: SignalState
    """`open`, `update` when it changed materially while open, `close`; a close is an event and no signal."""
    buy_exchange: str
    """The venue id to buy at."""
    sell_exchange: str
    """The venue id to sell at."""
    buy_symbol: str
    """The instrument to buy, in its own currency, as `BTC/USD`."""
    sell_symbol: str
    """The instrument to sell."""
    size: float
    """Coins of the base that both venues show at these prices: the smaller of the two sizes."""
    net_spread_pct: float
    """The spread after both taker fees, in percent of the buy price; four decimals."""
    net_profit: float
    """For one coin, after both taker fees."""
    buy_age_ms: int
    """Age of the bought leg's quote at the decision."""
    sell_age_ms: int
    """Age of the sold leg's quote at the decision."""
    buy_market: Market
    """The market to buy in."""
    sell_market: Market
    """The market to sell in."""
    move: str | UnsetType = UNSET
    """Shared by all routes that one quote opened or changed; none when it closes."""
    rank: int | UnsetType = UNSET
    """Its place among those of the move, by the basis in force: 1 is the best."""
    net_total: float | UnsetType = UNSET
    """What the size that both venues show and take would bring after both taker fees, in the currency that counts;
    none where no rate leads to that."""
    basis_pct: float | UnsetType = UNSET
    """What is usual for the route: the median of its gross spread over a window, in percent; this and the next once
    enough of the window has passed."""
    zscore: float | UnsetType = UNSET
    """How many deviations the spread lies above that."""
    buy_raw_price: float | UnsetType = UNSET
    """As the venue shows it; this and the next two only where a leg is converted at a live rate."""
    sell_raw_price: float | UnsetType = UNSET
    """As the venue shows it."""
    quote_rate: float | UnsetType = UNSET
    """Units of the converted leg's own currency for one of the symbol's: its raw price is its price times this. Of two
    converted legs, the bought one's."""
    assumed_rate: bool | UnsetType = UNSET
    """True where a currency counts as another one for one, on the user's word alone."""
    buy_funding_rate: float | UnsetType = UNSET
    """Of a perpetual that is bought: what its holders pay at the next settlement, in percent of the position's worth,
    for one interval; longs pay shorts where it is positive. This and the next five only where the venue told it."""
    sell_funding_rate: float | UnsetType = UNSET
    """The same of a perpetual that is sold."""
    buy_funding_interval_h: float | UnsetType = UNSET
    """Hours from one settlement of the bought perpetual to the next."""
    sell_funding_interval_h: float | UnsetType = UNSET
    """Hours from one settlement of the sold perpetual to the next."""
    buy_next_funding: int | UnsetType = UNSET
    """The next settlement of the bought perpetual, ms since 1970."""
    sell_next_funding: int | UnsetType = UNSET
    """The next settlement of the sold perpetual, ms since 1970."""
    resumed_from: str | UnsetType = UNSET
    """The id that this opportunity had before the process that announced it died."""
    duration_ms: int | UnsetType = UNSET
    """How long the opportunity was open; only when it closes."""
    best_spread_pct: float | UnsetType = UNSET
    """The largest spread it reached; only when it closes."""
    reason: str | UnsetType = UNSET
    """Why it closed."""
    survival_pct: tuple[float | None, ...] | UnsetType = UNSET
    """When it closes, as much of the event `survival` as is known by then."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the node's history; the `seq` of a run has no gaps, so that a reader can count what it missed."""

    event: EventKind
    """What happened."""
    seq: int
    """Counts the events of a run from 1, without gaps."""
    timestamp: int
    """ms since 1970."""
    signal: Signal | None = None
    """The whole signal, of an opening, an update or a close."""
    exchange: str = ""
    """The venue id, of a venue that went up or down."""
    market: str = ""
    """Its market."""
    detail: str = ""
    """Why, or what an alert says, in words."""
    id: str = ""
    """Survival: the opportunity, which has closed before."""
    symbol: str = ""
    """Survival: the symbol of its route."""
    action: str = ""
    """Survival: what was to be done."""
    survival_pct: tuple[float | None, ...] = ()
    """Survival: the gross spread of the route 50, 200, 500 and 2000 ms after the opening, in percent; null where a leg
    showed no price that takes part then."""
    signals: int = 0
    """Heartbeat: the number of the last signal."""
    to: tuple[str, ...] = ()
    """Alert: how terminals tell it, `bell`, `desktop` or both."""
    lost: int = 0
    """Heartbeat: how many events of this run the stream will never have, because Redis was away for too long or refused
    them."""
    redis: str = ""
    """Heartbeat: how the node's Redis is, `off`, `connecting`, `up`, `hung`, `refusing` or `away`."""
    node: str = ""
    """The name of the node: `[node] name`, or `demo-` and the process id, or `replay`."""
    run: str = ""
    """The run of the node: another one with each start."""
