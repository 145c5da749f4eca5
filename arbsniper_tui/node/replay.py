"""What a replay starts with: from tapes and options to a launch."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.recorded import TapeSettings
from arbsniper_tui.config.settings import RedisSettings, VenueSettings
from arbsniper_tui.config.sources import find_file
from arbsniper_tui.config.venue_names import why_unknown
from arbsniper_tui.model.errors import TapeError, UsageError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.node.launch import Launch
from arbsniper_tui.tapes.head import TapeHead, read_heads
from arbsniper_tui.tapes.listings import read_listings
from arbsniper_tui.tapes.source import TapeSource, parse_source
from arbsniper_tui.universe.settings_check import objections
from arbsniper_tui.venues import VENUES


def replay_launch(
    tapes: Sequence[str],
    config: Path | None,
    options: Mapping[str, object],
    *,
    speed: str,
    listing_files: Sequence[str],
) -> tuple[Launch, list[str]]:
    """The launch of these tapes under the settings that they carry, and warnings for its log.

    `options` are settings by dotted key; the other arguments are as typed. Redis is off unless an option names one: old
    prices are not for the programs that listen there. Raises UsageError, TapeError, ConfigError.
    """
    playable, warnings = _playable(read_heads(_sources(tapes)))
    carried = [TapeSettings(head.source.path, head.settings) for head in playable if head.settings]
    if carried and config is None and (passed_over := find_file(None)):
        warnings.append(f"{passed_over} is not read, the tapes carry their settings: --config would override them")
    loaded = load_settings(config, os.environ, options, carried)
    if options["venues"]:
        playable = [head for head in playable if head.venue in loaded.settings.venues]
    loaded = _of_tapes(loaded, playable, keep_redis=options["redis.url"] is not None)
    launch = Launch(
        loaded.settings,
        mode="replay",
        tapes=tuple(head.source for head in playable),
        listing_files=_listing_files(listing_files),
        speed=_speed(speed),
    )
    return launch, warnings + list(map(str, objections(loaded, needs_route=False, connects=False)))


def _sources(tapes: Sequence[str]) -> list[TapeSource]:
    sources = [parse_source(tape) for tape in tapes]
    for tape, source in zip(tapes, sources, strict=True):
        if source.path == "-":
            raise UsageError(f"replay {tape}: expected files, found standard input: a tape is read more than once")
    return sources


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


def _listing_files(arguments: Sequence[str]) -> dict[str, str]:
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
