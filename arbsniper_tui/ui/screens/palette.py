"""Every action and theme by name: what is typed finds it, `enter` runs it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from arbsniper_tui.ui.paint import Line, joined
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.pane import LinePane


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the palette."""

    title: str
    says: str
    run: Callable[[], Awaitable[object] | None]


class PaletteScreen(NodeScreen):
    """The choices that hold each typed word; those that hold them in their title come first."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._choices = choices
        self._list = ChoiceList()
        self.find("")

    def panes(self) -> list[Pane]:
        return [self._list]

    def show_body(self, view: View) -> None:
        pass

    def find(self, text: str) -> None:
        words = text.lower().split()
        held = [each for each in self._choices if all(word in f"{each.title} {each.says}".lower() for word in words)]
        self._list.show(sorted(held, key=lambda each: not all(word in each.title.lower() for word in words)))

    @property
    def selected(self) -> Choice | None:
        return self._list.selected


class ChoiceList(LinePane):
    """The choices that were found."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Choice] = []

    def show(self, found: list[Choice]) -> None:
        self._found = found
        self.lay(len(found), "no action holds these words")
        self.cursor = 0 if found else -1
        self.reveal(0)
        self.repaint()

    @property
    def selected(self) -> Choice | None:
        return self._found[self.cursor] if self.cursor >= 0 else None

    def line_of(self, index: int) -> Line:
        choice = self._found[index]
        return joined(((f"{choice.title:<20} ", "text"), (choice.says, "quiet")))

    def header_of(self, width: int) -> Line:
        return joined((("Palette ", "title"), ("─" * max(0, width - 8), "rule")))
