"""`replay` and `decode`: recorded frames through the parsers."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from arbsniper_tui.cli.config_command import ConfigOption, RedisUrlOption, SymbolOption, ThresholdOption, load_or_exit
from arbsniper_tui.cli.node_command import LogFileOption, LogLevelOption, NoUiOption, Show, run_node
from arbsniper_tui.config.settings import RedisSettings, Settings, VenueSettings
from arbsniper_tui.config.venue_names import why_unknown
from arbsniper_tui.model.errors import ArbsniperError, UsageError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.tapes.listings import read_listings
from arbsniper_tui.tapes.player import TapeSource, first_lines, parse_source, venue_and_markets
from arbsniper_tui.venues import VENUES

TapesArgument = Annotated[
    list[str],
    typer.Argument(metavar="TAPE...", help="FILE, or VENUE=FILE or VENUE:perp=FILE where its URL does not tell."),
]
SpeedOption = Annotated[
    str, typer.Option("--speed", metavar="X", help="1 for the tapes' own pace, 10 for ten times, max.")
]
ListsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--instruments",
        metavar="VENUE=FILE",
        help="A venue's REST list, for contract sizes; repeatable.",
        show_default=False,
    ),
]


def replay(
    tapes: TapesArgument,
    speed: SpeedOption = "1",
    instruments: ListsOption = None,
    no_ui: NoUiOption = False,
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    log_level: LogLevelOption = "info",
    log_file: LogFileOption = None,
) -> None:
    """Play recorded frames through the same parsers, bus and engine, with the tapes' clock.

    Redis is left alone unless --redis-url names one: old prices are not for the programs that listen there.
    """
    from arbsniper_tui.session.launch import Launch

    loaded = load_or_exit(config, symbol, None, threshold, redis_url)
    try:
        sources = tuple(parse_source(tape) for tape in tapes)
        settings = _settings_of(loaded.settings, sources, keep_redis=redis_url is not None)
        launch = Launch(
            settings,
            mode="replay",
            tapes=sources,
            listing_files=_listing_files(instruments or []),
            speed=_speed(speed),
        )
    except ArbsniperError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run_node(launch, Show(no_ui, log_level, log_file)))


def _settings_of(settings: Settings, sources: tuple[TapeSource, ...], *, keep_redis: bool) -> Settings:
    """The settings with the tapes' venues in place of those that are on."""
    venues: dict[str, VenueSettings] = {}
    for source, line in first_lines(sources):
        venue, _ = venue_and_markets(source, line)
        if venue not in VENUES:
            raise UsageError(
                f"tape {source.path}: its venue cannot be told from url {line.url!r}: write VENUE={source.path} "
                f"with one of {', '.join(VENUES)}"
            )
        venues[venue] = settings.venues.get(venue, VenueSettings())
    redis = settings.redis if keep_redis else RedisSettings(mode="off")
    return msgspec.structs.replace(settings, venues=venues, redis=redis)


def _listing_files(arguments: list[str]) -> dict[str, str]:
    files = {}
    for argument in arguments:
        venue, equals, file = argument.partition("=")
        if not equals:
            raise UsageError(f"--instruments {argument}: expected VENUE=FILE with one of {', '.join(VENUES)}")
        if venue not in VENUES:
            raise UsageError(f"--instruments {argument}: {why_unknown(venue)}")
        read_listings(venue, Path(file))  # what is wrong with it is said before anything is started
        files[venue] = file
    return files


def _speed(text: str) -> float | None:
    if text.lower() == "max":
        return None
    speed = read_number(text)
    if speed is None or not 0.0 < speed < 1e6:
        raise UsageError(f"--speed {text!r}: expected a number above 0, such as 1 or 10, or max")
    return speed
