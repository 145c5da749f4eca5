"""The last line: the keys that matter most, made from the table of actions."""

from collections.abc import Sequence

from arbsniper_tui.ui.actions import Action
from arbsniper_tui.ui.paint import joined
from arbsniper_tui.ui.widgets.pane import LineBar

SCREENS = ("overview", "prices", "routes", "signals", "latency")
NAMES_FROM = 150


class KeyBar(LineBar):
    """The screens by number, the present one by name; then keys with one word each, as many as fit."""

    def show(self, actions: Sequence[Action], screen: str) -> None:
        pieces: list[tuple[str, str]] = [(" ", "text")]
        for number, name in enumerate(SCREENS, 1):
            here = name == screen
            named = here or self.size.width >= NAMES_FROM
            pieces.append((str(number), "accent"))
            pieces.append((f" {name}  " if named else " ", "title" if here else "quiet"))
        pieces.append((" ", "text"))
        for action in actions:
            more = [(action.shown, "accent"), (f" {action.hint}  ", "quiet")]
            if action.hint and sum(len(text) for text, _ in (*pieces, *more)) <= self.size.width + 2:
                pieces += more
        self.put([joined(pieces)])
