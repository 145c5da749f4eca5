"""From file, environment and options to one frozen settings value that knows where each key came from."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from arbsniper_tui.config.given import Given, KeyPath, refusal
from arbsniper_tui.config.keys import ANY, KEYS, NAMES
from arbsniper_tui.config.reading import read
from arbsniper_tui.config.recorded import TapeSettings, unite
from arbsniper_tui.config.settings import Conversion, Settings
from arbsniper_tui.config.sources import find_file, from_environment, from_file, from_options
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import VENUES

DEFAULT = "default"
_SYMBOLS = ("symbols",)
_VENUES = ("venues",)

_Read = dict[KeyPath, tuple[Given, object]]
"""What is in force so far: each key as it was given, and its value as the settings hold it."""


class Loaded(Struct, frozen=True):
    """The settings in force."""

    settings: Settings
    path: Path | None
    """The file that was read."""
    origins: dict[str, str]
    """Dotted key -> `default`, `file PATH`, `environment NAME` or `option --name`; `venues.ID` says what turned
    a venue on."""


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
    values: _Read = {}
    problems: list[str] = []
    for source in (united.values, file, [] if tapes else from_environment(environ), from_options(options)):
        _overlay(values, source, problems)
    for key, difference in united.differences.items():
        if any(path[: len(key)] == key and given in united.values for path, (given, _) in values.items()):
            problems.append(difference)
    problems += _chained_quotes(values)
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    settings = msgspec.convert(_nested(values), Settings)
    return Loaded(settings, path, _origins(settings, values))


def _overlay(values: _Read, source: Iterable[Given], problems: list[str]) -> None:
    """Put one source's values over those of the sources before it."""
    # The list of all venues first and the choice of venues last: both act on what the tables before them say.
    for given in sorted(source, key=lambda given: (given.path != _SYMBOLS, given.path == _VENUES)):
        try:
            value = read(given)
        except ConfigError as error:
            problems.append(str(error))
            continue
        if given.path == _VENUES and isinstance(value, list):
            _drop(values, [path for path in values if path[:1] == _VENUES and path[1] not in value])
            for venue in value:
                values.setdefault((*_VENUES, venue), (given, {}))
            continue
        if given.path == _SYMBOLS:
            # Symbols of a later source are meant for every venue.
            _drop(values, [path for path in values if path[2:] == _SYMBOLS])
        if given.path[:1] == _VENUES:
            values.setdefault(given.path[:2], (given, {}))
        if value != {}:
            _replace(values, given, value)
        if given.path == ("redis", "url") and given.origin.startswith("option"):
            # A server that is named on the command line is wanted itself, not an embedded one in its place.
            values.setdefault(("redis", "mode"), (given, "url"))


def _replace(values: _Read, given: Given, value: object) -> None:
    """Set a key in the place of all below it, and of one value that stands for all of them."""
    path, above = given.path, given.path[:-1]
    _drop(values, [other for other in values if len(other) > len(path) and other[: len(path)] == path])
    if above in values and above[:1] != _VENUES:
        del values[above]
    elif above in values and len(above) > 2:
        for_all = values.pop(above)
        for declared in VENUES[path[1]].markets:
            values.setdefault((*above, str(declared.market)), for_all)
    values[path] = (given, value)


def _drop(values: _Read, paths: Iterable[KeyPath]) -> None:
    for path in paths:
        del values[path]


def _chained_quotes(values: _Read) -> list[str]:
    """What is wrong where a currency counts as one that counts as another itself."""
    quotes = {path[1]: path for path in values if path[0] == "quotes"}
    problems = []
    for currency, path in quotes.items():
        given, value = values[path]
        counted = Conversion(str(value)).counted(currency) if len(path) > 2 else str(value)
        if counted in quotes:
            expected = f"a currency that counts as no other; {counted} has an entry in [quotes] too"
            problems.append(str(refusal(given, expected)))
    return problems


def _nested(values: _Read) -> dict[str, object]:
    """The values as nested tables; without any venue, every venue of the registry."""
    tables: dict[str, object] = {}
    for path, (_, value) in values.items():
        table = tables
        for name in path[:-1]:
            inner = table.setdefault(name, {})
            assert isinstance(inner, dict)
            table = inner
        if value != {}:
            table[path[-1]] = value
        else:
            table.setdefault(path[-1], {})
    tables.setdefault("venues", {venue: {} for venue in VENUES})
    return tables


def _origins(settings: Settings, values: _Read) -> dict[str, str]:
    """The origin of every key in force, in the order of the declaration. A venue's key that is set by market stands
    there once for each of the venue's markets, a conversion once for all its keys."""
    paths: list[KeyPath] = []
    for pattern in KEYS:
        if pattern == ("quotes", ANY):
            paths += [("quotes", currency) for currency in settings.quotes]
        elif pattern == ("venues", ANY):
            below = [key[2:] for key in KEYS if key[:2] == pattern and len(key) < 4]
            for path in ((*_VENUES, venue, *name) for venue in settings.venues for name in below):
                is_by_market = any(len(other) == 4 and other[:3] == path for other in values)
                markets = [str(declared.market) for declared in VENUES[path[1]].markets]
                paths += [(*path, market) for market in markets] if is_by_market else [path]
        elif pattern[0] not in NAMES:
            paths.append(pattern)
    return {".".join(path): _origin(path, values) for path in paths}


def _origin(path: KeyPath, values: _Read) -> str:
    below = [other for other in values if path[:1] == ("quotes",) and other[:2] == path]
    held = values.get(below[0] if below else path)
    return held[0].origin if held else DEFAULT
