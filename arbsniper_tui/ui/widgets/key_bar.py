"""The last line: the keys that matter most, or the prompt while something is asked for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from arbsniper_tui.ui.actions import Action
from arbsniper_tui.ui.line_editor import LineEditor
from arbsniper_tui.ui.paint import Line, cell, joined, width_of
from arbsniper_tui.ui.widgets.pane import LineBar

SCREENS = ("overview", "prices", "routes", "signals", "latency")
NAMES_FROM = 150
LEAST_ENTRY = 10


def _nothing(*_: object) -> None:
    pass


@dataclass(slots=True)
class Prompt:
    """Asks for one line of text. What was typed stays when it is refused."""

    label: str
    editor: LineEditor
    says: str
    """What is expected; shown after the entry."""
    typed: Callable[[str], None] = _nothing
    """Called with each new text."""
    entered: Callable[[str], Awaitable[None] | None] = _nothing
    """Called with the text at its end; raises UsageError to refuse it."""
    left: Callable[[], None] = _nothing
    """Called when it is closed without a text."""
    refusal: str = ""

    def line(self, width: int) -> Line:
        """The label, the entry, and as much of the answer as there is room for."""
        label, says = f" {self.label} ", f"  {self.refusal or self.says}"
        entry = self.editor.line(max(LEAST_ENTRY, width - len(label) - len(says)))
        line = joined(((label, "strong"), *entry))
        return joined((*line, (cell(says, max(0, width - width_of(line))), "bad" if self.refusal else "quiet")))


class KeyBar(LineBar):
    """The screens by number, the present one by name; then keys with one word each, as many as fit."""

    def show(self, actions: Sequence[Action], screen: str, prompt: Prompt | None) -> None:
        self.put([prompt.line(self.extent.width) if prompt else self._hints(actions, screen)])

    def _hints(self, actions: Sequence[Action], screen: str) -> Line:
        width = self.extent.width
        pieces: list[tuple[str, str]] = [(" ", "text")]
        for number, name in enumerate(SCREENS, 1):
            here = name == screen
            named = here or width >= NAMES_FROM
            pieces.append((str(number), "accent"))
            pieces.append((f" {name}  " if named else " ", "title" if here else "quiet"))
        pieces.append((" ", "text"))
        for action in actions:
            more = [(action.shown, "accent"), (f" {action.hint}  ", "quiet")]
            if action.hint and sum(len(text) for text, _ in (*pieces, *more)) <= width + 2:
                pieces += more
        return joined(pieces)
