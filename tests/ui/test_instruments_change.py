"""Instruments that come and go while the terminal UI runs."""

from msgspec import structs

from arbsniper_tui.model.view import RouteRow
from tests.ui import builder
from tests.ui.played import PlayedView, app_on


def drawn(app: object) -> str:
    return "\n".join(str(strip.text) for strip in app.screen._compositor.render_strips())  # type: ignore[attr-defined]  # noqa: SLF001
