"""What the parts of the check share: a breach in words, and memory of bounded size."""

from typing import Generic, TypeVar

from msgspec import Struct

from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.tools.consume.numbering import REMEMBERED, RunKey

_SHOWN = 2000

K = TypeVar("K")
V = TypeVar("V")


class Contradiction(Struct, frozen=True):
    """One thing that does not hold."""

    expected: str
    found: str


class Breach(Struct, frozen=True):
    """One thing that is not as the contract says, and the message that showed it."""

    where: str
    expected: str
    found: str
    payload: bytes = b""

    def __str__(self) -> str:
        words = clean_text(f"{self.where}: expected {self.expected}, found {self.found}", _SHOWN)
        shown = clean_text(self.payload.decode(errors="backslashreplace"), _SHOWN)
        return f"{words}\n  in {shown}" if shown else words


class Remembered(dict[K, V], Generic[K, V]):
    """The newest entries."""

    def note(self, key: K, value: V) -> None:
        self[key] = value
        if len(self) > REMEMBERED:
            del self[next(iter(self))]


def run_words(key: RunKey) -> str:
    """A run in words, fit to show."""
    node, run = key
    return clean_text(f"node {node}, run {run}" if node or run else "a node without a name")
