"""The settings in force as `config show` prints them: every key with its value and its origin, without passwords."""

import json

import msgspec

from arbsniper_tui.config.given import hidden, redacted
from arbsniper_tui.config.load import DEFAULT, Loaded
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.words import counted
from arbsniper_tui.venues import adapter_of


def summary(loaded: Loaded) -> str:
    """One line: which file, how much of what."""
    settings = loaded.settings
    source = str(loaded.path) if loaded.path else "no file"
    overridden = sum(not origin.startswith((DEFAULT, "file ")) for origin in loaded.origins.values())
    parts = [
        f"ok: {source}",
        counted(len(settings.venues), "venue"),
        counted(len(_every_symbol(settings)), "symbol"),
        f"threshold {_plain(settings.signals.threshold_pct)}% {settings.signals.basis}",
        f"Redis {settings.redis.mode}",
    ]
    if overridden:
        parts.append(f"{counted(overridden, 'key')} from the environment or options")
    return ", ".join(parts)


def settings_rows(loaded: Loaded) -> list[tuple[str, object, str]]:
    """Key, value and origin of every setting in force, without passwords.

    Where a venue's own value is in force, it is that of the adapter, by market.
    """
    tables = msgspec.to_builtins(loaded.settings)
    rows: list[tuple[str, object, str]] = []
    for key, origin in loaded.origins.items():
        path = key.split(".")
        value: object = tables
        if path[0] == "venues":
            value = _of_venue(loaded.settings, *path[1:])
        else:
            for part in path:
                value = value[part] if isinstance(value, dict) else None
        if path[0] == "alerts" and isinstance(value, dict):
            value = {}
        elif path[:2] == ["alerts", "targets"] or value and path == ["api", "secret"]:
            value = hidden(str(value))
        rows.append((key, _plain(value), origin))
    return rows


def settings_lines(loaded: Loaded) -> list[str]:
    """`key = value  # origin`, aligned; a venue's own value is a comment, since no line of TOML can ask for it."""
    settings = loaded.settings
    texts: list[tuple[str, str]] = []
    for key, value, origin in settings_rows(loaded):
        path = key.split(".")
        if path[0] == "venues" and len(path) == 2:
            # A table that further lines fill cannot be written empty before them.
            filled = any(own not in (None, False) for own in msgspec.to_builtins(settings.venues[path[1]]).values())
            texts.append((f"{'# ' if filled else ''}{key} = {{}}", origin))
        elif path[0] == "venues" and origin == DEFAULT:
            texts.append(
                (
                    f"# {key} = {toml_text(value)}",
                    f"{DEFAULT}: all venues'" if path[2] == "symbols" else f"{DEFAULT}: the venue's own",
                )
            )
        else:
            texts.append((f"{key} = {toml_text(value)}", origin))
    width = min(max(len(text) for text, _ in texts), 60)
    return [f"{text:<{width}}  # {origin}" for text, origin in texts]


def _of_venue(settings: Settings, venue: str, name: str = "", market: str = "") -> object:
    """The value in force of a venue's key, by market where the settings leave it to the venue."""
    if not name:
        return {}
    if name == "symbols":
        return list(settings.asked_of(venue))
    if name == "external":
        return settings.venues[venue].external
    in_force = {
        str(declared.market): getattr(settings.market_of(venue, declared.market), name)
        for declared in adapter_of(venue).markets
    }
    if market:
        return in_force[market]
    return in_force if getattr(settings.venues[venue], name) is None else next(iter(in_force.values()))


def _every_symbol(settings: Settings) -> set[str]:
    return {symbol for venue in settings.venues for symbol in settings.asked_of(venue)}


def _plain(value: object) -> object:
    """Whole numbers without their fraction, URLs without their password, words for no value."""
    if value is None:
        return "no limit"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return redacted(value) if isinstance(value, str) else value


def toml_text(value: object) -> str:
    """A value as TOML spells it on one line: a number, a text, or a list or a table of those."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_text(inner)}" for key, inner in value.items()) + " }"
    # What remains, texts, numbers and lists of texts, JSON and TOML spell alike.
    return json.dumps(_plain(value), ensure_ascii=False)
