"""From file, environment and options to one frozen settings value that knows where each key came from."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from arbsniper_tui.config.given import Given, refusal
from arbsniper_tui.config.keys import ANY, KEYS, read
from arbsniper_tui.config.recorded import TapeSettings, unite
from arbsniper_tui.config.settings import Conversion, Settings
from arbsniper_tui.config.sources import find_file, from_environment, from_file, from_options
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import VENUES

DEFAULT = "default"
_SYMBOLS = ("symbols",)
_VENUES = ("venues",)


class Loaded(Struct, frozen=True):
    """The settings in force."""

    settings: Settings
    path: Path | None
    """The file that was read."""
    origins: dict[str, str]
    """Dotted key -> `default`, `file PATH`, `environment NAME` or `option --name`; `venues.ID` says what turned
    a venue on."""


class _Held(Struct, frozen=True):
    given: Given
    value: object


_Board = dict[tuple[str, ...], _Held]


def load_settings(
    config: Path | None,
    environ: Mapping[str, str],
    options: Mapping[str, object],
    tapes: Sequence[TapeSettings] = (),
) -> Loaded:
    """The settings of the file, overridden by the environment, overridden by options (dotted key -> value).

    With tapes, theirs are overridden by the file and by options, and only `config` is read: neither a file that is
    found nor the environment may change what a tape gives. Raises ConfigError that names everything that is wrong, one
    line each.
    """
    united = unite(tapes)
    path = find_file(config) if config is not None or not tapes else None
    file = from_file(path) if path else []
    sources = (united.values, file, [] if tapes else from_environment(environ), from_options(options))
    board: _Board = {}
    problems: list[str] = []
    for source in sources:
        _overlay(board, source, problems)
    for key, difference in united.differences.items():
        if key in board and board[key].given in united.values:
            problems.append(difference)
    problems += _chained_quotes(board)
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    settings = msgspec.convert(_nested(board), Settings)
    return Loaded(settings, path, _origins(settings, board))


def _overlay(board: _Board, source: Iterable[Given], problems: list[str]) -> None:
    """Put one source's values over those of the sources before it."""
    # The list of all venues first and the choice of venues last: both act on what the tables before them say.
    for given in sorted(source, key=lambda given: (given.path != _SYMBOLS, given.path == _VENUES)):
        try:
            value = read(given)
        except ConfigError as error:
            problems.append(str(error))
            continue
        if given.path == _VENUES and isinstance(value, list):
            _choose_venues(board, given, value)
            continue
        if given.path == _SYMBOLS:
            # Whoever asks for symbols in a later source means them for every venue.
            for path in [path for path in board if path[0] == "venues" and path[2:] == _SYMBOLS]:
                del board[path]
        if given.path[0] == "venues":
            board.setdefault(given.path[:2], _Held(given, {}))
            # One value for all markets takes the place of those by market.
            for path in [path for path in board if len(path) == 4 and path[:3] == given.path]:
                del board[path]
        if given.path[0] != "venues" or len(given.path) > 2:
            board[given.path[:2] if given.path[0] == "quotes" else given.path] = _Held(given, value)
        if given.path == ("redis", "url") and given.origin.startswith("option"):
            _mean_this_redis(board, given)


def _choose_venues(board: _Board, given: Given, ids: list[str]) -> None:
    """Keep the tables of these venues and drop the others."""
    for path in [path for path in board if path[0] == "venues" and path[1] not in ids]:
        del board[path]
    for venue in ids:
        board.setdefault(("venues", venue), _Held(given, {}))


def _mean_this_redis(board: _Board, given: Given) -> None:
    # Who names a server on the command line wants that one, not an embedded one in its place.
    board.setdefault(("redis", "mode"), _Held(given, "url"))


def _chained_quotes(board: _Board) -> list[str]:
    """What is wrong where a currency counts as one that counts as another itself."""
    problems = []
    quotes = {path[1]: held for path, held in board.items() if path[0] == "quotes"}
    for currency, held in quotes.items():
        value = held.value
        counted = Conversion(**value).counted(currency) if isinstance(value, dict) else str(value)
        if counted in quotes:
            expected = f"a currency that counts as no other; {counted} has an entry in [quotes] too"
            problems.append(str(refusal(held.given, expected)))
    return problems


def _nested(board: _Board) -> dict[str, object]:
    """The board as nested tables; without any venue, every venue of the registry."""
    tables: dict[str, object] = {}
    venues: dict[str, dict[str, object]] = {}
    for path, held in board.items():
        if path[0] == "venues":
            own = venues.setdefault(path[1], {})
            if len(path) == 3:
                own[path[2]] = held.value
            elif len(path) == 4:
                own[path[2]] = _by_market(board, path[:3])
        elif len(path) == 1:
            tables[path[0]] = held.value
        else:
            section = tables.setdefault(path[0], {})
            assert isinstance(section, dict)
            section[path[1]] = held.value
    tables["venues"] = venues or {venue: {} for venue in VENUES}
    return tables


def _by_market(board: _Board, path: tuple[str, ...]) -> dict[str, object]:
    """The values of a venue's key by market; a market without its own has the one for all, where there is one."""
    markets = [str(declared.market) for declared in VENUES[path[1]].markets]
    held = {market: board.get((*path, market)) or board.get(path) for market in markets}
    return {market: each.value for market, each in held.items() if each is not None}


def _origins(settings: Settings, board: _Board) -> dict[str, str]:
    """The origin of every key in force, in the order of the key table. A venue's key that is set by market stands
    there once for each of the venue's markets."""
    paths: list[tuple[str, ...]] = []
    for pattern in KEYS:
        if pattern == ("quotes", ANY):
            paths += [("quotes", currency) for currency in settings.quotes]
        elif pattern == ("venues", ANY):
            names = [path[2:] for path in KEYS if path[:2] == pattern and len(path) < 4]
            for path in (("venues", venue, *name) for venue in settings.venues for name in names):
                is_by_market = any(len(other) == 4 and other[:3] == path for other in board)
                markets = [str(declared.market) for declared in VENUES[path[1]].markets]
                paths += [(*path, market) for market in markets] if is_by_market else [path]
        elif ANY not in pattern and pattern != _VENUES:
            paths.append(pattern)
    held = {path: board.get(path) or board.get(path[:3]) for path in paths}
    return {".".join(path): each.given.origin if each else DEFAULT for path, each in held.items()}
