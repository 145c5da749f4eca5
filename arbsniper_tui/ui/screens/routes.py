"""Screen 3: the routes with the largest spreads, as many as the node sends, and why each does not signal."""

from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui.screens import shared_panes
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.routes_pane import RoutesPane


class RoutesScreen(NodeScreen):
    """The routes alone."""

    TITLED = "routes"
    SORTED = "routes"

    def __init__(self) -> None:
        super().__init__()
        self._routes = RoutesPane()

    def panes(self) -> list[Pane]:
        return [self._routes]

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        return self._routes.selected

    def show_body(self, view: View) -> None:
        shared_panes.show_routes(self._routes, view)
