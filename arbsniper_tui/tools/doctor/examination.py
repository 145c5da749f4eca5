"""All checks of `doctor`, in their order."""

import os
import sys
from collections.abc import Callable, Iterator

from arbsniper_tui.config.load import Loaded
from arbsniper_tui.tools.doctor.checks import (
    Finding,
    check_clock,
    check_limits,
    check_terminal,
    check_venues,
    optional_targets,
    venue_targets,
)
from arbsniper_tui.tools.doctor.redis import check_nodes_redis, check_redis
from arbsniper_tui.universe.settings_check import objections


def examine(loaded: Loaded, summary: str, progress: Callable[[str], None]) -> Iterator[Finding]:
    """Run every check, and tell `progress` which one is under way. `summary` says what the settings hold."""
    objected = objections(loaded)
    if not any(objection.refuses for objection in objected):
        yield Finding("config", "ok", summary)
    for objection in objected:
        found = f"{objection.where}: {objection.found}"
        yield Finding("config", "fail" if objection.refuses else "warn", found, objection.advice)
    progress("Redis ...")
    yield check_redis(loaded.settings.redis)
    yield from check_nodes_redis()
    yield from check_terminal(os.environ, terminal_size(), sys.stdout.encoding)
    progress("clock ...")
    yield check_clock()
    yield from check_limits(loaded.settings.engine.cpu)
    progress("venues ...")
    settings = loaded.settings
    yield from check_venues(venue_targets(settings), progress, optional=optional_targets(settings))


def terminal_size() -> tuple[int, int] | None:
    """Columns and lines of the terminal behind any of the standard streams; None where there is none."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None and not stream.closed and stream.isatty():
            size = os.get_terminal_size(stream.fileno())
            return size.columns, size.lines
    return None
