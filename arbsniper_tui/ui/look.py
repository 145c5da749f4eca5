"""What the user chose to see: the filter, and how each pane is sorted. Values and pure rules."""

from dataclasses import dataclass, replace

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.signal import Event

SORTS: dict[str, tuple[str, ...]] = {
    "routes": ("spread", "net", "symbol"),
    "prices": ("venue", "bid", "ask"),
    "signals": ("oldest", "newest"),
    "feeds": ("venue", "state"),
}
"""By pane, the orders that `s` cycles through; the first is the one it starts with."""


@dataclass(frozen=True, slots=True)
class Look:
    """The view's own state; it changes nothing in the node."""

    filter: str = ""
    routes: str = "spread"
    prices: str = "venue"
    signals: str = "oldest"
    feeds: str = "venue"

    def sorted_next(self, pane: str) -> "Look":
        """The same look with the next order of `pane`."""
        orders = SORTS[pane]
        following = orders[(orders.index(getattr(self, pane)) + 1) % len(orders)]
        return replace(self, **{pane: following})

    def takes(self, *texts: str) -> bool:
        """Whether each word of the filter stands in one of `texts`, whatever its case."""
        if not self.filter:
            return True
        heap = " ".join(texts).lower()
        return all(word in heap for word in self.filter.lower().split())

    def takes_instrument(self, instrument: Instrument) -> bool:
        return self.takes(instrument.venue, instrument.symbol, instrument.group, instrument.market.value)

    def takes_event(self, event: Event) -> bool:
        """A survival is for programs: a person reads it of all openings together, in the route's detail."""
        if event.event == "survival":
            return False
        signal = event.signal
        if signal is None:
            return self.takes(event.event, event.exchange, event.market, event.detail)
        legs = (signal.buy_exchange, signal.sell_exchange, signal.buy_symbol, signal.sell_symbol)
        return self.takes(event.event, signal.symbol, *legs, signal.buy_market.value, signal.sell_market.value)
