"""Whole nodes on raw venues: what a venue does not serve, or serves no more, makes no signal; and it can come back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from test_node_old_states import ASK, BASE, SETTINGS

from arbsniper_tui.model.instrument import instrument_key
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words

BINANCE = instrument_key("binance", "BTC/USDT")
REFUSED = instrument_key("kraken", "BTC/USDT")

StartNode = Callable[..., RunningNode]


def exchange_info(status: str) -> bytes:
    return json.dumps({"symbols": [{"symbol": "BTCUSDT", "status": status}]}).encode()


@pytest.fixture
def venues() -> Iterator[tuple[RawBinance, RawKraken]]:
    with RawBinance() as binance, RawKraken() as kraken:
        yield binance, kraken


@pytest.fixture
def config(venues: tuple[RawBinance, RawKraken], tmp_path: Path) -> Path:
    binance, kraken = venues
    config = tmp_path / "arbsniper.toml"
    config.write_text(SETTINGS.format(max_age_ms=5000, binance=binance.table, kraken=kraken.table))
    return config


def test_a_symbol_that_the_list_calls_halted_makes_no_signal(
    start_node: StartNode, venues: tuple[RawBinance, RawKraken], config: Path
) -> None:
    binance, kraken = venues
    node = start_node("--config", str(config), demo=False)
    for venue in venues:
        venue.wait_for_subscription()
    # Only now, so that it is subscribed when the list says that it does not trade.
    binance.rest["/api/v3/exchangeInfo"] = exchange_info("BREAK")
    session = node.session()
    feeds, quotes = session.snapshot.feeds, session.snapshot.quotes

    def is_barred() -> bool:
        binance.send(binance.quote(BASE, ASK))
        kraken.send(kraken.quote(BASE, ASK))
        return "binance spot" in feeds and feeds["binance spot"].rejected == {
            "BTC/USDT": Reason(ReasonCode.NOT_TRADING, words="BREAK")
        }

    node.watch(session, is_barred)
    seen = quotes[BINANCE].quotes
    for _ in range(20):
        binance.send(binance.quote(46_000.0, 46_000.5))
    kraken.send(kraken.quote(BASE, ASK))
    node.watch(session, lambda: reason_words(quotes[BINANCE].reason) == "not trading: BREAK")
    assert quotes[BINANCE].quotes <= seen + 1
    assert node.lines == []
    session.close()


def test_a_rejection_in_one_read_with_a_quote_is_not_overtaken_by_it(
    start_node: StartNode, venues: tuple[RawBinance, RawKraken], config: Path
) -> None:
    binance, kraken = venues
    node = start_node("--config", str(config), demo=False)
    for venue in venues:
        venue.wait_for_subscription()
    session = node.session()
    quotes = session.snapshot.quotes
    rejection = (
        '{"error":"Currency pair not supported BTC/USDT","method":"subscribe","success":false,"symbol":"BTC/USDT"}'
    )
    binance.send(binance.quote(BASE, ASK))
    kraken.send(kraken.quote(46_000.0, 46_000.5), rejection, kraken.quote(46_000.0, 46_000.5))
    node.watch(session, lambda: REFUSED in quotes and reason_words(quotes[REFUSED].reason).startswith("rejected: "))
    for _ in range(20):
        binance.send(binance.quote(BASE, ASK))
        kraken.send(kraken.quote(46_000.0, 46_000.5))
    node.watch(session, lambda: BINANCE in quotes and quotes[BINANCE].quotes > 1)
    assert node.lines == []
    assert reason_words(quotes[REFUSED].reason).startswith("rejected: ")
    session.close()
