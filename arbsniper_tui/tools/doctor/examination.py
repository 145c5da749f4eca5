"""All checks of `doctor`, in their order."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator

from arbsniper_tui.config.load import Loaded
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.tools.doctor.checks import (
    NETWORK,
    Finding,
    check_clock,
    check_external,
    check_limits,
    check_terminal,
    check_venues,
    optional_targets,
    venue_targets,
)
from arbsniper_tui.tools.doctor.redis import check_nodes_redis, check_redis
from arbsniper_tui.tools.doctor.streams import check_streams
from arbsniper_tui.universe.settings_check import objections


def examine(loaded: Loaded, summary: str, progress: Callable[[str], None]) -> Iterator[Finding]:
    """Run every check, and tell `progress` which one is under way. `summary` says what the settings hold."""
    objected = objections(loaded)
    if not any(objection.refuses for objection in objected):
        yield Finding("config", "ok", summary)
    for objection in objected:
        found = f"{objection.where}: {objection.found}"
        yield Finding("config", "fail" if objection.refuses else "warn", found, objection.advice)
    settings = loaded.settings
    venues = _begin(lambda: _check_venues(settings, progress))
    progress("Redis ...")
    yield check_redis(loaded.settings.redis)
    yield from check_nodes_redis()
    yield from check_terminal(os.environ, terminal_size(), sys.stdout.encoding)
    progress("clock ...")
    yield check_clock()
    yield from check_limits(loaded.settings.engine.cpu)
    yield from venues()
    yield from check_external(settings)


def _check_venues(settings: Settings, progress: Callable[[str], None]) -> list[Finding]:
    """The hosts of all venues, and then their streams: what hangs takes the time of both, and no more."""
    progress("venues ...")
    hosts = check_venues(venue_targets(settings), progress, optional=optional_targets(settings))
    by_venue: dict[str, list[Finding]] = {}
    has_network = not any(finding.check == NETWORK for finding in hosts)
    for finding in (*hosts, *(check_streams(settings, progress) if has_network else ())):
        by_venue.setdefault(finding.check.partition(" ")[0], []).append(finding)
    return [finding for findings in by_venue.values() for finding in findings]


def _begin(work: Callable[[], list[Finding]]) -> Callable[[], list[Finding]]:
    """Start something that takes seconds beside the other checks. Returns what waits for its findings."""
    done: queue.SimpleQueue[list[Finding] | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put(work())
        except BaseException as error:  # noqa: BLE001 - raised where the findings are waited for
            done.put(error)

    def wait() -> list[Finding]:
        found = done.get()
        if isinstance(found, BaseException):
            raise found
        return found

    threading.Thread(target=run, daemon=True).start()
    return wait


def terminal_size() -> tuple[int, int] | None:
    """Columns and lines of the terminal behind any of the standard streams; None where there is none."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None and not stream.closed and stream.isatty():
            size = os.get_terminal_size(stream.fileno())
            return size.columns, size.lines
    return None
