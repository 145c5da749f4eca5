"""The line in which a threshold or a filter is typed; it stands over the key bar, so that nothing else moves."""

from contextlib import suppress

from textual import on
from textual.app import ComposeResult, ScreenStackError
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static
from textual.widgets.input import Selection


class Entry(Input):
    """An input that may be made before its screen stands, as it is on Python 3.13."""

    def _watch_selection(self, selection: Selection) -> None:
        # Textual clears the selection of the screen in front; where there is none yet, nothing is selected.
        with suppress(ScreenStackError):
            super()._watch_selection(selection)


class Prompt(Horizontal):
    """Asks for one line of text. What was typed stays when it is refused."""

    DEFAULT_CSS = """
    Prompt { height: 1; width: 100%; display: none; dock: bottom; }
    Prompt.-asking { display: block; }
    Prompt .prompt--label { width: auto; padding: 0 1; }
    Prompt .prompt--answer { width: auto; padding: 0 1; }
    Prompt Input { width: 1fr; min-width: 10; height: 1; border: none; padding: 0; }
    Prompt Input:focus { border: none; }
    """

    class Typed(Message):
        """The text changed, or was entered with `done`."""

        def __init__(self, purpose: str, text: str, done: bool) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text
            self.done = done

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._purpose = ""

    def compose(self) -> ComposeResult:
        yield Static(classes="prompt--label", markup=False)
        yield Entry(compact=True, select_on_focus=False)
        yield Static(classes="prompt--answer", markup=False)

    @property
    def purpose(self) -> str:
        """What is being asked for; empty while closed."""
        return self._purpose

    def ask(self, purpose: str, label: str, text: str, says: str) -> None:
        """Open the prompt for `purpose`, with `text` selected, so that the first key typed takes its place."""
        self._purpose = purpose
        self.query_one(".prompt--label", Static).update(label)
        entry = self.query_one(Input)
        entry.value = text
        self.answer(says)
        self.add_class("-asking")
        entry.focus()
        entry.select_all()

    def answer(self, says: str, refused: bool = False) -> None:
        """Say something behind the entry; `refused` in the colour of a fault."""
        self.set_class(refused, "-refused")
        self.query_one(".prompt--answer", Static).update(says)

    def close(self) -> None:
        self._purpose = ""
        self.remove_class("-asking", "-refused")
        self.screen.set_focus(None)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._purpose:
            self.post_message(self.Typed(self._purpose, event.value, done=False))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Typed(self._purpose, event.value, done=True))
