"""The settings that a tape carries: what a recording writes, and what a replay of several tapes makes of them.

They are those that decide which signals there are. Where venues and Redis were reached, and how a screen was drawn,
belongs to the machine that recorded: so nothing secret is among them.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from arbsniper_tui.config.given import Given, KeyPath, shown
from arbsniper_tui.config.keys import KEYS, OPTIONS, pattern_of
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.config.sources import leaves
from arbsniper_tui.model.errors import UNREADABLE, ConfigError
from arbsniper_tui.venues import VENUES

_SYMBOLS = ("symbols",)
_CARRIED = ("symbols", "signals", "quotes", "venues")

_Tables = dict[KeyPath, Given]


class TapeSettings(Struct, frozen=True):
    """What one tape carries."""

    path: str
    json: str


class United(Struct, frozen=True):
    """The settings of several tapes as one source."""

    values: list[Given]
    differences: dict[KeyPath, str]
    """Keys that the tapes hold different values of, and what is to be said of each unless something overrides it."""


def recorded_settings(settings: Settings) -> str:
    """The settings in force as a tape carries them, the adapters' own fees included."""
    tables = msgspec.to_builtins(settings)
    carried = {name: tables[name] for name in _CARRIED}
    carried["venues"] = {venue: _carried_of(settings, venue) for venue in settings.venues}
    return msgspec.json.encode(carried).decode()


def unite(tapes: Iterable[TapeSettings]) -> United:
    """Venues and symbols of all tapes together; of another key that differs, the first value and the difference.

    Raises ConfigError for settings that cannot be read.
    """
    apart: dict[str, TapeSettings] = {}
    for tape in tapes:
        apart.setdefault(tape.json, tape)  # the tapes of one recording carry the same text
    tables = [_tables_of(tape) for tape in apart.values()]
    values: _Tables = {}
    for table in tables:
        for path, given in table.items():
            values.setdefault(path, given)
    for path, symbols in _united_symbols(tables).items():
        values[path] = msgspec.structs.replace(values[path], value=symbols)
    differences: dict[KeyPath, str] = {}
    for path in values:
        if path[-1:] != _SYMBOLS:
            differences |= _difference(path, tables)
    return United(list(values.values()), differences)


def _carried_of(settings: Settings, venue: str) -> dict[str, object]:
    markets = [str(declared.market) for declared in VENUES[venue].markets]
    in_force = [settings.market_of(venue, declared.market) for declared in VENUES[venue].markets]
    fees = {market: each.taker_fee_pct for market, each in zip(markets, in_force, strict=True) if each is not None}
    own = settings.venues[venue].symbols
    return {"taker_fee_pct": fees} if own is None else {"taker_fee_pct": fees, "symbols": list(own)}


def _tables_of(tape: TapeSettings) -> _Tables:
    """The values by key. What this version does not know, a later one's key or venue, is passed over."""
    try:
        tables = msgspec.json.decode(tape.json, type=dict[str, object])
    except UNREADABLE as error:
        raise ConfigError(f"tape {tape.path}: found settings that cannot be read: {error}") from error
    found: _Tables = {}
    for given in leaves((), tables, f"tape {tape.path}", f"tape {tape.path}"):
        is_known = pattern_of(given.path) in KEYS and (given.path[0] != "venues" or given.path[1] in VENUES)
        if is_known and given.path[0] in _CARRIED:
            found[given.path[:2] if given.path[0] == "quotes" else given.path] = given
    return found


def _united_symbols(tables: Sequence[_Tables]) -> dict[KeyPath, list[object]]:
    """Each list of symbols over all tapes; a venue's own list takes in what a tape without one asked of that venue."""
    united: dict[KeyPath, list[object]] = {}
    for path in dict.fromkeys(path for table in tables for path in table if path[-1:] == _SYMBOLS):
        for table in tables:
            is_on = len(path) == 1 or any(other[:2] == path[:2] for other in table)
            given = table.get(path) or table.get(_SYMBOLS)
            if is_on and given is not None and isinstance(given.value, list):
                united[path] = list(dict.fromkeys([*united.get(path, []), *given.value]))
    return united


def _difference(path: KeyPath, tables: Sequence[_Tables]) -> Mapping[KeyPath, str]:
    """What is said of a key that not all tapes hold alike; a currency that one does not name counts as itself there."""
    held = [(table, table.get(path)) for table in tables]
    if path[0] != "quotes":
        held = [(table, given) for table, given in held if given is not None]
    first, *others = held
    other = next((each for each in others if _value(each[1]) != _value(first[1])), None)
    if other is None:
        return {}
    told = " and ".join(f"{_words(given)} on {_name(table)}" for table, given in (first, other))
    key = ".".join(path)
    by = f"{OPTIONS[key]} or --config" if key in OPTIONS else "--config"
    return {path: f"{key}: found {told}, expected one value: give it by {by}"}


def _value(given: Given | None) -> object:
    return None if given is None else (given.path, given.value)


def _words(given: Given | None) -> str:
    if given is None:
        return "nothing"
    return shown(given.value)


def _name(table: _Tables) -> str:
    return next(iter(table.values())).origin
