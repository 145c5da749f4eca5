"""The fields of a signal, as other programs read them."""

import json

import msgspec
import pytest
from msgspec import UNSET

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.make_signal import FundingTerms
from arbsniper_tui.engine.routes import ROUTE_KINDS
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.fact import Funding
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Signal

MS = 1_000_000
RECV_NS = 700 * MS
OFFSET_NS = 1_705_670_123_456 * MS - RECV_NS

FIELDS = [
    "type",
    "action",
    "symbol",
    "spread_pct",
    "buy_price",
    "sell_price",
    "profit_estimate",
    "timestamp",
    "detected_at",
    "v",
    "id",
    "seq",
    "state",
    "buy_exchange",
    "sell_exchange",
    "buy_symbol",
    "sell_symbol",
    "size",
    "net_spread_pct",
    "net_profit",
    "buy_age_ms",
    "sell_age_ms",
    "buy_market",
    "sell_market",
    "move",
    "rank",
    "net_total",
    "assumed_rate",
]


def opened(buy: Instrument, sell: Instrument) -> Signal:
    """Bought at 45100 shown 41 ms before, sold at 45438.25 shown 3 ms ago."""
    detector = Detector([buy, sell], ROUTE_KINDS, Rules(threshold_pct=0.5), "host-7")
    detector.wall_offset_ns = OFFSET_NS
    detector.on_quote(Quote(0, 45099.0, 5.0, 45100.0, 0.31), RECV_NS - 38 * MS, RECV_NS - 38 * MS)
    (signal,) = detector.on_quote(Quote(1, 45438.25, 0.5, 45500.0, 9.0), RECV_NS, RECV_NS + 3 * MS)
    return signal


def spot(i: int, venue: str, symbol: str = "BTC/USDT", fee_pct: float = 0.1) -> Instrument:
    return Instrument(i, venue, symbol, symbol, "USDT", fee_pct)


def test_an_open_signal_says_what_the_contract_promises() -> None:
    signal = opened(spot(0, "binance"), spot(1, "coinbase", "BTC/USD", 0.6))
    written = json.loads(msgspec.json.encode(signal))
    assert list(written) == FIELDS
    assert written == {
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
        "id": "host-7-1",
        "seq": 1,
        "state": "open",
        "buy_exchange": "binance",
        "sell_exchange": "coinbase",
        "buy_symbol": "BTC/USDT",
        "sell_symbol": "BTC/USD",
        "size": 0.31,
        "net_spread_pct": 0.0455,
        "net_profit": pytest.approx(338.25 - 45.1 - 272.6295),
        "buy_age_ms": 41,
        "sell_age_ms": 3,
        "buy_market": "spot",
        "sell_market": "spot",
        "move": "host-7-m1",
        "rank": 1,
        "assumed_rate": True,
        "net_total": pytest.approx(0.31 * (338.25 - 45.1 - 272.6295)),
    }


def test_the_spread_is_rounded_to_four_decimals_and_prices_never() -> None:
    pair = [spot(0, "binance"), spot(1, "okx")]
    detector = Detector(pair, ROUTE_KINDS, Rules(threshold_pct=0.0), "node")
    detector.on_quote(Quote(0, 0.1, 1.0, 0.123456789012, 1.0), 1, 1)
    (signal,) = detector.on_quote(Quote(1, 0.124111111113, 1.0, 1.0, 1.0), 1, 1)
    assert (signal.buy_price, signal.sell_price) == (0.123456789012, 0.124111111113)
    assert signal.spread_pct == 0.53
    assert signal.profit_estimate == pytest.approx(0.000654322101, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-9, 1e-5, 0.01, 1.0, 61_234.5, 98_765_432.1])
def test_profit_has_more_digits_than_prices_and_no_noise_of_binary_fractions(scale: float) -> None:
    pair = [spot(0, "binance"), spot(1, "okx")]
    detector = Detector(pair, ROUTE_KINDS, Rules(threshold_pct=0.0), "node")
    ask, bid = round(1.1 * scale, 12), 1.1 * scale * 1.00123
    detector.on_quote(Quote(0, ask * 0.9, 1.0, ask, 1.0), 1, 1)
    (signal,) = detector.on_quote(Quote(1, bid, 1.0, bid * 1.1, 1.0), 1, 1)
    assert signal.profit_estimate == pytest.approx(bid - ask, rel=1e-8)
    assert signal.net_profit == pytest.approx(bid * 0.999 - ask * 1.001, rel=1e-8)


def test_a_difference_of_two_decimal_prices_is_decimal() -> None:
    pair = [spot(0, "binance"), spot(1, "okx")]
    detector = Detector(pair, ROUTE_KINDS, Rules(threshold_pct=0.0), "node")
    detector.on_quote(Quote(0, 60_000.0, 1.0, 61_668.2, 1.0), 1, 1)
    (signal,) = detector.on_quote(Quote(1, 61_700.03, 1.0, 61_701.0, 1.0), 1, 1)
    assert 61_700.03 - 61_668.2 != 31.83
    assert signal.profit_estimate == 31.83


@pytest.mark.parametrize(("shown", "offered", "size"), [(0.3, 0.5, 0.3), (0.5, 0.2, 0.2)])
def test_the_size_is_what_both_legs_show(shown: float, offered: float, size: float) -> None:
    pair = [spot(0, "binance"), spot(1, "okx")]
    detector = Detector(pair, ROUTE_KINDS, Rules(), "node")
    detector.on_quote(Quote(0, 99.0, 77.0, 100.0, shown), 1, 1)
    (signal,) = detector.on_quote(Quote(1, 102.0, offered, 103.0, 88.0), 1, 1)
    assert signal.size == size


@pytest.mark.parametrize(
    ("buy_symbol", "sell_symbol", "symbol"),
    [
        ("BTC/USDT", "BTC/USD", "BTC/USDT"),
        ("BTC/USDT:USDT", "BTC/USDT:USDT", "BTC/USDT:USDT"),
        ("BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT:USDT"),
        ("BTC/USDT", "BTC/USDT:USDT", "BTC/USDT"),
    ],
)
def test_the_symbol_is_that_of_the_route_in_the_currency_that_counts(
    buy_symbol: str, sell_symbol: str, symbol: str
) -> None:
    signal = opened(spot(0, "binance", buy_symbol), spot(1, "okx", sell_symbol))
    assert (signal.symbol, signal.buy_symbol, signal.sell_symbol) == (symbol, buy_symbol, sell_symbol)


def test_two_legs_of_one_venue_are_told_apart_by_their_markets() -> None:
    signal = opened(spot(0, "okx"), spot(1, "okx", "BTC/USDT:USDT"))
    assert signal.action == "BUY_OKX_SPOT_SELL_OKX_PERP"
    assert (signal.buy_market, signal.sell_market) == ("spot", "perp")


def test_a_perpetual_leg_tells_its_funding_and_a_spot_leg_none() -> None:
    detector = Detector([spot(0, "okx", "BTC/USDT:USDT"), spot(1, "kraken")], ROUTE_KINDS, Rules(), "node")
    detector.funding[0] = FundingTerms(Funding(0, 0.01, 1785110400000, 8.0))
    detector.on_quote(Quote(0, 99.0, 1.0, 100.0, 1.0), 1, 1)
    (bought,) = detector.on_quote(Quote(1, 102.0, 1.0, 103.0, 1.0), 1, 1)
    written = json.loads(msgspec.json.encode(bought))
    assert {name: value for name, value in written.items() if "funding" in name} == {
        "buy_funding_rate": 0.01,
        "buy_funding_interval_h": 8.0,
        "buy_next_funding": 1785110400000,
    }
    detector.funding[0] = FundingTerms(Funding(0, -0.02))
    (closed,) = detector.close_all(Reason(ReasonCode.STOPPED), 5 * MS)
    assert (closed.buy_funding_rate, closed.buy_funding_interval_h, closed.sell_funding_rate) == (-0.02, UNSET, UNSET)


def test_only_a_close_tells_how_long_and_why() -> None:
    pair = [spot(0, "binance"), spot(1, "okx")]
    detector = Detector(pair, ROUTE_KINDS, Rules(), "node")
    detector.on_quote(Quote(0, 99.0, 1.0, 100.0, 1.0), 1, 1)
    (first,) = detector.on_quote(Quote(1, 102.0, 1.0, 103.0, 1.0), 1, 1)
    (closed,) = detector.on_quote(Quote(1, 100.0, 1.0, 103.0, 1.0), 8 * MS, 8 * MS)
    extra = {"duration_ms", "best_spread_pct", "reason"}
    assert not extra & set(json.loads(msgspec.json.encode(first)))
    assert extra <= set(json.loads(msgspec.json.encode(closed)))
    assert (closed.seq, closed.id) == (first.seq, first.id)
