"""The screens of the number keys, by name."""

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from arbsniper_tui.ui.screens.health import HealthScreen
from arbsniper_tui.ui.screens.overview import OverviewScreen
from arbsniper_tui.ui.screens.prices import PricesScreen
from arbsniper_tui.ui.screens.routes import RoutesScreen
from arbsniper_tui.ui.screens.signals import SignalsScreen

MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    "overview": OverviewScreen,
    "prices": PricesScreen,
    "routes": RoutesScreen,
    "signals": SignalsScreen,
    "health": HealthScreen,
}
