"""The routes that the user has muted, in the state folder, as a TOML file that a person can read and mend."""

import tomllib
from collections.abc import Collection

import msgspec

from arbsniper_tui.model.errors import UNREADABLE, StateError
from arbsniper_tui.runtime.state_folder import StateFolder

NAME = "mutes.toml"
_HEAD = "# The routes that make no signal because you muted them. A node reads this when it starts.\n"

NamedLeg = tuple[str, str]
"""Venue and symbol."""
NamedRoute = tuple[NamedLeg, NamedLeg]
"""What is bought, and what is sold."""


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    routes: tuple[str, ...] = ()


class MuteFile:
    """The file of the nodes of one name. Each call waits for the disk."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self.path = folder.path / NAME

    def read(self) -> set[NamedRoute]:
        """The muted routes; none where there is no file. Raises StateError where it cannot be read, and FolderError."""
        text = self._folder.read(NAME)
        if text is None:
            return set()
        try:
            return {_route(each) for each in msgspec.convert(tomllib.loads(text), _Content).routes}
        except (*UNREADABLE, ValueError) as error:
            expected = 'expected routes = ["VENUE SYMBOL -> VENUE SYMBOL"]'
            raise StateError(f"{self.path}: {expected}, found {error}: mend it") from error

    def write(self, routes: Collection[NamedRoute]) -> None:
        """Replace what is muted. Raises FolderError, with the file as it was."""
        lines = "".join(f"    {msgspec.json.encode(route_words(each)).decode()},\n" for each in sorted(routes))
        self._folder.write(NAME, f"{_HEAD}routes = [\n{lines}]\n")


def route_words(route: NamedRoute) -> str:
    """`binance BTC/USDT -> okx BTC/USDT`."""
    (bought_at, bought), (sold_at, sold) = route
    return f"{bought_at} {bought} -> {sold_at} {sold}"


def _route(words: str) -> NamedRoute:
    buy, arrow, sell = words.partition(" -> ")
    legs = tuple(leg.split(" ") for leg in (buy, sell))
    if not arrow or any(len(leg) != 2 for leg in legs):
        raise ValueError(words)
    return (legs[0][0], legs[0][1]), (legs[1][0], legs[1][1])
