"""`replay`: recorded frames through the same code as live ones, under the settings they were recorded with."""

from typing import Annotated

import typer

from arbsniper_tui.cli.config_command import (
    ConfigOption,
    RedisUrlOption,
    SymbolOption,
    ThresholdOption,
    VenueOption,
    options_of,
)
from arbsniper_tui.cli.node_command import (
    LOG_MAX_MIB,
    LogFileOption,
    LogFormatOption,
    LogLevelOption,
    LogMaxMibOption,
    NoUiOption,
    log_options,
    run_or_exit,
)
from arbsniper_tui.model.errors import ArbsniperError

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
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = "text",
    log_file: LogFileOption = None,
    log_max_mib: LogMaxMibOption = LOG_MAX_MIB,
) -> None:
    """Play recorded frames through the same parsers, bus and engine, with the tapes' clock.

    The settings are those that the tapes were recorded under; only options and an explicit --config override them.
    Redis is left alone unless --redis-url names one: old prices are not for the programs that listen there.
    """
    from arbsniper_tui.node.replay import replay_launch

    options = options_of(symbol, venue, threshold, redis_url, log_level=log_level)
    try:
        launch, warnings = replay_launch(tapes, config, options, speed=speed, listing_files=instruments or [])
    except ArbsniperError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    level = launch.settings.log.level
    log = log_options(no_ui, level, log_format=log_format, file=log_file, max_mib=log_max_mib)
    run_or_exit(launch, no_ui, log, warnings)
