"""The tape worker: recorded frames in place of venues, through the same parsers, in order and without loss."""

import logging
import os
import select
import threading
import time
from pathlib import Path
from time import monotonic_ns

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.tapes.head import read_heads
from arbsniper_tui.tapes.listings import read_listings
from arbsniper_tui.tapes.player import Player
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import HealthReport, QuoteBatch, TapesEnded, Withdrawn
from arbsniper_tui.wire.sender import LosslessSender
from arbsniper_tui.workers.plan import TapePlan
from arbsniper_tui.workers.process import LIFELINE, run_worker, settle_memory

_log = logging.getLogger("arbsniper_tui.workers.tape")  # __name__ is __main__ here


def work(plan: TapePlan) -> None:
    """Play to the end, say so, and stay until the parent says stop."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sender = LosslessSender(Endpoints(Path(plan.folder)).quotes)
    listings = {venue: read_listings(venue, Path(file)) for venue, file in plan.listing_files.items()}
    player = Player(plan.tapes, plan.instruments, listings, _log.warning)
    sender.send(_health(plan))
    settle_memory()
    pace = _Pace(plan.speed)
    ts_recv_ns = 0
    for ts_recv_ns, came in player.play():
        if not pace.wait_for(ts_recv_ns):
            break
        if isinstance(came, Withdrawal):
            sender.send(Withdrawn(ts_recv_ns, came.instrument_ids, came.reason))
        else:
            read_ns = monotonic_ns()
            sender.send(QuoteBatch(read_ns, read_ns, came, [ts_recv_ns] * len(came)))
    sender.send(TapesEnded(ts_recv_ns, player.frames, player.dropped))
    select.select([LIFELINE], [], [])
    sender.close()


def _end_with_parent() -> None:
    select.select([LIFELINE], [], [])
    # Not in order: the other thread may be waiting for a reader that has gone too.
    os._exit(0)


def _health(plan: TapePlan) -> HealthReport:
    """Each tape as the feed that it stands for."""
    feeds = []
    for head in read_heads(plan.tapes):
        fed = tuple(i.id for i in plan.instruments if i.venue == head.venue and i.market in head.markets)
        name = f"{head.venue} {'+'.join(head.markets)} tape"
        feeds.append(FeedHealth(name, head.venue, FeedState.LIVE, Path(head.source.path).name, fed))
    return HealthReport(plan.worker, tuple(feeds))


class _Pace:
    """Holds frames back until their time has come, at `speed` times the tapes' own pace."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._first_ns = 0
        self._started_s = 0.0

    def wait_for(self, ts_recv_ns: int) -> bool:
        """Whether to go on: False once the parent has said stop."""
        if self._speed is None:
            return True
        if not self._first_ns:
            self._first_ns, self._started_s = ts_recv_ns, time.monotonic()
        due_s = self._started_s + (ts_recv_ns - self._first_ns) / 1e9 / self._speed
        wait_s = due_s - time.monotonic()
        if wait_s <= 0.0005:
            return True
        # The lifeline becomes readable only by its end.
        return not select.select([LIFELINE], [], [], wait_s)[0]


if __name__ == "__main__":
    run_worker(TapePlan, work)
