"""The picture held while the view is frozen. Pure."""

from collections import deque
from dataclasses import replace

from msgspec import structs

from arbsniper_tui.session.snapshot import Snapshot


def held_copy(live: Snapshot) -> Snapshot:
    """A snapshot that the session no longer writes to."""
    return replace(
        live,
        quotes=dict(live.quotes),
        feeds=dict(live.feeds),
        workers=dict(live.workers),
        events=deque(live.events, maxlen=live.events.maxlen),
    )


def shown(held: Snapshot, live: Snapshot) -> Snapshot:
    """What is drawn while frozen: the held picture, but as they are now the threshold, the contact, the recording,
    Redis and a replay's position."""
    status = held.status
    if status is not None and live.status is not None:
        status = structs.replace(status, threshold_pct=live.status.threshold_pct, basis=live.status.basis)
    return replace(
        held,
        status=status,
        lost_contact=live.lost_contact,
        recording=live.recording,
        redis=live.redis,
        replay=live.replay,
    )
