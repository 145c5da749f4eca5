"""The tokens and keys that were made, and the ids that count no more: a JSON file in the state folder. It holds no
token, and of a key only the hash.
"""

import os

import msgspec
from msgspec import Struct

from arbsniper_tui.api.role import Role
from arbsniper_tui.model.errors import UNREADABLE, StateError, UsageError
from arbsniper_tui.runtime.state_folder import StateFolder

NAME = "tokens.json"
MOST_KEPT = 4000
"""Of tokens, keys and revoked ids: so many fit into a file of the state folder."""
_LONGEST_ID = 100
LONGEST_DAYS = 3650
"""For so long a token may be made."""
KEPT_AFTER_END_S = 86_400
"""For clocks that differ, and for one that was ahead: a revoked token must not count again once it is set right."""


class Issued(Struct, frozen=True, omit_defaults=True):
    """A token or a key that was made."""

    role: Role
    made_s: int
    """Since 1970."""
    ends_s: int | None = None
    """From when on it counts no more; None for never."""
    key_hash: str = ""
    """Of a key: SHA-256 in hexadecimal digits. A key holds 256 random bits, which no one can guess from that."""


class TokenBook(Struct, frozen=True):
    """What the file holds."""

    issued: dict[str, Issued] = {}
    """By id."""
    revoked: frozenset[str] = frozenset()
    """The ids that count no more."""


class TokenFile:
    """The file of the nodes of one name. Each call waits for the disk."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self.path = folder.path / NAME

    def read(self) -> TokenBook:
        """What it holds; nothing where there is no file. Raises StateError where it cannot be read, and FolderError."""
        return self._book(self._folder.read(NAME))

    def version(self) -> tuple[int, ...]:
        """Another one after each change; empty where there is no file, or none that can be looked at."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - twice a second
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def add(self, token_id: str, issued: Issued, now_s: float) -> None:
        """Note what was made, and forget what ended a day ago. Raises UsageError for too many, StateError and
        FolderError, with the file as it was."""

        def added(text: str | None) -> str:
            book = self._book(text)
            over_s = now_s - KEPT_AFTER_END_S
            ended = {each for each, one in book.issued.items() if one.ends_s is not None and one.ends_s < over_s}
            kept = {each: one for each, one in book.issued.items() if each not in ended} | {token_id: issued}
            return self._text(TokenBook(kept, book.revoked - ended))

        self._folder.change(NAME, added)

    def revoke(self, token_id: str) -> Issued | None:
        """Let this id count no more; what was made under it, None for an id that was not made here. Raises what `add`
        raises, and UsageError for what cannot be an id."""
        if not is_token_id(token_id):
            raise UsageError(f"found an id of {len(token_id)} characters, expected one that `token list` shows")

        def revoked(text: str | None) -> str:
            book = self._book(text)
            return self._text(TokenBook(book.issued, book.revoked | {token_id}))

        return self._book(self._folder.change(NAME, revoked)).issued.get(token_id)

    def _book(self, text: str | None) -> TokenBook:
        try:
            return msgspec.json.decode(text, type=TokenBook) if text is not None else TokenBook()
        except UNREADABLE as error:
            raise StateError(f"{self.path}: expected tokens as the verb token writes them, found {error}") from error

    def _text(self, book: TokenBook) -> str:
        if len(book.issued) + len(book.revoked) > MOST_KEPT:
            raise UsageError(f"{self.path}: holds {MOST_KEPT} tokens and ids: make them for fewer days")
        return msgspec.json.format(msgspec.json.encode(book, order="deterministic"), indent=1).decode() + "\n"


def is_token_id(text: str) -> bool:
    """Whether a token or key may have this id."""
    return text.isprintable() and 0 < len(text) <= _LONGEST_ID
