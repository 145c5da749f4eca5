"""Text from outside, made fit for a log, a terminal and a screen: one visible line of bounded length."""

import re

LIMIT = 300
"""Characters of one text from outside that are worth showing."""
NAME_LIMIT = 64

# What Unicode calls default-ignorable and Python calls printable: nothing is drawn for it. And the braille blank.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_NAME_JOINTS = str.maketrans("", "", "-_/.:")


def clean_text(text: str, limit: int = LIMIT) -> str:
    """`text` with every character that is not seen, or that steers a terminal, as its escape (`\\x1b`, `\\n`,
    `\\u202e`), and no longer than `limit`."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown = "".join(_escaped(character) for character in text[:limit])
    return shown if len(text) <= limit and len(shown) <= limit else shown[: limit - 3] + "..."


def is_symbol_name(name: str) -> bool:
    """Whether this can be a venue's name for a symbol: letters and digits, joined by `-`, `_`, `/`, `.` or `:`."""
    return len(name) <= NAME_LIMIT and name.translate(_NAME_JOINTS).isalnum() and clean_text(name) == name


def _escaped(character: str) -> str:
    if character.isprintable() and not _UNSEEN.match(character):
        return character
    return character.encode("unicode_escape").decode()
