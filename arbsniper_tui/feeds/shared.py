"""What all connections of one feed share, one after the other and while one follows another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arbsniper_tui.feeds.outlet import FeedCounts, OnFrame, Outlet
from arbsniper_tui.feeds.served import Served
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_lag import VenueLag
from arbsniper_tui.model.fact import InstrumentStatus
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.venues.listing import Listing


@dataclass(frozen=True, slots=True)
class Shared:
    """Owned by the feed."""

    served: Served
    listings: Mapping[str, Listing]
    outlet: Outlet
    timings: FeedTimings
    backlog: Backlog
    counts: FeedCounts
    lag: VenueLag
    troubles: LimitedLog
    show: Callable[[FeedState, str], None]
    """Called with the state of the connection, and what is wrong or awaited, in words."""
    on_status: Callable[[InstrumentStatus], None]
    """Called when the venue says on the connection whether an instrument trades."""
    on_closing: Callable[[], None]
    """Called when the venue announces that it ends the connection."""
    on_frame: OnFrame | None = None
