"""What the fields of one signal must be to each other. Pure; each rule says what it expected and what it found."""

from collections.abc import Iterator

from msgspec import UNSET

from arbsniper_tui.engine.routes import route_action
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.tools.consume.breach import Contradiction

_HALF_OF_FOUR_DECIMALS = 0.5e-4
_NOISE = 1e-9
"""What binary fractions may add to a number, as a share of it."""


def contradictions(signal: Signal) -> Iterator[Contradiction]:
    """Every rule that a signal breaks, in any of its states."""
    yield from _signs(signal)
    if signal.buy_price > 0:
        yield from _money(signal)
        yield from _converted(signal)
    action = route_action(signal.buy_exchange, signal.buy_market, signal.sell_exchange, signal.sell_market)
    if signal.action != action:
        yield Contradiction(f"action {action} of these venues", signal.action)
    if signal.timestamp < signal.detected_at:
        yield Contradiction(f"timestamp at or after detected_at {signal.detected_at}", str(signal.timestamp))
    told_at_close = signal.duration_ms, signal.best_spread_pct, signal.reason
    if signal.state == "close" and UNSET in told_at_close:
        yield Contradiction("duration_ms, best_spread_pct and reason in a close", "not all of them")
    if signal.duration_ms is not UNSET and signal.duration_ms < 0:
        yield Contradiction("duration_ms of 0 or more", str(signal.duration_ms))
    if (signal.move is UNSET) is not (signal.rank is UNSET):
        yield Contradiction("move and rank together", "one of them")


def changed_route(before: Signal, after: Signal) -> Iterator[Contradiction]:
    """What two signals of one id must have in common."""
    for name in ("action", "symbol", "buy_symbol", "sell_symbol"):
        expected, found = getattr(before, name), getattr(after, name)
        if expected != found:
            yield Contradiction(f"{name} {expected}, as this id had it before", str(found))


def _signs(signal: Signal) -> Iterator[Contradiction]:
    for name in ("size", "buy_price", "sell_price"):
        if not getattr(signal, name) > 0:
            yield Contradiction(f"{name} above 0", repr(getattr(signal, name)))
    for name in ("buy_age_ms", "sell_age_ms"):
        if getattr(signal, name) < 0:
            yield Contradiction(f"{name} of 0 or more", str(getattr(signal, name)))


def _money(signal: Signal) -> Iterator[Contradiction]:
    buy, sell = signal.buy_price, signal.sell_price
    spread_pct = (sell - buy) / buy * 100
    if not _is_near(signal.spread_pct, spread_pct, _HALF_OF_FOUR_DECIMALS):
        yield Contradiction(f"spread_pct {spread_pct:.4f} from {buy!r} to {sell!r}", repr(signal.spread_pct))
    if not _is_near(signal.profit_estimate, sell - buy, buy * _NOISE):
        yield Contradiction(f"profit_estimate {sell - buy!r} from {buy!r} to {sell!r}", repr(signal.profit_estimate))
    net_pct = signal.net_profit / buy * 100
    if not _is_near(signal.net_spread_pct, net_pct, _HALF_OF_FOUR_DECIMALS + 100 * _NOISE):
        yield Contradiction(f"net_spread_pct {net_pct:.4f} from net_profit", repr(signal.net_spread_pct))
    for net, gross in (("net_spread_pct", "spread_pct"), ("net_profit", "profit_estimate")):
        below, above = getattr(signal, net), getattr(signal, gross)
        if below > above:
            yield Contradiction(f"{net} of at most {gross} {above!r}: no fee is negative", repr(below))
    total = signal.net_total
    if total is not UNSET and total * signal.net_profit < 0:
        yield Contradiction(f"net_total of the sign of net_profit {signal.net_profit!r}", repr(total))


def _converted(signal: Signal) -> Iterator[Contradiction]:
    """Of a converted leg: the price that its venue shows is the price in the symbol's currency times the rate. A close
    tells the last price of a leg that is gone, whose rate may have moved on."""
    buy, sell, rate = signal.buy_raw_price, signal.sell_raw_price, signal.quote_rate
    if buy is UNSET or sell is UNSET:
        if not buy is sell is rate is UNSET:
            yield Contradiction("buy_raw_price, sell_raw_price and quote_rate together", "not all of them")
        return
    if rate is UNSET or signal.state == "close":
        return
    is_bought = not _is_near(buy, signal.buy_price, 0.0)
    name, price, raw = ("buy", signal.buy_price, buy) if is_bought else ("sell", signal.sell_price, sell)
    if not _is_near(raw, price * rate, 0.0):
        yield Contradiction(f"{name}_raw_price {price * rate!r} from {price!r} at quote_rate {rate!r}", repr(raw))


def _is_near(found: float, expected: float, tolerance: float) -> bool:
    return abs(found - expected) <= tolerance + abs(expected) * _NOISE
