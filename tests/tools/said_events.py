"""Signals and events as a node writes them, made by hand: one opportunity after another, on one run."""

import json
from typing import Any

START_MS = 1_705_670_123_456


def signal(number: int, opportunity: int, state: str = "open", **changed: Any) -> dict[str, Any]:
    """A sound signal; `changed` replaces fields, and None takes one out."""
    fields: dict[str, Any] = {
        "type": "ARBITRAGE_OPPORTUNITY",
        "action": "BUY_BINANCE_SELL_OKX",
        "symbol": "BTC/USDT",
        "spread_pct": 0.75,
        "buy_price": 45100.0,
        "sell_price": 45438.25,
        "profit_estimate": 338.25,
        "timestamp": START_MS + number,
        "detected_at": START_MS + number - 3,
        "v": 1,
        "id": f"node-1-{opportunity}",
        "seq": number,
        "state": state,
        "buy_exchange": "binance",
        "sell_exchange": "okx",
        "buy_symbol": "BTC/USDT",
        "sell_symbol": "BTC/USDT",
        "size": 0.31,
        "net_spread_pct": 0.5493,
        "net_profit": 247.71175,
        "buy_age_ms": 3,
        "sell_age_ms": 41,
        "buy_market": "spot",
        "sell_market": "spot",
    }
    if state == "close":
        fields |= {"duration_ms": 1, "best_spread_pct": 0.75, "reason": "spread gone"}
    fields |= changed
    return {name: value for name, value in fields.items() if value is not None}


def event(seq: int, kind: str = "heartbeat", node: str = "a", run: str = "1", **fields: Any) -> dict[str, Any]:
    """An event; of the fields that are empty none is written."""
    written = {"event": kind, "seq": seq, "timestamp": START_MS + seq * 1000, "node": node, "run": run, **fields}
    return {name: value for name, value in written.items() if value != ""}


def told(seq: int, carried: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The event of a signal."""
    return event(seq, carried["state"], signal=carried, timestamp=carried["timestamp"], **fields)


def written(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
