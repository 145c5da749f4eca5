"""What the node announces: signals (the contract's JSON), and the numbered events around them."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.instrument import Market

SignalState = Literal["open", "update", "close"]
EventKind = Literal[
    "open",
    "update",
    "close",
    "venue_up",
    "venue_down",
    "heartbeat",
    "worker_up",
    "worker_down",
    "settings",
    "end",
]


class Signal(Struct, frozen=True, kw_only=True):
    """One announcement of an opportunity; field names and order are the contract's.

    Prices are those the venues showed, except that a converted leg is in the symbol's currency.
    """

    type: Literal["ARBITRAGE_OPPORTUNITY"] = "ARBITRAGE_OPPORTUNITY"
    action: str
    symbol: str
    spread_pct: float
    buy_price: float
    sell_price: float
    profit_estimate: float
    timestamp: int
    detected_at: int
    v: int = 1
    id: str
    seq: int
    state: SignalState
    buy_exchange: str
    sell_exchange: str
    buy_symbol: str
    sell_symbol: str
    size: float
    net_spread_pct: float
    net_profit: float
    buy_age_ms: int
    sell_age_ms: int
    buy_market: Market
    sell_market: Market
    buy_raw_price: float | UnsetType = UNSET
    """As the venue shows it; this and the next two only where a leg is converted at a live rate."""
    sell_raw_price: float | UnsetType = UNSET
    quote_rate: float | UnsetType = UNSET
    """Units of the converted leg's own currency for one of the symbol's: its raw price is its price times this. Of two
    converted legs, the bought one's."""
    resumed_from: str | UnsetType = UNSET
    """The id that this opportunity had before the process that announced it died."""
    duration_ms: int | UnsetType = UNSET
    """How long the opportunity was open; only when it closes."""
    best_spread_pct: float | UnsetType = UNSET
    """The largest spread it reached; only when it closes."""
    reason: str | UnsetType = UNSET
    """Why it closed."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the node's history; `seq` has no gaps, so that a reader can count what it missed."""

    event: EventKind
    seq: int
    timestamp: int
    """ms since 1970."""
    signal: Signal | None = None
    exchange: str = ""
    market: str = ""
    detail: str = ""
    signals: int = 0
    """Heartbeat: the number of the last signal."""
