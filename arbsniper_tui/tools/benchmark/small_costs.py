"""Small things that are done often: names looked up, prices written, lines handed to the log."""

import logging
from collections.abc import Sequence

from arbsniper_tui.model.instrument import Instrument, parse_symbol
from arbsniper_tui.model.number import number
from arbsniper_tui.runtime.limited_log import MOST_WAITING, LimitedLog
from arbsniper_tui.tools.benchmark.report import Cost
from arbsniper_tui.tools.benchmark.rounds import median_us
from arbsniper_tui.venues import VENUES

_log = logging.getLogger(__name__)
_PRICES = ((64211.1, 2), (3120.95, 2), (0.18, 4), (0.00001153, 8), (1.0, 5)) * 20


def measure_small_costs(instruments: Sequence[Instrument]) -> tuple[Cost, ...]:
    """Each with the names that a node with these instruments has."""
    named = [(VENUES[each.venue], each.symbol, each.venue_symbol, each.market) for each in instruments]

    def spell_all() -> None:
        for adapter, symbol, _, _ in named:
            adapter.venue_symbol(parse_symbol(symbol))

    def read_all() -> None:
        for adapter, _, venue_symbol, market in named:
            adapter.unified(venue_symbol, market)

    def write_prices() -> None:
        for price, decimals in _PRICES:
            number(price, decimals)

    def say_nothing() -> None:
        for price, _ in _PRICES:
            _log.debug("a line whose level is off: %s", price)

    return (
        Cost("unified symbol to the venue's", median_us(spell_all, len(named)), "symbol"),
        Cost("the venue's symbol to the unified", median_us(read_all, len(named)), "symbol"),
        Cost("write a price", median_us(write_prices, len(_PRICES)), "price"),
        Cost("hand a line to the log", _hand_over_us(), "line"),
        Cost("a line whose level is off", median_us(say_nothing, len(_PRICES)), "line"),
    )


def _hand_over_us() -> float:
    """What the reader of a feed pays; the line is written when it has sent its quotes."""
    log = LimitedLog(_log, soon=lambda write: None)

    def hand_over() -> None:
        for _ in range(MOST_WAITING):
            log.info("bench", "okx spot: a quote was dropped")

    return median_us(hand_over, MOST_WAITING, between=log.write)
