"""Every key and every mark, from the table of actions."""

from arbsniper_tui.ui.actions import ACTIONS, MARKS
from arbsniper_tui.ui.paint import Line, joined
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.pane import TextPane


class HelpScreen(NodeScreen):
    """A page that scrolls; `esc` leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self._page = TextPane("Help")

    def panes(self) -> list[Pane]:
        return [self._page]

    def show_body(self, view: View) -> None:
        if view.whole:
            self._page.show(help_lines(), "esc goes back")


def help_lines() -> list[Line]:
    lines: list[Line] = []
    for action in ACTIONS:
        lines.append(
            joined(((f" {action.shown:<9} ", "accent"), (f"{action.title:<18} ", "text"), (action.says, "quiet")))
        )
    lines += [(), (((" marks"), "head"),)]
    lines += [
        joined(((f" {mark:<9} ", "accent"), (f"{name:<18} ", "text"), (says, "quiet"))) for mark, name, says in MARKS
    ]
    lines += [
        (),
        ((" bright digits just changed", "quiet"),),
        ((" a quiet row takes no part, and says why, or would lose money after fees", "quiet"),),
        ((" venue time: receipt minus the venue's own time, with the error of both clocks", "quiet"),),
        ((" lag: by how much a feed's venue time has grown over its best", "quiet"),),
    ]
    return lines
