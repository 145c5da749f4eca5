"""`config check`, `show`, `reload` and `set`, and the options with which settings are loaded on the command line."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.saved import load_kept
from arbsniper_tui.config.settings import SignalSettings
from arbsniper_tui.config.show import settings_lines, settings_rows, summary
from arbsniper_tui.model.errors import ArbsniperError, ConfigError
from arbsniper_tui.runtime.exit_codes import USAGE, fail
from arbsniper_tui.universe.settings_check import Objection, objections
from arbsniper_tui.venues import DEFAULT_VENUES, OPEN_VENUES

if TYPE_CHECKING:
    from arbsniper_tui.tools.settings import Changed

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
        help="Use this venue (the verb venues lists them); repeatable. Left out: those of the file, else the default.",
        show_default=False,
    ),
]
_THRESHOLD = f"{SignalSettings().threshold_pct:g}"
# A text, so that a threshold that is no number is refused in the words of the settings.
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="PCT",
        help=f"Signal above this spread, in percent. Left out: that of the file, else {_THRESHOLD}.",
        show_default=False,
    ),
]
RedisUrlOption = Annotated[
    str | None,
    typer.Option(
        "--redis-url", metavar="URL", help="Use this Redis server, redis://HOST:PORT/DATABASE.", show_default=False
    ),
]
ApiOption = Annotated[
    bool, typer.Option("--api", help="Answer programs over HTTP, by default at 127.0.0.1:8787; docs/api.md says what.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

config_app = typer.Typer(
    help="Check the settings, show them and where each came from, or change those of a node that runs.",
    no_args_is_help=True,
)


def options_of(
    symbol: Sequence[str] | None,
    venue: Sequence[str] | None,
    threshold: str | None,
    redis_url: str | None,
    *,
    api: bool = False,
    log_level: str | None = None,
) -> dict[str, object]:
    """The options as settings, by dotted key."""
    return {
        "symbols": symbol,
        "venues": venue,
        "signals.threshold_pct": threshold,
        "redis.url": redis_url,
        "api.enabled": api or None,
        "log.level": log_level,
    }


def default_venues_of(*, demo: bool) -> Sequence[str]:
    """The venues that are on where none is named: a demo shows every one that runs."""
    return OPEN_VENUES if demo else DEFAULT_VENUES


def load_or_exit(
    config: Path | None,
    symbol: Sequence[str] | None = None,
    venue: Sequence[str] | None = None,
    threshold: str | None = None,
    redis_url: str | None = None,
) -> Loaded:
    """The settings in force; for what is wrong with them, a message on stderr and exit code 2."""
    return load_options_or_exit(config, options_of(symbol, venue, threshold, redis_url))


def load_options_or_exit(config: Path | None, options: Mapping[str, object], *, demo: bool = False) -> Loaded:
    """The same with these options, by dotted key. What viewers had saved is no part of a demo."""
    default_venues = default_venues_of(demo=demo)
    try:
        if demo:
            return load_settings(config, os.environ, options, default_venues=default_venues)
        return load_kept(config, options, default_venues=default_venues)
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


NodeArgument = Annotated[
    str,
    typer.Argument(metavar="ENDPOINT", help="A node's process id or folder. Left out: the one that was started last."),
]


@config_app.command("reload")
def reload(endpoint: NodeArgument = "") -> None:
    """Have a running node read its settings again, and say key by key what it applied and what needs a restart.

    What has not changed goes on without a gap. A wrong file changes nothing; exit code 2 then. On a node without a
    terminal, SIGHUP does the same and the log has the answer.
    """
    from arbsniper_tui.tools.settings import reload_settings

    _tell(partial(reload_settings, endpoint))


@config_app.command("set")
def set_key(
    key: Annotated[str, typer.Argument(metavar="KEY", help="As `config show` prints it: signals.threshold_pct.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A list is separated by commas: BTC/USDT,ETH/USDT.")],
    save: Annotated[bool, typer.Option("--save", help="Also for later runs of the node: in its state folder.")] = False,
    node: Annotated[
        str,
        typer.Option("--node", metavar="ENDPOINT", help="A node's process id or folder. Left out: the newest."),
    ] = "",
) -> None:
    """Change a setting of a running node; without --save, until it stops.

    What was saved counts before arbsniper.toml, and behind the environment and the options of a start.
    """
    from arbsniper_tui.tools.settings import change_setting

    _tell(partial(change_setting, node, key, value, save=save))


def _tell(ask: "Callable[[], Changed]") -> None:
    """Print what a node has changed; for what it refuses, a message on stderr and exit code 2."""
    from arbsniper_tui.tools.settings import lines_of

    try:
        changed = ask()
    except ArbsniperError as error:
        raise typer.Exit(fail(error, USAGE)) from None
    for note in changed.notes:
        typer.echo(f"warning: {note}", err=True)
    typer.echo("\n".join(lines_of(changed)))
