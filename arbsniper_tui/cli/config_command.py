"""`config check` and `config show`, and the options with which settings are loaded on the command line."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from arbsniper_tui.config.given import redacted
from arbsniper_tui.config.load import DEFAULT, Loaded, load_settings
from arbsniper_tui.config.recorded import TapeSettings
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.model.words import counted
from arbsniper_tui.universe.settings_check import Objection, objections
from arbsniper_tui.venues import VENUES

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Read this file. Left out: ./arbsniper.toml, else the one in the user's config folder, else defaults.",
        show_default=False,
    ),
]
SymbolOption = Annotated[
    list[str] | None,
    typer.Option(
        "--symbol",
        metavar="S",
        help="Watch this symbol, such as BTC/USDT, or BTC/USDT:USDT for the perpetual; repeatable.",
        show_default=False,
    ),
]
VenueOption = Annotated[
    list[str] | None,
    typer.Option(
        "--venue",
        metavar="V",
        help="Use this venue (the verb venues lists them); repeatable. Left out: those of the file, else all.",
        show_default=False,
    ),
]
# A text, so that a threshold that is no number is refused in the words of the settings.
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="PCT",
        help="Signal above this spread, in percent. Left out: that of the file, else 0.5.",
        show_default=False,
    ),
]
RedisUrlOption = Annotated[
    str | None,
    typer.Option(
        "--redis-url", metavar="URL", help="Use this Redis server, redis://HOST:PORT/DATABASE.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

config_app = typer.Typer(help="Check the settings, or show them and where each came from.", no_args_is_help=True)


def load_or_exit(
    config: Path | None,
    symbol: Sequence[str] | None = None,
    venue: Sequence[str] | None = None,
    threshold: str | None = None,
    redis_url: str | None = None,
    tapes: Sequence[TapeSettings] = (),
) -> Loaded:
    """The settings in force, those of tapes underneath; for what is wrong with them, a message on stderr and exit
    code 2."""
    options = {"symbols": symbol, "venues": venue, "signals.threshold_pct": threshold, "redis.url": redis_url}
    try:
        return load_settings(config, os.environ, options, tapes)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def check_or_exit(loaded: Loaded, *, needs_route: bool = True) -> list[Objection]:
    """What is worth a warning in these settings; for what refuses the run, a message on stderr and exit code 2."""
    found = objections(loaded, needs_route=needs_route)
    refusals = [objection for objection in found if objection.refuses]
    for refusal in refusals:
        typer.echo(str(refusal), err=True)
    if refusals:
        raise typer.Exit(2)
    return found


@config_app.command("check")
def check(
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
) -> None:
    """Say whether a run would take the settings; exit code 2 where it would not."""
    loaded = load_or_exit(config, symbol, venue, threshold, redis_url)
    for warning in check_or_exit(loaded):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(summary(loaded))


@config_app.command("show")
def show(
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every setting in force and where it came from; the lines are a valid arbsniper.toml themselves."""
    loaded = load_or_exit(config, symbol, venue, threshold, redis_url)
    if as_json:
        rows = [{"key": key, "value": value, "origin": origin} for key, value, origin in settings_rows(loaded)]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for line in settings_lines(loaded):
        typer.echo(line)


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
            filled = any(own is not None for own in msgspec.to_builtins(settings.venues[path[1]]).values())
            texts.append((f"{'# ' if filled else ''}{key} = {{}}", origin))
        elif path[0] == "venues" and origin == DEFAULT:
            texts.append(
                (
                    f"# {key} = {_toml(value)}",
                    f"{DEFAULT}: all venues'" if path[2] == "symbols" else f"{DEFAULT}: the venue's own",
                )
            )
        else:
            texts.append((f"{key} = {_toml(value)}", origin))
    width = min(max(len(text) for text, _ in texts), 60)
    return [f"{text:<{width}}  # {origin}" for text, origin in texts]


def _of_venue(settings: Settings, venue: str, name: str = "", market: str = "") -> object:
    """The value in force of a venue's key, by market where the settings leave it to the venue."""
    if not name:
        return {}
    if name == "symbols":
        return list(settings.symbols_of(venue))
    in_force = {
        str(declared.market): getattr(settings.market_of(venue, declared.market), name)
        for declared in VENUES[venue].markets
    }
    if market:
        return in_force[market]
    return in_force if getattr(settings.venues[venue], name) is None else next(iter(in_force.values()))


def _every_symbol(settings: Settings) -> set[str]:
    return {symbol for venue in settings.venues for symbol in settings.symbols_of(venue)}


def _plain(value: object) -> object:
    """Whole numbers without their fraction, URLs without their password."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return redacted(value) if isinstance(value, str) else value


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    # What remains, texts, numbers and lists of texts, JSON and TOML spell alike.
    return json.dumps(value, ensure_ascii=False)
