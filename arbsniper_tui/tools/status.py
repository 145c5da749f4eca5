"""`status`: the health of a running node, its exit code, and one line that says the most of it."""

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.runtime.exit_codes import CLEAN, NO_NODE, NOT_READY
from arbsniper_tui.runtime.process_reading import read_processes
from arbsniper_tui.session.health import NodeHealth as NodeHealth
from arbsniper_tui.session.health import PartState, health_of, pids_of, unanswered
from arbsniper_tui.session.look import look_at

ANSWER_WITHIN_MS = 3000
SHORT_COLUMNS = 40


def health_at(endpoint: str) -> NodeHealth:
    """Of the node at `endpoint`, as `attach` finds it; `is_live` is false where none answers. Raises FolderError."""
    try:
        snapshot = look_at(endpoint, ANSWER_WITHIN_MS)
    except NodeUnreachable as error:
        return unanswered(str(error))
    return health_of(snapshot, read_processes(pids_of(snapshot)), wall_ms())


def exit_code_of(health: NodeHealth) -> int:
    """What `status` tells a script."""
    if not health.is_live:
        return NO_NODE
    return CLEAN if health.is_ready else NOT_READY


def short_line(health: NodeHealth) -> str:
    """`ok 12/12 venues 17 signals 812 quotes/s`, `degraded 11/12 venues kraken`: what fits into 40 characters, the
    most important first."""
    figures = health.figures
    if figures is None:
        return "no node answers"
    ailing = [part for part in health.parts if part.state is not PartState.OK]
    inner = [each.name for part in ailing for each in part.parts if each.state is not PartState.OK]
    pieces = (
        "not ready" if health.state is PartState.DOWN else health.state.value,
        f"{figures.exchanges_live}/{figures.exchanges} venues",
        *(part.name for part in ailing if not part.parts),
        *inner,
        f"{figures.signals:,} signals",
        f"{figures.quotes_per_s:,.0f} quotes/s",
    )
    line = ""
    for piece in pieces:
        if len(longer := f"{line} {piece}".lstrip()) <= SHORT_COLUMNS:
            line = longer
    return line
