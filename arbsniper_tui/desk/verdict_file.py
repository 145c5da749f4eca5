"""The user's verdicts on coins in the state folder, as a TOML file that a person can read and mend."""

import tomllib
from collections.abc import Iterable

import msgspec

from arbsniper_tui.model.errors import UNREADABLE, StateError, SymbolError, UsageError
from arbsniper_tui.model.instrument import parse_symbol
from arbsniper_tui.model.verdict import Judgement, Verdict, read_judgement
from arbsniper_tui.runtime.state_folder import StateFolder

NAME = "identity.toml"
_HEAD = """\
# What you have said of coins whose price did not fit that of their peers; `arbsniper-tui identity` lists and adds.
# verdict: "same", "different" or "multiplier=1000" (so many coins sold as one). A node reads this when it starts.
"""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    verdict: str
    ratio: float | None = None
    said: str = ""
    seen: str = ""


class VerdictFile:
    """The file of the nodes of one name. Each call waits for the disk."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self.path = folder.path / NAME

    def read(self) -> list[Verdict]:
        """The verdicts; none where there is no file. Raises StateError where it cannot be read, or says what is no
        verdict, and FolderError."""
        text = self._folder.read(NAME)
        if text is None:
            return []
        try:
            tables = msgspec.convert(tomllib.loads(text), dict[str, dict[str, _Entry]])
        except (*UNREADABLE, tomllib.TOMLDecodeError) as error:
            raise StateError(
                f'{self.path}: expected [venue."SYMBOL"] with a verdict, found {error}: mend it'
            ) from error
        return [self._verdict(venue, symbol, each) for venue, of in tables.items() for symbol, each in of.items()]

    def keep(self, verdict: Verdict) -> None:
        """Add a verdict, or replace an earlier one on the same instrument; what else stands in the file stays. Raises
        StateError and FolderError, with the file as it was."""
        verdicts = {each.key: each for each in self.read()} | {verdict.key: verdict}
        self._folder.write(NAME, written(verdicts.values()))

    def _verdict(self, venue: str, symbol: str, entry: _Entry) -> Verdict:
        where = f'{self.path}: [{venue}."{symbol}"]'
        try:
            parse_symbol(symbol)
            judgement, multiplier = read_judgement(entry.verdict)
        except (SymbolError, UsageError) as error:
            raise StateError(f"{where}: {error}") from error
        if entry.ratio is not None and not 0.0 < entry.ratio < float("inf"):
            raise StateError(f"{where}: ratio: expected a number above 0, found {entry.ratio:g}")
        return Verdict(venue, symbol, judgement, multiplier, entry.ratio, entry.said, entry.seen)


def written(verdicts: Iterable[Verdict]) -> str:
    """The file's text."""
    parts = [_HEAD]
    for each in sorted(verdicts, key=lambda one: one.key):
        judged = each.judgement.value
        if each.judgement is Judgement.MULTIPLIER:
            judged = f"{judged}={each.multiplier}"
        lines = [f"[{_quoted(each.venue)}.{_quoted(each.symbol)}]", f"verdict = {_quoted(judged)}"]
        if each.ratio is not None:
            lines.append(f"ratio = {float(each.ratio)!r}")
        lines += [f"{name} = {_quoted(text)}" for name, text in (("said", each.said), ("seen", each.seen)) if text]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _quoted(text: str) -> str:
    """As a TOML string: JSON's escapes are TOML's, but for the letter DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
