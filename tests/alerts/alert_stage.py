"""What tests of alerts share: signals, events and alerts."""

from typing import Any

from arbsniper_tui.alerts.alert import Alert
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.signal import Event, Signal


def make_signal(**fields: Any) -> Signal:
    """BTC/USDT from kraken to okx, net 0.4 %, but for the fields given."""
    given: dict[str, Any] = {
        "action": "BUY_KRAKEN_SELL_OKX",
        "symbol": "BTC/USDT",
        "spread_pct": 0.6,
        "buy_price": 45100.0,
        "sell_price": 45370.6,
        "profit_estimate": 270.6,
        "timestamp": 1_000,
        "detected_at": 1_000,
        "id": "a-1",
        "seq": 1,
        "state": "open",
        "buy_exchange": "kraken",
        "sell_exchange": "okx",
        "buy_symbol": "BTC/USD",
        "sell_symbol": "BTC/USDT",
        "size": 0.3,
        "net_spread_pct": 0.4,
        "net_profit": 180.0,
        "buy_age_ms": 1,
        "sell_age_ms": 1,
        "buy_market": Market.SPOT,
        "sell_market": Market.SPOT,
    }
    return Signal(**given | fields)


def event_of(signal: Signal, seq: int = 1) -> Event:
    return Event(event=signal.state, seq=seq, timestamp=signal.timestamp, signal=signal)


def make_alert(number: int = 1, rule: str = "big") -> Alert:
    return Alert(rule=rule, kind="test", subject="s", title=f"title {number}", text=f"text {number}", timestamp=number)
