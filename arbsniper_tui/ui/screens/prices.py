"""Screen 2: every instrument's best bid and ask."""

from arbsniper_tui.ui.screens import shared_panes
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.price_area import PriceArea


class PricesScreen(NodeScreen):
    """The price panes alone."""

    TITLED = "prices"
    SORTED = "prices"

    def __init__(self) -> None:
        super().__init__()
        self._prices = PriceArea(says_order=True)

    def panes(self) -> list[Pane]:
        return [self._prices]

    def show_body(self, view: View) -> None:
        shared_panes.show_prices(self._prices, view)
