"""Screen 4: the log of signals, venues and workers."""

from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui.screens import shared_panes
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.signal_log import SignalLog


class SignalsScreen(NodeScreen):
    """The log alone; `enter` opens the route of the newest signal in it."""

    TITLED = "signals"
    SORTED = "signals"

    def __init__(self) -> None:
        super().__init__()
        self._signals = SignalLog()

    def panes(self) -> list[Pane]:
        return [self._signals]

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        signal = self._signals.selected
        if signal is None or snapshot.intro is None:
            return None
        ids = {(each.venue, each.symbol): each.id for each in snapshot.intro.instruments}
        buy = ids.get((signal.buy_exchange, signal.buy_symbol))
        sell = ids.get((signal.sell_exchange, signal.sell_symbol))
        return None if buy is None or sell is None else (buy, sell)

    def show_body(self, view: View) -> None:
        log = self._signals
        log.cursor = max(log.cursor, 0)
        shared_panes.show_log(log, view)
