"""The settings that a tape carries: what a recording writes, and what a replay of several tapes makes of them.

They are those that decide which signals there are. Addresses, Redis and the screen belong to the machine that recorded,
so that nothing secret is on a tape.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from arbsniper_tui.config.external import external_names
from arbsniper_tui.config.given import Given, KeyPath, shown
from arbsniper_tui.config.keys import KEYS, OPTIONS, pattern_of
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.config.sources import leaves
from arbsniper_tui.model.errors import UNREADABLE, ConfigError
from arbsniper_tui.venues import VENUES

_SYMBOLS = ("symbols",)
_MAX_AGE = ("max_age_ms",)
_OF_PATTERNS = ("exclude", "min_venues")
_CARRIED = ("symbols", "exclude", "min_venues", "signals", "quotes", "venues")

_Values = dict[KeyPath, Given]


class TapeSettings(Struct, frozen=True):
    """What one tape carries."""

    path: str
    json: str

    @property
    def origin(self) -> str:
        return f"tape {self.path}"


class United(Struct, frozen=True):
    """The settings of several tapes as one source."""

    values: list[Given]
    differences: dict[KeyPath, str]
    """Keys that the tapes hold different values of, and what is said of each unless a later source overrides it."""


def recorded_settings(settings: Settings) -> str:
    """The settings in force as a tape carries them, the adapters' own fees included."""
    tables = msgspec.to_builtins(settings)
    carried = {name: tables[name] for name in _CARRIED if settings.has_patterns or name not in _OF_PATTERNS}
    for venue, own in settings.venues.items():
        fees = {market: in_force.taker_fee_pct for market, in_force in settings.markets_of(venue).items()}
        symbols = {} if own.symbols is None else {"symbols": own.symbols}
        external = {"external": True} if own.external else {}
        carried["venues"][venue] = {"taker_fee_pct": fees} | symbols | external
    return msgspec.json.encode(carried).decode()


def unite(tapes: Iterable[TapeSettings]) -> United:
    """Venues and symbols of all tapes together; of another key that differs, the first value and the difference.

    Raises ConfigError for settings that cannot be read.
    """
    apart: dict[str, TapeSettings] = {}
    for tape in tapes:
        apart.setdefault(tape.json, tape)  # the tapes of one recording carry the same text
    held = {tape.origin: _values_of(tape) for tape in apart.values()}
    united: _Values = {}
    for values in held.values():
        united |= {path: given for path, given in values.items() if path not in united}
    differences: dict[KeyPath, str] = {}
    for path, given in united.items():
        if path[-1:] == _SYMBOLS:
            united[path] = msgspec.structs.replace(given, value=_united_symbols(path, held.values()))
        elif difference := _difference(path, held):
            differences[path] = difference
    return United(list(united.values()), differences)


def _values_of(tape: TapeSettings) -> _Values:
    """The values by key, what a currency counts as under its name. What this version does not know, a later key or
    venue, is passed over."""
    try:
        tables = msgspec.json.decode(tape.json, type=dict[str, object])
    except UNREADABLE as error:
        raise ConfigError(f"{tape.origin}: found settings that cannot be read: {error}") from error
    carried = {name: tables[name] for name in _CARRIED if name in tables}
    found = list(leaves((), carried, tape.origin, tape.origin))
    external = external_names(found)
    return {
        given.path[:2] if given.path[0] == "quotes" and given.path[2:] != _MAX_AGE else given.path: given
        for given in found
        if pattern_of(given.path) in KEYS and (given.path[0] != "venues" or given.path[1] in {*VENUES, *external})
    }


def _united_symbols(path: KeyPath, held: Iterable[_Values]) -> object:
    """A list of symbols over all tapes; a venue's own takes in what a tape without one asked of that venue."""
    symbols: list[object] = []
    for values in held:
        given = values.get(path) or values.get(_SYMBOLS)
        if given and (len(path) == 1 or any(other[:2] == path[:2] for other in values)):
            if not isinstance(given.value, list):
                return given.value
            symbols += given.value
    return list(dict.fromkeys(symbols))


def _difference(path: KeyPath, held: dict[str, _Values]) -> str:
    """What is said of a key that not all tapes hold alike; a currency that a tape does not name counts as itself."""
    counts = path[0] == "quotes" and len(path) == 2
    found = {origin: values.get(path) for origin, values in held.items() if path in values or counts}
    values = [given and (given.path, given.value) for given in found.values()]
    other = next((place for place, value in enumerate(values) if value != values[0]), None)
    if other is None:
        return ""
    words = [f"{shown(given.value) if given else 'nothing'} on {origin}" for origin, given in found.items()]
    key = ".".join(path)
    by = f"{OPTIONS[key]} or --config" if key in OPTIONS else "--config"
    return f"{key}: found {words[0]} and {words[other]}, expected one value: give it by {by}"
