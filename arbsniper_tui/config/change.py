"""What two values of the settings differ in, and what of that a running node can take. Pure."""

from collections.abc import Container, Iterator
from typing import Any

import msgspec

from arbsniper_tui.config.given import Given, hidden, is_secret, shown
from arbsniper_tui.config.keys import NAMES
from arbsniper_tui.config.settings import Conversion, Settings
from arbsniper_tui.model.setting_change import NONE, SettingChange

_APPLIED = ("symbols", "exclude", "min_venues", "signals", "venues", "alerts", "log")
_ABSENT = object()


def changes_between(before: Settings, after: Settings) -> tuple[SettingChange, ...]:
    """Each key that differs, in the order of the declaration; an entry that came or went as a whole stands once."""
    external = {name for each in (before, after) for name, own in each.venues.items() if own.external}
    found = tuple(_differences((), msgspec.to_builtins(before), msgspec.to_builtins(after), external))
    if before.symbols == after.symbols:
        return found
    # An exchange from outside that has no list of its own is asked for those of all.
    follow = [name for name in external if name in before.venues and before.venues[name].symbols is None]
    words = [_words(("symbols",), each.symbols) for each in (before, after)]
    return (*found, *(SettingChange(f"venues.{name}.symbols", words[0], words[1], True) for name in follow))


def applicable(running: Settings, wanted: Settings) -> Settings:
    """The wanted settings with the values of the running ones where a change needs a restart."""
    return msgspec.structs.replace(
        running,
        symbols=wanted.symbols,
        exclude=wanted.exclude,
        min_venues=wanted.min_venues,
        signals=msgspec.structs.replace(wanted.signals, routes=running.signals.routes),
        quotes={currency: _aged(value, wanted.quotes.get(currency)) for currency, value in running.quotes.items()},
        venues=_venues(running, wanted),
        alerts=wanted.alerts,
        log=wanted.log,
    )


def _aged(running: str | Conversion, wanted: str | Conversion | None) -> str | Conversion:
    if isinstance(running, Conversion) and isinstance(wanted, Conversion):
        return msgspec.structs.replace(running, max_age_ms=wanted.max_age_ms)
    return running


def _venues(running: Settings, wanted: Settings) -> dict[str, Any]:
    """Exchanges from outside stay as they are: the process that takes their ticks has one list for its whole life."""
    venues = {venue: own for venue, own in wanted.venues.items() if not own.external}
    for venue, own in running.venues.items():
        if own.external:
            venues[venue] = msgspec.structs.replace(own, symbols=running.symbols_of(venue))
    return venues


def _differences(
    path: tuple[str, ...], before: object, after: object, external: Container[str]
) -> Iterator[SettingChange]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from _differences((*path, name), before.get(name, _ABSENT), after.get(name, _ABSENT), external)
        return
    yield SettingChange(".".join(path), _words(path, before), _words(path, after), _needs_restart(path, external))


def _needs_restart(path: tuple[str, ...], external: Container[str]) -> bool:
    if path[0] == "quotes":
        return path[2:] != ("max_age_ms",)
    if path[0] == "venues":
        return path[1] in external
    return path[0] not in _APPLIED or path == ("signals", "routes")


def _words(path: tuple[str, ...], value: object) -> str:
    if path[:-1] == ("venues",):
        return "off" if value is _ABSENT else "on"
    if value is _ABSENT or value is None:
        return NONE
    if path[:-1] in NAMES and isinstance(value, dict):
        return "a table"
    key = ".".join(path)
    if Given(path, value, "", "").is_hidden or is_secret(key):
        return hidden(str(value))
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "an empty list"
    return shown(value)
