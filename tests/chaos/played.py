"""What is known of one cell once it has been played."""

from collections.abc import Sequence
from typing import NamedTuple

from arbsniper_tui.engine.routes import Route
from arbsniper_tui.model.signal import Event
from arbsniper_tui.sim.truth import Truth
from arbsniper_tui.sim.venue_chaos import Struck

SECONDS = 60.0
MAX_AGE_MS = 5000
THRESHOLD_PCT = 0.05


class Played(NamedTuple):
    """What happened in one cell."""

    events: Sequence[Event]
    struck: Sequence[Struck]
    truth: Truth
    routes: Sequence[Route]
    began_ns: int
    ended_ns: int
    wall_offset_ns: int
    """Added to a time of these, it gives the time since 1970."""
