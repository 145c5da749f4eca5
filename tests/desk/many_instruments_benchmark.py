"""What 3,600 instruments of 12 venues cost: `python tests/desk/many_instruments_benchmark.py`. Not a test.

Prints CPU time, the least of several rounds: what other processes do to the caches is in the other rounds.
"""
# ruff: noqa: T201 - it prints what it measured

import gc
import random
from collections.abc import Callable
from time import process_time_ns

import msgspec

from arbsniper_tui.desk.rows import Rows
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import PERP_PERP, SPOT_SPOT
from arbsniper_tui.engine.rules import NET, Rules
from arbsniper_tui.engine.slices import at_once
from arbsniper_tui.model.instrument import Instrument, instrument_key
from arbsniper_tui.model.quote import Quote

VENUES, SYMBOLS = 12, 300
ROUNDS = 60
MS = 1_000_000
START_NS = 10**12


def instruments() -> list[Instrument]:
    symbols = [f"C{number:03}/USDT" for number in range(SYMBOLS)]
    venues = [f"venue{number:02}" for number in range(VENUES)]
    return [
        Instrument(instrument_key(venue, symbol), venue, symbol, symbol, "USDT", 0.05 + 0.05 * (at % 3))
        for at, venue in enumerate(venues)
        for symbol in symbols
    ]


def quote_of(instrument: Instrument, dice: random.Random) -> Quote:
    """Around 100, with a spread of its own; differences between venues stay below the threshold."""
    mid = 100.0 + dice.gauss(0.0, 0.03)
    return Quote(instrument.id, mid - 0.01, 1.0, mid + 0.01, 1.0)


def least(measure: Callable[[], int]) -> int:
    gc.collect()
    gc.disable()
    found = min(measure() for _ in range(ROUNDS))
    gc.enable()
    return found


def build_ns(listed: list[Instrument]) -> int:
    began_ns = process_time_ns()
    Detector(listed, (SPOT_SPOT, PERP_PERP), Rules(), "node")
    return process_time_ns() - began_ns


class Market:
    """A detector with every quote in, and time that goes on."""

    def __init__(self, listed: list[Instrument], basis: str) -> None:
        self.dice = random.Random(7)
        self.listed = listed
        self.detector = Detector(listed, (SPOT_SPOT, PERP_PERP), Rules(basis=basis), "node")
        self.rows = Rows(self.detector)
        self.now_ns = START_NS
        self.decide(listed)
        self.view_ns()

    def decide(self, touched: list[Instrument]) -> int:
        """CPU time of the decisions on one new quote each."""
        quotes = [quote_of(each, self.dice) for each in touched]
        on_quote, now_ns = self.detector.on_quote, self.now_ns
        began_ns = process_time_ns()
        for quote in quotes:
            on_quote(quote, now_ns, now_ns)
        return process_time_ns() - began_ns

    def view_ns(self) -> int:
        """CPU time of the rows of one view, encoded for the wire."""
        began_ns = process_time_ns()
        rows = at_once(self.rows.changed_quotes(self.now_ns)), at_once(self.rows.largest_routes(self.now_ns))
        msgspec.msgpack.encode(rows)
        return process_time_ns() - began_ns

    def round(self, count: int) -> tuple[int, int]:
        """The decisions on so many quotes, and the view after them, 100 ms later."""
        self.now_ns += 100 * MS
        touched = self.listed if count >= len(self.listed) else self.dice.sample(self.listed, count)
        return self.decide(touched), self.view_ns()


def main() -> None:
    listed = instruments()
    routes = len(Detector(listed, (SPOT_SPOT, PERP_PERP), Rules(), "node").routes.all)
    print(f"{len(listed)} instruments, {routes} routes")
    print(f"routes built            {least(lambda: build_ns(listed)) / 1e9:8.3f} s")
    for basis in ("gross", NET):
        for count in (100, 3600):
            market = Market(listed, basis)
            gc.collect()
            gc.disable()
            rounds = [market.round(count) for _ in range(ROUNDS)]
            gc.enable()
            decided_ns, viewed_ns = min(each for each, _ in rounds), min(each for _, each in rounds)
            print(f"{basis}, {count} quotes a view: a decision {decided_ns / count / 1e3:6.2f} us,", end=" ")
            print(f"a view {viewed_ns / 1e6:6.2f} ms")


if __name__ == "__main__":
    main()
