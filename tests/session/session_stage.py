"""The node's end of a session's sockets, played by hand."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import zmq

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.signal import Event, EventKind
from arbsniper_tui.model.view import FactsRow, NodeIntro, NodeStatus, QuoteRow
from arbsniper_tui.session.session import Session
from arbsniper_tui.session.snapshot import Changes
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import (
    EVENT_TOPIC,
    VIEW_TOPIC,
    Command,
    Done,
    Events,
    EventsSince,
    Hello,
    Reply,
    SetRules,
    View,
    Welcome,
    encode,
)
from arbsniper_tui.wire.publisher import CommandServer, Publisher

INTRO = NodeIntro(
    "node-1", "0.1.0", "live", 1, (Instrument(0, "okx", "BTC/USDT", "BTC-USDT", "USDT", 0.1),), ("spot-spot",), 0,
    5000.0, 0.0,
)  # fmt: skip
STATUS = NodeStatus(0.5, "gross", 10.0, 0, 0, 1.0, 0.0, 1, 0)


def row(bid: float) -> QuoteRow:
    return QuoteRow(0, bid, 1.0, bid + 1, 1.0, 1.0, None, None)


PATIENT: Any = {"ask_within_ms": 20_000, "ask_again_s": 0.0}
"""A reader that waits for missed events as long as a slow machine may take."""


class Stage:
    """A node that publishes what a test says, when it says so, and answers what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.endpoints = Endpoints(folder)
        self.number = 0
        self.events: list[Event] = []
        """What it remembers."""
        self.bid = 100.0
        self.status = STATUS
        self.asked: list[Command] = []
        self.clock_ms = 1_700_000_000_000
        self.facts: tuple[FactsRow, ...] = ()
        """Those of each view."""
        self.is_deaf = False
        """Whether commands are left unread."""
        self._last_seq = 0
        self._lock = threading.RLock()
        """Around every use of the sockets, which threads may share in no other way."""
        self._open()
        self._ends = threading.Event()
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def _open(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._publisher: Publisher | None = Publisher(self._context, self.endpoints)
        self._desk: CommandServer | None = CommandServer(self._context, self.endpoints)

    def leave(self) -> None:
        """Both sockets end, as with the process that held them."""
        with self._lock:
            if self._publisher is not None and self._desk is not None:
                self._publisher.close()
                self._desk.close()
            self._publisher = self._desk = None
            # Only then are the socket files free for who comes after.
            self._context.term()

    def begin_again(self) -> None:
        """Another process in the old one's place: it goes on numbering events, and has no memory."""
        with self._lock:
            self.leave()
            self.number = 0
            self.events.clear()
            self._open()

    def _serve(self) -> None:
        while not self._ends.wait(0.002):
            with self._lock:
                if self._publisher is not None and self._desk is not None:
                    self._publisher.take_subscriptions()
                    if not self.is_deaf:
                        self._desk.serve(self._answer)

    @property
    def viewers(self) -> int:
        with self._lock:
            return self._publisher.viewers if self._publisher is not None else 0

    @property
    def greeted(self) -> int:
        """How often the whole state was asked for."""
        return sum(isinstance(command, Hello) for command in self.asked)

    def _answer(self, command: Command) -> Reply:
        self.asked.append(command)
        if isinstance(command, Hello):
            return Welcome(INTRO, self._view(is_full=True))
        if isinstance(command, EventsSince):
            return Events(tuple(event for event in self.events if event.seq > command.seq))
        if isinstance(command, SetRules) and command.threshold_pct is not None:
            self.status = msgspec.structs.replace(self.status, threshold_pct=command.threshold_pct)
        return Done()

    def _view(self, *, is_full: bool) -> View:
        feeds = (FeedHealth("okx spot", "okx", FeedState.LIVE),) if is_full else ()
        return View(
            self.number,
            is_full,
            self.status,
            (row(self.bid),),
            feeds=feeds,
            last_event=self._last_seq,
            facts=self.facts,
        )

    def frame(self, bid: float, *, is_lost: bool = False) -> None:
        """The next frame, with one quote; a lost one was made and did not arrive."""
        with self._lock:
            self.number += 1
            self.bid = bid
            if not is_lost:
                self._publish(VIEW_TOPIC, encode(self._view(is_full=False)))

    def event(self, kind: EventKind = "venue_up", *, is_lost: bool = False, is_forgotten: bool = False) -> Event:
        """The next event; a lost one did not arrive, and a forgotten one cannot be had again."""
        with self._lock:
            self._last_seq += 1
            self.clock_ms += 1
            event = Event(event=kind, seq=self._last_seq, timestamp=self.clock_ms)
            if not is_forgotten:
                self.events.append(event)
            if not is_lost:
                self._publish(EVENT_TOPIC, encode(event))
            return event

    def _publish(self, topic: bytes, body: bytes) -> None:
        assert self._publisher is not None
        self._publisher.publish(topic, body)

    def close(self) -> None:
        self._ends.set()
        self._server.join()
        self.leave()


class Viewer:
    """A session on a stage, with a clock of its own, and everything its pulls have brought."""

    def __init__(self, stage: Stage, wait_until: Callable[..., None]) -> None:
        self.now_s = 0.0
        self.session = Session(stage.endpoints, lambda: self.now_s, **PATIENT)
        self.snapshot = self.session.snapshot
        self.seen: list[Changes] = []
        self._wait_until = wait_until

    @property
    def numbers(self) -> list[int]:
        """Of the events it holds."""
        return [event.seq for event in self.snapshot.events]

    @property
    def bid(self) -> float:
        return self.snapshot.quotes[0].bid if self.snapshot.quotes else 0.0

    def pull(self) -> Changes:
        self.seen.append(self.session.pull())
        return self.seen[-1]

    def wait_s(self, seconds: float) -> None:
        """Let so much time pass, and pull on meanwhile."""
        for _ in range(round(2 * seconds)):
            self.now_s += 0.5
            self.pull()

    def pull_until(self, condition: Callable[[], object]) -> None:
        def step() -> object:
            self.pull()
            return condition()

        self._wait_until(step, lambda: self.snapshot)
