"""A detector, a journal and what is around them, in one process, with sockets and Redis replaced by lists."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import SIZE, SpreadMemory
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.sampling import Sampling
from arbsniper_tui.desk.survival import Survival
from arbsniper_tui.desk.viewer_desk import ViewerDesk
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.slices import at_once
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import FeedHealth, FeedState, RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.view import NodeIntro
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file
from arbsniper_tui.sinks.sink import NoSink, PastEvent
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.spread.identity_check import Verdicts
from arbsniper_tui.spread.mutes import Mutes
from arbsniper_tui.spread.requests import Requests
from arbsniper_tui.spread.rounds import Rounds
from arbsniper_tui.spread.state_keeper import StateKeeper
from arbsniper_tui.spread.view_maker import ViewMaker
from arbsniper_tui.wire.messages import (
    EVENT_TOPIC,
    VIEW_TOPIC,
    Command,
    HealthReport,
    Reply,
    View,
    decode_event,
    decode_view,
)

S = 1_000_000_000
MS = 1_000_000
WALL_OFFSET_NS = 1_700_000_000 * S

INSTRUMENTS = (
    Instrument(0, "binance", "BTC/USDT", "BTCUSDT", "USDT", 0.1),
    Instrument(1, "okx", "BTC/USDT", "BTC-USDT", "USDT", 0.1),
    Instrument(2, "kraken", "ETH/USDT", "ETH/USDT", "USDT", 0.4),
)

NO_SINK = NoSink(RedisHealth(RedisState.OFF))


class NotedPublisher:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.views: list[View] = []

    def publish(self, topic: bytes, body: bytes) -> None:
        if topic == VIEW_TOPIC:
            self.views.append(decode_view(body))
        else:
            assert topic == EVENT_TOPIC
            self.events.append(decode_event(body))


class HandedCommands:
    """Commands come by hand, and so do the replies."""

    def __init__(self) -> None:
        self.command: Command
        self.reply: Reply

    def serve(self, handle: Callable[[Command], Reply]) -> None:
        self.reply = handle(self.command)


class NotedSink:
    announces = True
    unconfirmed = 0
    events_lost = 0

    def __init__(self) -> None:
        self.signals: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.prices: list[tuple[str, str, dict[str, Any]]] = []
        self.nodes: list[tuple[str, dict[str, Any]]] = []
        self.order: list[str] = []
        self.again: list[PastEvent] = []
        self.is_up = True

    def announce(self, payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        self.signals.append(json.loads(payload))
        self.order.append("signal")
        return self.is_up

    def append_event(self, payload: bytes, event: str, now_ns: int) -> None:
        self.events.append(json.loads(payload))
        self.order.append(f"event {event}")

    def send_again(self, events: Sequence[PastEvent]) -> None:
        self.again += events

    @property
    def takes_prices(self) -> bool:
        return self.is_up

    def store_node(self, node: str, payload: bytes, now_ns: int) -> None:
        self.nodes.append((node, json.loads(payload)))

    def store_price(self, exchange: str, symbol: str, payload: bytes, now_ns: int) -> None:
        self.prices.append((exchange, symbol, json.loads(payload)))

    def flush(self) -> None:
        pass

    def pump(self, now_ns: int) -> None:
        pass

    def close(self, timeout_s: float) -> None:
        pass

    def health(self) -> RedisHealth:
        return RedisHealth(RedisState.UP, "url", "127.0.0.1:6379/0")


class DecisionStage:
    """Everything of a spread worker but its loop and its sockets. Time stands until `now_ns` is moved."""

    def __init__(
        self,
        folder: Path,
        threshold_pct: float = 0.5,
        *,
        heir_of: "DecisionStage | None" = None,
        has_redis: bool = True,
    ) -> None:
        self.now_ns = 1000 * S
        self.folder = folder
        rules = Rules(threshold_pct=threshold_pct)
        self.detector = Detector(INSTRUMENTS, ("spot-spot",), rules, "heir" if heir_of else "node")
        self.detector.wall_offset_ns = WALL_OFFSET_NS
        self.publisher = NotedPublisher()
        self.sink = NotedSink()
        self._descriptor = os.dup(heir_of._descriptor) if heir_of else create_anonymous_file(SIZE)  # noqa: SLF001 - its heir
        self.memory = SpreadMemory(self._descriptor)
        sink = self.sink if has_redis else NO_SINK
        self.stages = Stages()
        self.plan = spread_plan(folder, rules)
        self.be_desk(is_replay=False)
        self.survival, self.sampling = Survival(self.detector), Sampling(self.detector)
        self.journal = Journal(lambda event: self.desk.tell(event), sink, self.memory, self.survival)
        self.rounds = Rounds(self.sampling, self.survival, self.journal)
        self.watch = FeedWatch(self.detector, self.journal)
        self.facts = NewestFacts(self.detector.funding, self.detector.legs)
        told = self.facts, self.sampling, self.survival
        self.views = ViewMaker(self.plan, self.detector, self.journal, self.watch, self.stages, self.sink, *told)
        self.keeper = StateKeeper()
        self.verdicts = Verdicts(self.detector, self.journal, self.facts, self.keeper, None)
        self.mutes = Mutes(self.detector, self.journal, self.keeper, None, set())
        self.requests = Requests(
            self.desk, self.detector, self.journal, self.watch, self.memory, self.views, self.verdicts, self.mutes
        )

    def be_desk(self, *, is_replay: bool) -> None:
        """Put a new desk before the viewers, of a live node or of a replay."""
        self.commands = HandedCommands()
        stand_ins: Any = self.publisher, self.commands
        self.desk = ViewerDesk(*stand_ins, is_replay=is_replay)

    def ask(self, command: Command) -> Reply:
        """The reply to one command."""
        self.commands.command = command
        self.desk.serve(lambda request: self.requests.answer(request, self.now_ns))
        return self.commands.reply

    def next_view(self) -> View:
        """What a viewer gets next."""
        changes = self.views.changes(lambda: self.now_ns, self.now_ns, self.desk.named_routes())
        self.desk.show(at_once(changes))
        return self.publisher.views[-1]

    def memory_after_a_kill(self) -> SpreadMemory:
        """What the next worker finds: nothing of this one is left but the file."""
        return SpreadMemory(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)

    def quote(self, instrument_id: int, bid: float, ask: float, size: float = 1.0) -> list[Signal]:
        return self.detector.on_quote(Quote(instrument_id, bid, size, ask, size), self.now_ns, self.now_ns)

    def opportunity(self) -> list[Signal]:
        """Buy at 100 on binance, sell at 101 on okx."""
        return [*self.quote(0, 99.9, 100.0), *self.quote(1, 101.0, 101.1)]

    def report(self, *feeds: FeedHealth, worker: str = "feed", conflated: int = 0, pid: int = 77) -> None:
        self.watch.take(HealthReport(worker, feeds, conflated, pid=pid), self.now_ns)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Kind, place and detail of every event."""
        return [(e.event, f"{e.exchange} {e.market}".strip(), e.detail) for e in self.publisher.events]


def spread_plan(folder: Path, rules: Rules) -> SpreadPlan:
    intro = NodeIntro("node", "0.0.0", "live", 1, INSTRUMENTS, ("spot-spot",), 2, 5000.0, 0.0)
    return SpreadPlan("spread", str(folder), intro, rules, 10.0, RedisHealth(RedisState.OFF))


def binance(state: FeedState = FeedState.LIVE, detail: str = "") -> FeedHealth:
    return FeedHealth("binance spot", "binance", state, detail, (0,))


def okx(state: FeedState = FeedState.LIVE, detail: str = "") -> FeedHealth:
    return FeedHealth("okx spot", "okx", state, detail, (1,))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[DecisionStage]:
    stage = DecisionStage(tmp_path)
    yield stage
    stage.close()
