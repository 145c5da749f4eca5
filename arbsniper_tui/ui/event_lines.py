"""Events as lines of the log: the columns, and what stands in each. Pure."""

from collections.abc import Sequence

from msgspec import UNSET

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.session.derived import native_quote
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import MONEY_WIDTH, Column, row
from arbsniper_tui.ui.paint import Line, cell, joined

WIDE_FROM = 61
_MIXED = {Market.SPOT: "s→p", Market.PERP: "p→s"}
"""A route between markets, by the market of its buy leg."""

NARROW = (
    Column("minute", "", 5),
    Column("mark", "", 1),
    Column("base", "", 8),
    Column("venues", "", 15, grows=True),
    Column("spread", "gross", 5, "right"),
    Column("net", "net", 5, "right", "%"),
)
WIDE = (
    Column("clock", "", 12),
    Column("mark", "", 1),
    Column("state", "", 6, drop=1),
    Column("symbol", "", 8),
    Column("market", "", 4),
    Column("route", "", 19, grows=True),
    Column("spread", "gross", 7, "right", "%"),
    Column("net", "net", 7, "right", "%"),
    Column("money", "net total", MONEY_WIDTH, "right", drop=2),
    Column("buy", "buy at", 12, "right", drop=5),
    Column("sell", "sell at", 12, "right", drop=5),
    Column("size", "size coins", 11, "right", drop=6),
    Column("lasted", "open for", 9, "right", drop=3),
)
_MARKS = {
    "open": ("●", "accent"),
    "update": ("·", "accent"),
    "close": ("○", "quiet"),
    "venue_up": ("▲", "good"),
    "venue_down": ("×", "bad"),
    "worker_up": ("▲", "good"),
    "worker_down": ("×", "bad"),
    "settings": ("=", "accent"),
    "alert": ("!", "warn"),
    "end": ("■", "warn"),
}
_VERBS = {"venue_up": "up", "venue_down": "down", "worker_up": "up", "worker_down": "down"}


def event_line(event: Event, columns: Sequence[Column], room: int) -> Line:
    """The line of one event. A signal that would lose money after fees is drawn quietly, however large its spread."""
    signal = event.signal
    if signal is None:
        return _plain_line(event, room)
    is_gain = signal.net_spread_pct > 0.0
    role = "text" if is_gain and signal.state == "open" else "quiet"
    number = "quiet" if signal.state == "close" else "gain" if is_gain else "loss"
    clock, (mark, mark_role) = fmt.clock(event.timestamp), _MARKS[event.event]
    widths = {column.id: column.width for column in columns}
    decimals = 3 if widths["spread"] > 5 else 2
    counted = native_quote(signal.symbol)
    texts = {
        "minute": (clock[:5], "quiet"),
        "clock": (clock, "quiet"),
        "mark": (mark, mark_role if is_gain else "quiet"),
        "state": (signal.state, role),
        "base": (_base(signal), role),
        "symbol": (signal.symbol.partition(":")[0], role),
        "market": (signal.buy_market.value if signal.buy_market is signal.sell_market else "", "quiet"),
        "venues": (f"{signal.buy_exchange}→{signal.sell_exchange}", role),
        "route": (_route(signal, widths.get("route", 0)), role),
        "spread": (fmt.pct(signal.spread_pct, decimals, widths["spread"]), role),
        "net": (fmt.pct(signal.net_spread_pct, decimals, widths["net"]), number),
        "money": (fmt.money_in(counted, signal.size * signal.net_profit, MONEY_WIDTH), number),
        "buy": (_price(signal, signal.buy_price, signal.buy_symbol), role),
        "sell": (_price(signal, signal.sell_price, signal.sell_symbol), role),
        "size": (fmt.amount(signal.size, 4, 11), "quiet"),
        "lasted": (_lasted(signal), "quiet"),
    }
    return row(columns, [texts[column.id] for column in columns])


def _plain_line(event: Event, room: int) -> Line:
    clock = fmt.clock(event.timestamp)[: 12 if room >= WIDE_FROM else 5]
    mark = _MARKS.get(event.event, ("·", "quiet"))
    named = (event.exchange, event.market, _VERBS.get(event.event, ""))
    said = " ".join(part for part in named if part) or event.event
    detail = f": {event.detail}" if event.detail else ""
    role = mark[1] if event.event.endswith("down") else "quiet"
    text = cell(said + detail, max(1, room - len(clock) - 3)).rstrip()
    return joined(((f"{clock} ", "quiet"), mark, (" ", "text"), (text, role)))


def _base(signal: Signal) -> str:
    """The coin, and the market where it is not spot alone: `BTC`, `BTC perp`, `BTC s→p`."""
    coin = signal.symbol.partition("/")[0]
    if signal.buy_market is not signal.sell_market:
        return f"{coin} {_MIXED[signal.buy_market]}"
    return coin if signal.buy_market is Market.SPOT else f"{coin} {signal.buy_market.value}"


def _route(signal: Signal, width: int) -> str:
    """Both venues, with their markets or their own quote currencies where these differ and the room is there."""
    buy, sell = signal.buy_exchange, signal.sell_exchange
    counted, bought, sold = (native_quote(each) for each in (signal.symbol, signal.buy_symbol, signal.sell_symbol))
    if signal.buy_market is not signal.sell_market:
        buy, sell = f"{buy} {signal.buy_market.value}", f"{sell} {signal.sell_market.value}"
    full = f"{buy}{'' if bought == counted else f' {bought}'} → {sell}{'' if sold == counted else f' {sold}'}"
    return next((each for each in (full, f"{buy} → {sell}") if len(each) <= width), f"{buy}→{sell}")


def _price(signal: Signal, price: float, leg_symbol: str) -> str:
    """As the venue shows it; a price that was converted is rounded, and says so."""
    if signal.quote_rate is not UNSET and native_quote(leg_symbol) != native_quote(signal.symbol):
        return fmt.converted(price, fmt.converted_decimals(price))
    return fmt.number(price, fmt.decimals_of(price, 2))


def _lasted(signal: Signal) -> str:
    if signal.duration_ms is UNSET:
        return ""
    return f"{signal.duration_ms}ms" if signal.duration_ms < 1000 else fmt.span(signal.duration_ms / 1000)
