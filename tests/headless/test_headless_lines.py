"""What an event is on standard output, and in the log."""

import json
import logging
from typing import get_args

import msgspec
import pytest

from arbsniper_tui.headless.lines import log_line, output_line
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.signal import Event, EventKind, Signal

SIGNAL = Signal(
    action="BUY_BINANCE_SELL_COINBASE",
    symbol="BTC/USDT",
    spread_pct=0.75,
    buy_price=45100.0,
    sell_price=45438.25,
    profit_estimate=338.25,
    timestamp=1705670123459,
    detected_at=1705670123456,
    id="node-1",
    seq=17,
    state="open",
    buy_exchange="binance",
    sell_exchange="coinbase",
    buy_symbol="BTC/USDT",
    sell_symbol="BTC/USD",
    size=0.31,
    net_spread_pct=0.05,
    net_profit=23.1,
    buy_age_ms=3,
    sell_age_ms=41,
    buy_market=Market.SPOT,
    sell_market=Market.SPOT,
)


def event(kind: EventKind, signal: Signal | None = None, detail: str = "") -> Event:
    return Event(event=kind, seq=3, timestamp=5, signal=signal, exchange="okx", market="perp", detail=detail)


@pytest.mark.parametrize("state", ["open", "update"])
def test_a_signal_is_one_line_of_the_published_json(state: EventKind) -> None:
    signal = msgspec.structs.replace(SIGNAL, state=state)
    line = output_line(event(state, signal))
    assert line is not None and line.endswith(b"}\n") and line.count(b"\n") == 1
    assert json.loads(line) == {
        "type": "ARBITRAGE_OPPORTUNITY",
        "action": "BUY_BINANCE_SELL_COINBASE",
        "symbol": "BTC/USDT",
        "spread_pct": 0.75,
        "buy_price": 45100.0,
        "sell_price": 45438.25,
        "profit_estimate": 338.25,
        "timestamp": 1705670123459,
        "detected_at": 1705670123456,
        "v": 1,
        "id": "node-1",
        "seq": 17,
        "state": state,
        "buy_exchange": "binance",
        "sell_exchange": "coinbase",
        "buy_symbol": "BTC/USDT",
        "sell_symbol": "BTC/USD",
        "size": 0.31,
        "net_spread_pct": 0.05,
        "net_profit": 23.1,
        "buy_age_ms": 3,
        "sell_age_ms": 41,
        "buy_market": "spot",
        "sell_market": "spot",
    }


def test_an_opportunity_that_is_opened_again_is_no_line_and_its_update_is_one() -> None:
    resumed = msgspec.structs.replace(SIGNAL, resumed_from="node-before-1")
    assert output_line(event("open", resumed)) is None
    assert output_line(event("update", msgspec.structs.replace(resumed, state="update"))) is not None


def test_a_close_is_no_line() -> None:
    assert output_line(event("close", msgspec.structs.replace(SIGNAL, state="close"))) is None


@pytest.mark.parametrize("kind", [kind for kind in get_args(EventKind) if kind not in ("open", "update", "close")])
def test_what_is_no_signal_is_no_line(kind: EventKind) -> None:
    assert output_line(event(kind)) is None


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [
        ("venue_up", logging.INFO, "okx perp: up"),
        ("venue_down", logging.WARNING, "okx perp: down: why"),
        ("worker_up", logging.WARNING, "worker up again: why"),
        ("worker_down", logging.ERROR, "worker down: why"),
        ("settings", logging.INFO, "settings: why"),
        ("end", logging.INFO, "tapes ended: why"),
    ],
)
def test_what_happens_to_the_node_is_logged_in_words(kind: EventKind, level: int, words: str) -> None:
    assert log_line(event(kind, detail="why")) == (level, words)


@pytest.mark.parametrize("kind", ["open", "update", "close", "heartbeat"])
def test_signals_and_heartbeats_are_not_logged(kind: EventKind) -> None:
    assert log_line(event(kind, SIGNAL)) is None
