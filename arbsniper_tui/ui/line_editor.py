"""One line of text that is being typed: what each key does to it. Pure."""

from arbsniper_tui.ui.paint import Line, joined

_MOST = 200
"""Characters that one line takes."""


class LineEditor:
    """Text and a caret. At first all of the text is selected, so that typing replaces it."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.caret = len(text)
        self.is_selected = bool(text)

    def press(self, key: str, character: str | None) -> bool:
        """Take one key, as Textual names it. Returns whether it means something here."""
        moves = {
            "left": self.caret - 1,
            "right": self.caret + 1,
            "home": 0,
            "ctrl+a": 0,
            "end": len(self.text),
            "ctrl+e": len(self.text),
        }
        word_start = len(self.text[: self.caret].rstrip().rpartition(" ")[0])
        cuts = {
            "backspace": (self.caret - 1, self.caret),
            "ctrl+h": (self.caret - 1, self.caret),
            "delete": (self.caret, self.caret + 1),
            "ctrl+w": (word_start, self.caret),
            "ctrl+u": (0, self.caret),
            "ctrl+k": (self.caret, len(self.text)),
        }
        if key in moves:
            self.caret = max(0, min(len(self.text), moves[key]))
            self.is_selected = False
        elif key in cuts:
            start, end = (0, len(self.text)) if self.is_selected else cuts[key]
            self._put(max(0, start), end, "")
        elif character is not None and character.isprintable():
            self.insert(character)
        else:
            return False
        return True

    def insert(self, text: str) -> None:
        """Put text at the caret; of several lines the first that is not blank."""
        first = next((each for each in text.splitlines() if each.strip()), text)
        shown = "".join(each for each in first if each.isprintable())
        start, end = (0, len(self.text)) if self.is_selected else (self.caret, self.caret)
        self._put(start, end, shown[: max(0, _MOST - len(self.text) + end - start)])

    def line(self, width: int) -> Line:
        """The text with its caret in at most `width` cells: the part around the caret where it is longer."""
        first = max(0, self.caret - width + 1)
        shown = self.text[first : first + width]
        if self.is_selected:
            return ((shown, "caret"),)
        at = self.caret - first
        return joined(((shown[:at], "bright"), (shown[at : at + 1] or " ", "caret"), (shown[at + 1 :], "bright")))

    def _put(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self.caret = start + len(text)
        self.is_selected = False
