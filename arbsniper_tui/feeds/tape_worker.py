"""The tape worker: recorded frames in place of venues, through the same parsers, in order and without loss."""

import logging
import os
import select
import threading
import time
from math import inf
from pathlib import Path

import zmq

from arbsniper_tui.feeds.external_feed import dated_receipt_ns
from arbsniper_tui.feeds.plan import TapePlan
from arbsniper_tui.feeds.player import Came, Player
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import InstrumentChange
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.reason import Reason
from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.process import LIFELINE, settle_memory
from arbsniper_tui.tapes.head import read_heads
from arbsniper_tui.tapes.listings import read_listings
from arbsniper_tui.tapes.pace import Pace
from arbsniper_tui.tapes.span import TapeSpan
from arbsniper_tui.venues import adapter_of
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import (
    Facts,
    HealthReport,
    InstrumentsChanged,
    Playback,
    QuoteBatch,
    TapeReport,
    TapesEnded,
    Withdrawn,
)
from arbsniper_tui.wire.sender import LosslessSender
from arbsniper_tui.wire.viewing import SEND_AGAIN_S, CommandClient

_log = logging.getLogger(__name__)

_REPORT_EVERY_S = 0.05
_DUE_WITHIN_S = 0.0005
"""Starting a shorter wait would take longer than the wait."""
_STEP_TAKES_S = 0.01
_UNWATCHED_TOLD = 20


def work(plan: TapePlan) -> None:
    """Play to the end, say so, and stay until the parent says stop."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    replay = _Replay(plan)
    settle_memory()
    if replay.play():
        select.select([LIFELINE], [], [])
    replay.close()


class _Replay:
    """What is played, how fast, and how far it is."""

    def __init__(self, plan: TapePlan) -> None:
        endpoints = Endpoints(Path(plan.folder))
        listings = {venue: read_listings(venue, Path(file)) for venue, file in plan.listing_files.items()}
        self._player = Player(plan.tapes, plan.instruments, listings, _log.warning, follows=plan.follows)
        self._dated = {
            i.id for i in plan.instruments if (of := adapter_of(i.venue).market(i.market)) and of.is_dated_here
        }
        self._pace = Pace(plan.speed)
        self._span = TapeSpan([Path(source.path) for source in plan.tapes])
        self._sender = LosslessSender(endpoints.quotes)
        self._plan = plan
        self._heads = read_heads(plan.tapes)
        self._unserved: dict[int, Reason] = {}
        self._node = CommandClient(zmq.Context(), endpoints)
        self._reported_s = -inf
        self._look_due_s = self._began_s = 0.0
        self._begins_ns = 0

    def play(self) -> bool:
        """Play to the end, and say so. False where the parent said stop before."""
        at_ns = 0
        for at_ns, came in self._player.play():
            if not self._begins_ns:
                self._begins_ns, self._began_s = at_ns, time.monotonic()
                self._sender.send(self._health(at_ns))
            if not self._wait_for(at_ns):
                return False
            self._send(at_ns, came)
        player = self._player
        self._sender.send(TapesEnded(at_ns, player.frames, player.dropped, player.quotes))
        if player.unwatched:
            told = ", ".join(list(player.unwatched)[:_UNWATCHED_TOLD])
            _log.warning("nobody watches %d of the tapes' symbols: %s", len(player.unwatched), told)
        return self._tell_end(at_ns)

    def close(self) -> None:
        self._sender.close()
        self._node.close()

    def _send(self, at_ns: int, came: Came) -> None:
        if isinstance(came, Withdrawal):
            self._sender.send(Withdrawn(at_ns, came.instrument_ids, came.reason))
        elif isinstance(came, InstrumentChange):
            self._sender.send(InstrumentsChanged(at_ns, came.added, came.removed))
        elif not isinstance(came, list):
            self._sender.send(Facts(at_ns, (came,)))
        else:
            wall_ms = at_ns // 1_000_000
            recv_ns = [
                dated_receipt_ns(quote, at_ns, wall_ms) if quote.instrument_id in self._dated else at_ns
                for quote in came
            ]
            self._sender.send(QuoteBatch(at_ns, now_ns(), came, recv_ns))

    def _wait_for(self, frame_ns: int) -> bool:
        """Wait until a frame is due. False once the parent has said stop."""
        while True:
            if time.monotonic() >= self._look_due_s:
                self._look_due_s = time.monotonic() + _REPORT_EVERY_S
                self._report(self._status(frame_ns))
                self._report_health(frame_ns)
                self._span.step()
            wait_s = self._pace.wait_s(frame_ns)
            if wait_s <= _DUE_WITHIN_S:
                return True
            if self._span.end_ns is None and wait_s > _STEP_TAKES_S:
                self._span.step()
            elif _parent_says_stop(min(wait_s, _REPORT_EVERY_S)):
                return False

    def _report(self, status: ReplayStatus) -> bool:
        """Tell the node how far it is, and play on as the node answers. Returns whether it has answered."""
        answer = self._node.answer()
        if isinstance(answer, Playback) and answer != Playback(self._pace.speed, self._pace.is_paused):
            self._pace.change(answer.speed, answer.is_paused, status.now_ns)
        now_s = time.monotonic()
        if answer is not None or now_s - self._reported_s > SEND_AGAIN_S:
            self._reported_s = now_s
            self._node.send(TapeReport(status))
        return answer is not None

    def _tell_end(self, at_ns: int) -> bool:
        """Report the end until the node has answered. False where the parent said stop before."""
        status = self._status(at_ns, is_over=True)
        # The first answer is to the report before.
        answers = 0
        while answers < 2:
            answers += self._report(status)
            if _parent_says_stop(_REPORT_EVERY_S):
                return False
        return True

    def _report_health(self, at_ns: int) -> None:
        if self._unserved != (unserved := self._player.unserved):
            self._unserved = unserved
            self._sender.send(self._health(at_ns))

    def _health(self, at_ns: int) -> HealthReport:
        """Each tape as the feed that it stands for, by the tapes' clock."""
        feeds = []
        for head in self._heads:
            fed = [i for i in self._player.instruments if i.venue == head.venue and i.market in head.markets]
            feeds.append(
                FeedHealth(
                    f"{head.venue} {'+'.join(head.markets)} tape",
                    head.venue,
                    FeedState.LIVE,
                    Path(head.source.path).name,
                    tuple(i.id for i in fed),
                    rejected={i.symbol: self._unserved[i.id] for i in fed if i.id in self._unserved},
                )
            )
        return HealthReport(self._plan.worker, tuple(feeds), sent_ns=at_ns)

    def _status(self, frame_ns: int, *, is_over: bool = False) -> ReplayStatus:
        return ReplayStatus(
            begins_ns=self._begins_ns,
            now_ns=frame_ns,
            ends_ns=self._span.end_ns,
            speed=self._pace.speed,
            is_paused=self._pace.is_paused,
            is_over=is_over,
            frames=self._player.frames,
            quotes=self._player.quotes,
            dropped=dict(self._player.dropped),
            unwatched=tuple(self._player.unwatched)[:_UNWATCHED_TOLD],
            took_s=time.monotonic() - self._began_s if self._begins_ns else 0.0,
        )


def _parent_says_stop(within_s: float) -> bool:
    # The lifeline becomes readable only when the parent closes it.
    return bool(select.select([LIFELINE], [], [], within_s)[0])


def _end_with_parent() -> None:
    select.select([LIFELINE], [], [])
    # No orderly exit: the main thread may wait for a reader that died too.
    os._exit(0)
