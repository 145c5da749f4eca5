"""Screen 1: prices, routes, signals and latency at a glance."""

from textual.app import ComposeResult

from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui.screens import shared_panes
from arbsniper_tui.ui.screens.base import Body, NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.latency_pane import LatencyPane
from arbsniper_tui.ui.widgets.price_area import PriceArea
from arbsniper_tui.ui.widgets.routes_pane import RoutesPane
from arbsniper_tui.ui.widgets.signal_log import SignalLog


class OverviewScreen(NodeScreen):
    """Two columns where the width allows, else everything under each other."""

    DEFAULT_CSS = """
    OverviewScreen .body { layout: horizontal; }
    OverviewScreen #main { width: 1fr; }
    OverviewScreen #side { width: 47; margin-left: 1; }
    OverviewScreen PriceArea { height: auto; max-height: 62%; }
    OverviewScreen #side SignalLog { height: 1fr; }
    OverviewScreen #side LatencyPane { height: 16; max-height: 50%; }
    OverviewScreen.-broad #side { width: 63; }
    OverviewScreen.-high #side LatencyPane { height: 21; }
    OverviewScreen.-slim .body, OverviewScreen.-narrow .body { layout: vertical; }
    OverviewScreen.-slim #main, OverviewScreen.-narrow #main { width: 100%; height: 1fr; }
    OverviewScreen.-slim #side, OverviewScreen.-narrow #side { width: 100%; height: 6; margin-left: 0; }
    OverviewScreen.-slim LatencyPane { display: none; }
    OverviewScreen.-slim.-low #side { height: 4; }
    OverviewScreen.-narrow #side { layout: horizontal; }
    OverviewScreen.-narrow.-tall #side { height: 35%; }
    OverviewScreen.-narrow.-high #side { height: 35%; }
    OverviewScreen.-narrow #side SignalLog { width: 1fr; height: 100%; }
    OverviewScreen.-narrow #side LatencyPane { width: 32; height: 100%; max-height: 100%; margin-left: 1; }
    """
    TITLED = "overview"
    SORTED = "routes"

    def __init__(self) -> None:
        super().__init__()
        self._prices = PriceArea()
        self._routes = RoutesPane()
        self._signals = SignalLog()
        self._latency = LatencyPane()

    def body(self) -> ComposeResult:
        with Body(classes="body"):
            with Body(id="main"):
                yield self._prices
                yield self._routes
            with Body(id="side"):
                yield self._signals
                yield self._latency

    def panes(self) -> list[Pane]:
        return [self._routes, self._prices, self._signals]

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        return self._routes.selected

    def show_body(self, view: View) -> None:
        shared_panes.show_prices(self._prices, view)
        shared_panes.show_routes(self._routes, view)
        shared_panes.show_log(self._signals, view)
        shared_panes.show_latency(self._latency, view)
