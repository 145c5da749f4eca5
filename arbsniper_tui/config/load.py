"""From file, environment and options to one frozen settings value that knows where each key came from."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from arbsniper_tui.config.given import Given, KeyPath, refusal
from arbsniper_tui.config.keys import ANY, KEYS, NAMES
from arbsniper_tui.config.reading import read
from arbsniper_tui.config.recorded import TapeSettings, unite
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.config.sources import find_file, from_environment, from_file, from_options
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import DEFAULT_VENUES, VENUES

DEFAULT = "default"
_SYMBOLS = ("symbols",)
_VENUES = ("venues",)

_Values = dict[KeyPath, Given]
"""What is in force so far, each with its value as the settings hold it."""


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
    *,
    default_venues: Sequence[str] = DEFAULT_VENUES,
) -> Loaded:
    """The settings of the file, overridden by the environment, overridden by options (dotted key -> value). Where none
    of them names a venue, `default_venues` are on.

    With tapes, theirs are overridden by the file and by options, and only `config` is read: neither a file that is
    found nor the environment may change what a tape gives. Raises ConfigError that names everything that is wrong, one
    line each.
    """
    united = unite(tapes)
    path = find_file(config) if config is not None or not tapes else None
    file = from_file(path) if path else []
    values: _Values = {}
    problems: list[str] = []
    for source in (united.values, file, [] if tapes else from_environment(environ), from_options(options)):
        _overlay(values, source, problems)
    of_tapes = [tape.origin for tape in tapes]
    for key, difference in united.differences.items():
        if any(path[: len(key)] == key and given.origin in of_tapes for path, given in values.items()):
            problems.append(difference)
    settings = msgspec.convert(_nested(values, default_venues), Settings)
    problems += _chained_quotes(settings, values)
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return Loaded(settings, path, {".".join(path): _origin(path, values) for path in _in_force(settings, values)})


def _overlay(values: _Values, source: Iterable[Given], problems: list[str]) -> None:
    """Put one source's values over those of the sources before it."""
    # The list of all venues first and the choice of venues last: both act on what the tables before them say.
    for unread in sorted(source, key=lambda given: (given.path != _SYMBOLS, given.path == _VENUES)):
        try:
            given = msgspec.structs.replace(unread, value=read(unread))
        except ConfigError as error:
            problems.append(str(error))
            continue
        if isinstance(given.value, list) and given.path == _VENUES:
            _drop(values, [path for path in values if path[:1] == _VENUES and path[1] not in given.value])
            for venue in given.value:
                values.setdefault((*_VENUES, venue), msgspec.structs.replace(given, value={}))
            continue
        if given.path == _SYMBOLS:
            # Symbols of a later source are meant for every venue.
            _drop(values, [path for path in values if path[2:] == _SYMBOLS])
        if given.path[:1] == _VENUES:
            values.setdefault(given.path[:2], msgspec.structs.replace(given, value={}))
        if given.value != {}:
            _put(values, given)
        if given.path == ("redis", "url") and given.origin.startswith("option"):
            # A server that is named on the command line is wanted itself, not an embedded one in its place.
            values.setdefault(("redis", "mode"), msgspec.structs.replace(given, value="url"))


def _put(values: _Values, given: Given) -> None:
    """Set a key, in the place of all keys below it and of a value that stands for all of them."""
    path, above = given.path, given.path[:-1]
    _drop(values, [other for other in values if len(other) > len(path) and other[: len(path)] == path])
    if len(path) == 4 and above in values:
        for_all = values.pop(above)
        values |= {(*above, str(declared.market)): for_all for declared in VENUES[path[1]].markets}
    elif above in values and values[above].value != {}:
        del values[above]
    values[path] = given


def _drop(values: _Values, paths: Iterable[KeyPath]) -> None:
    for path in paths:
        del values[path]


def _chained_quotes(settings: Settings, values: _Values) -> list[str]:
    """What is wrong where a currency counts as one that counts as another itself."""
    problems: dict[str, str] = {}
    for path, given in values.items():
        if path[0] == "quotes" and (counted := settings.counted_quote(path[1])) in settings.quotes:
            expected = f"a currency that counts as no other; {counted} has an entry in [quotes] too"
            problems.setdefault(path[1], str(refusal(given, expected)))
    return list(problems.values())


def _nested(values: _Values, default_venues: Iterable[str]) -> dict[str, object]:
    """The values as nested tables; without any venue, the default ones."""
    tables: dict[str, object] = {}
    # An empty table comes before what stands in it.
    for path, given in sorted(values.items(), key=lambda item: item[1].value != {}):
        table = tables
        for name in path[:-1]:
            table = table.setdefault(name, {})  # type: ignore[assignment]  # what is nested is a table
        table[path[-1]] = given.value if given.value != {} else {}
    return {"venues": {venue: {} for venue in default_venues}} | tables


def _in_force(settings: Settings, values: _Values) -> Iterable[KeyPath]:
    """Every key in force, in the order of the declaration; a venue's key that is set by market stands there once for
    each of its markets, a currency once."""
    for pattern in KEYS:
        if pattern == ("quotes", ANY):
            yield from (("quotes", currency) for currency in settings.quotes)
        elif pattern == ("venues", ANY):
            below = [key[2:] for key in KEYS if key[:2] == pattern and len(key) < 4]
            for path in ((*_VENUES, venue, *key) for venue in settings.venues for key in below):
                is_by_market = any(len(other) == 4 and other[:3] == path for other in values)
                yield from ((*path, market) for market in settings.markets_of(path[1])) if is_by_market else (path,)
        elif pattern[0] not in NAMES:
            yield pattern


def _origin(path: KeyPath, values: _Values) -> str:
    of_currency = (given for other, given in values.items() if path[0] == "quotes" and other[:2] == path)
    held = values.get(path) or next(of_currency, None)
    return held.origin if held else DEFAULT
