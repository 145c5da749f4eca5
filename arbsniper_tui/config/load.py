"""From file, environment and options to one frozen settings value that knows where each key came from."""

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

import msgspec
from msgspec import Struct

from arbsniper_tui.config.alert_faults import faults
from arbsniper_tui.config.external import external_names, refuse_unknown, takes_key, venue_problems
from arbsniper_tui.config.given import Given, KeyPath, refusal
from arbsniper_tui.config.keys import ANY, KEYS, NAMES, pattern_of
from arbsniper_tui.config.reading import read
from arbsniper_tui.config.recorded import TapeSettings, unite
from arbsniper_tui.config.settings import Conversion, Settings
from arbsniper_tui.config.sources import find_file, from_environment, from_file, from_options
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import DEFAULT_VENUES, adapter_of

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
    file: tuple[Given, ...] = ()
    """What stands in that file."""


def load_settings(
    config: Path | None,
    environ: Mapping[str, str],
    options: Mapping[str, object],
    tapes: Sequence[TapeSettings] = (),
    *,
    default_venues: Sequence[str] = DEFAULT_VENUES,
    saved: Sequence[Given] = (),
    told: Sequence[Given] = (),
    file: Sequence[Given] | None = None,
) -> Loaded:
    """The settings of the file, overridden by what viewers had `saved`, by the environment, by options (dotted key ->
    value), and by what viewers have `told` the node since it runs. Where none of them names a venue, `default_venues`
    are on. A `file` that was read before is not read again.

    With tapes, theirs are overridden by the file and by options, and only `config` is read: neither a file that is
    found nor the environment may change what a tape gives. Raises ConfigError that names everything that is wrong, one
    line each.
    """
    united = unite(tapes)
    path = config if file is not None else find_file(config) if config is not None or not tapes else None
    if file is None:
        file = from_file(path) if path else []
    values: _Values = {}
    problems: list[str] = []
    sources = (united.values, file, saved, [] if tapes else from_environment(environ), from_options(options), told)
    external = external_names(given for source in sources for given in source)
    for source in sources:
        _overlay(values, source, problems, external)
    of_tapes = [tape.origin for tape in tapes]
    for key, difference in united.differences.items():
        if any(path[: len(key)] == key and given.origin in of_tapes for path, given in values.items()):
            problems.append(difference)
    settings = msgspec.convert(_nested(values, default_venues), Settings)
    problems += [*_unfit_quotes(settings, values), *faults(settings.alerts, values), *venue_problems(settings, values)]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    origins = {".".join(path): _origin(path, values) for path in _in_force(settings, values)}
    return Loaded(settings, path, origins, tuple(file))


def _overlay(values: _Values, source: Iterable[Given], problems: list[str], external: Set[str]) -> None:
    """Put one source's values over those of the sources before it. `external` are the ids of venues beside those of
    this program."""
    # The list of all venues first and the choice of venues last: both act on what the tables before them say.
    for unread in sorted(source, key=lambda given: (given.path != _SYMBOLS, given.path == _VENUES)):
        try:
            refuse_unknown(unread, unread.path[1:2] if unread.path[0] == "venues" else (), external)
            given = msgspec.structs.replace(unread, value=read(unread))
            if given.path[-1:] == _VENUES and isinstance(given.value, list):
                refuse_unknown(given, given.value, external)
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
        else:
            values.setdefault(given.path, given)
        if given.path == ("redis", "url") and given.origin.startswith("option"):
            # A server that is named on the command line is wanted itself, not an embedded one in its place.
            values.setdefault(("redis", "mode"), msgspec.structs.replace(given, value="url"))


def _put(values: _Values, given: Given) -> None:
    """Set a key, in the place of all keys below it and of a value that stands for all of them."""
    path, above = given.path, given.path[:-1]
    _drop(values, [other for other in values if len(other) > len(path) and other[: len(path)] == path])
    if path[:1] == _VENUES and len(path) == 4 and above in values:
        for_all = values.pop(above)
        values |= {(*above, str(declared.market)): for_all for declared in adapter_of(path[1]).markets}
    elif above in values and values[above].value != {}:
        del values[above]
    values[path] = given


def _drop(values: _Values, paths: Iterable[KeyPath]) -> None:
    for path in paths:
        del values[path]


def _unfit_quotes(settings: Settings, values: _Values) -> list[str]:
    """What is wrong where a currency counts as one that counts as another itself, or as two others."""
    problems: dict[str, str] = {}
    for path, given in values.items():
        if path[0] == "quotes" and (counted := settings.counted_quote(path[1])) in settings.quotes:
            expected = f"a currency that counts as no other; {counted} has an entry in [quotes] too"
            problems.setdefault(path[1], str(refusal(given, expected)))
        if path[0] == "quotes" and isinstance(conversion := settings.quotes[path[1]], Conversion):
            pairs = [{symbol.base, symbol.quote} for _, symbol in conversion.markets]
            if any(pair != pairs[0] for pair in pairs) and path[2:] == ("convert",):
                expected = f"markets of {path[1]} and one other currency, the same in all of them"
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
                if path[2:] and not takes_key(settings.venues[path[1]], path[2]):
                    continue
                is_by_market = any(len(other) == 4 and other[:3] == path for other in values)
                yield from ((*path, market) for market in settings.markets_of(path[1])) if is_by_market else (path,)
        elif pattern[:1] not in NAMES:
            # Of an alert's rule or target what was given; an empty table only where nothing fills it.
            given = [path for path in values if pattern_of(path) == pattern]
            is_filled = {path[:-1] for path in values}
            yield from (path for path in given if path not in is_filled) if ANY in pattern else (pattern,)


def _origin(path: KeyPath, values: _Values) -> str:
    of_currency = (given for other, given in values.items() if path[0] == "quotes" and other[:2] == path)
    held = values.get(path) or next(of_currency, None)
    return held.origin if held else DEFAULT
