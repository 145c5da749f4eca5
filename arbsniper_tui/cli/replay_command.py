"""`replay`: recorded frames through the same code as live ones, under the settings they were recorded with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from arbsniper_tui.cli.config_command import (
    ConfigOption,
    RedisUrlOption,
    SymbolOption,
    ThresholdOption,
    VenueOption,
    load_or_exit,
)
from arbsniper_tui.cli.node_command import LogFileOption, LogLevelOption, NoUiOption, Show, run_node
from arbsniper_tui.config.load import Loaded
from arbsniper_tui.config.recorded import TapeSettings
from arbsniper_tui.config.settings import RedisSettings, VenueSettings
from arbsniper_tui.config.sources import find_file
from arbsniper_tui.config.venue_names import why_unknown
from arbsniper_tui.model.errors import ArbsniperError, TapeError, UsageError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.tapes.head import TapeHead, read_heads
from arbsniper_tui.tapes.listings import read_listings
from arbsniper_tui.tapes.source import parse_source
from arbsniper_tui.universe.settings_check import objections
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
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    log_level: LogLevelOption = "info",
    log_file: LogFileOption = None,
) -> None:
    """Play recorded frames through the same parsers, bus and engine, with the tapes' clock.

    The settings are those that the tapes were recorded under; only options and an explicit --config override them.
    Redis is left alone unless --redis-url names one: old prices are not for the programs that listen there.
    """
    from arbsniper_tui.node.launch import Launch

    try:
        sources = [parse_source(tape) for tape in tapes]
        for tape, source in zip(tapes, sources, strict=True):
            if source.path == "-":
                raise UsageError(f"replay {tape}: expected files, found standard input: a tape is read more than once")
        heads = read_heads(sources)
        playable, warnings = _playable(heads)
        carried = [TapeSettings(head.source.path, head.settings) for head in playable if head.settings]
        if carried and config is None and (passed_over := find_file(None)):
            warnings.append(f"{passed_over} is not read, the tapes carry their settings: --config would override them")
        loaded = load_or_exit(config, symbol, venue, threshold, redis_url, carried)
        playable = [head for head in playable if not venue or head.venue in loaded.settings.venues]
        loaded = _of_tapes(loaded, playable, keep_redis=redis_url is not None)
        launch = Launch(
            loaded.settings,
            mode="replay",
            tapes=tuple(head.source for head in playable),
            listing_files=_listing_files(instruments or []),
            speed=_speed(speed),
        )
    except ArbsniperError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    warnings += map(str, objections(loaded, needs_route=False))
    raise typer.Exit(run_node(launch, Show(no_ui, log_level, log_file), warnings))


def _playable(heads: Sequence[TapeHead]) -> tuple[list[TapeHead], list[str]]:
    """The tapes with frames on them, and what is said of the others. Raises TapeError where there is none."""
    playable = [head for head in heads if head.has_frames]
    said = [f"tape {head.source.path}: expected recorded frames, found none" for head in heads if not head.has_frames]
    if not playable:
        raise TapeError("\n".join(said))
    return playable, said


def _of_tapes(loaded: Loaded, heads: Sequence[TapeHead], *, keep_redis: bool) -> Loaded:
    """The settings with the tapes' venues in place of those that are on. Raises UsageError for a choice of venues
    that no tape is of."""
    if not heads:
        raise UsageError(f"--venue: found no tape of {', '.join(loaded.settings.venues)} among those to be played")
    venues = {head.venue: loaded.settings.venues.get(head.venue, VenueSettings()) for head in heads}
    redis = loaded.settings.redis if keep_redis else RedisSettings(mode="off")
    return msgspec.structs.replace(
        loaded, settings=msgspec.structs.replace(loaded.settings, venues=venues, redis=redis)
    )


def _listing_files(arguments: list[str]) -> dict[str, str]:
    files = {}
    for argument in arguments:
        venue, equals, file = argument.partition("=")
        venue = venue.lower()
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
