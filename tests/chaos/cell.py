"""One cell of the table: one venue with one fault, beside healthy venues, for a minute of simulated time."""

import asyncio
import os
import socket
from collections.abc import Collection, Sequence

import simulated_process
from played import MAX_AGE_MS, SECONDS, THRESHOLD_PCT, Played
from simulated_loop import SimulatedLoop

from arbsniper_tui.config.settings import Settings, SignalSettings, VenueSettings
from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import SIZE, SpreadMemory
from arbsniper_tui.desk.sampling import Sampling
from arbsniper_tui.desk.survival import Survival
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.feeds.market_feeds import MarketFeeds
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Event
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.node.launch import bind_simulated, demo_settings, rules_of
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.sim.chaos import Chaos
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.server import Simulation
from arbsniper_tui.sim.venue_chaos import Struck
from arbsniper_tui.sinks.sink import NoSink
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.spread.intake import LiveIntake
from arbsniper_tui.spread.rounds import Rounds
from arbsniper_tui.universe.instruments import feed_specs, instruments_of
from arbsniper_tui.venues import VENUES
from arbsniper_tui.wire.messages import Facts, FromFeed, InstrumentsChanged, QuoteBatch, Withdrawn, encode

_PEERS = ("okx", "bybit", "gate", "kucoin")
"""The first three that are not the venue at fault."""
_SYMBOLS = ("BTC/USDT", "SOL/USDT", "BTC/USDT:USDT")
_RATES = {
    Chaos.FREEZE: 0.1,
    Chaos.SKEW: 0.1,
    Chaos.SLOW: 0.1,
    Chaos.CUT: 0.1,
    Chaos.REFUSE: 0.05,
}
"""How often a fault begins on average, a second; of single frames the share is `_SHARE`."""
_SHARE = 0.02
_FRAMES_PER_S = 60.0
_CHORES_EVERY_S = 0.02


class _Bus:
    """What lies between feeds and detector in a node, without its sockets."""

    has_more = False
    has_one_sender = True

    def receive_at_hand(self) -> None:
        return None


class _Desk:
    """The deciding side: takes what feeds find, as the messages of the bus, through the intake of a node."""

    def __init__(self, instruments: Sequence[Instrument], signals: SignalSettings) -> None:
        self.events: list[Event] = []
        self.detector = Detector(instruments, signals.routes, rules_of(signals), "chaos")
        self.detector.wall_offset_ns = simulated_process.WALL_OFFSET_NS
        self._memory = create_anonymous_file(SIZE)
        survival, sink = Survival(self.detector), NoSink(RedisHealth(RedisState.OFF))
        self.journal = Journal(self.events.append, sink, SpreadMemory(self._memory), survival)
        self._rounds = Rounds(Sampling(self.detector), survival, self.journal)
        watch = FeedWatch(self.detector, self.journal)
        facts = NewestFacts(self.detector.funding, self.detector.legs)
        self._intake = LiveIntake(_Bus(), self.detector, self.journal, watch, Stages(), facts)  # type: ignore[arg-type]  # a bus

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        self._take(QuoteBatch(ts_read_ns, now_ns(), quotes, recv_ns))

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        self._take(Withdrawn(at_ns, withdrawal.instrument_ids, withdrawal.reason))

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        self._take(Facts(at_ns, tuple(facts)))

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        self._take(InstrumentsChanged(now_ns(), tuple(added), tuple(removed)))

    def health_changed(self) -> None:
        """Nobody looks."""

    async def run(self) -> None:
        """What a node does in the pauses between quotes."""
        while True:
            at_ns = now_ns()
            self._intake.look_for_pause(at_ns, at_ns + round(_CHORES_EVERY_S * 1e9))
            self._rounds.make(at_ns, round(_CHORES_EVERY_S * 1e9))
            self.journal.announce_all(self.detector.expire(at_ns))
            self.journal.write_up()
            await asyncio.sleep(_CHORES_EVERY_S)

    def close(self) -> None:
        self.journal.announce_all(self.detector.close_all(Reason(ReasonCode.STOPPED), now_ns()))
        self.journal.write_up()
        os.close(self._memory)

    def _take(self, message: FromFeed) -> None:
        self._intake.take(encode(message))
        self.journal.write_up()


def play(kind: Chaos, venue: str, seed: int) -> Played:
    """Let it happen. The same arguments give the same."""
    loop = SimulatedLoop()
    simulated_process.follow(loop.time)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(_play(kind, venue, seed))


async def _play(kind: Chaos, venue: str, seed: int) -> Played:
    peers = [each for each in _PEERS if each != venue][:3]
    venues = (venue, *peers)
    settings = Settings(
        symbols=_SYMBOLS,
        signals=SignalSettings(threshold_pct=THRESHOLD_PCT, max_quote_age_ms=MAX_AGE_MS),
        quotes={"USDC": "USDT"},
        venues={each: VenueSettings() for each in venues},
    )
    plan = SimPlan(
        seed=seed,
        frames_per_s=_FRAMES_PER_S,
        venues=venues,
        bases=("BTC", "SOL"),
        chaos={kind: _RATES.get(kind, _SHARE)},
        chaos_seed=seed,
        chaos_venues=(venue,),
    )
    sockets = bind_simulated(venues)
    struck: list[Struck] = []
    simulation = Simulation(plan, sockets, struck.append)
    desk = _Desk(instruments_of(settings), settings.signals)
    async with simulation.running():
        backlog = Backlog(lambda: None, lambda: None)
        markets = _markets(settings, sockets, desk, backlog)
        works = [desk.run(), backlog.run(), *(market.run() for market in markets)]
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.wait(tasks, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        await _stop(tasks)
        ended_ns = now_ns()
        desk.close()
    return Played(
        desk.events,
        struck,
        simulation.truth,
        desk.detector.routes.all,
        simulated_process.STARTED_NS,
        ended_ns,
        simulated_process.WALL_OFFSET_NS,
    )


def _markets(settings: Settings, sockets: dict[str, socket.socket], desk: _Desk, backlog: Backlog) -> list[MarketFeeds]:
    timings = FeedTimings(max_quote_age_s=MAX_AGE_MS / 1000)
    markets = []
    for spec in feed_specs(instruments_of(settings), demo_settings(settings, sockets)):
        adapter = VENUES[spec.venue]
        declared = adapter.market(spec.market)
        assert declared is not None
        limits = VenueLimits(declared.limits, spec.connections)
        markets.append(MarketFeeds(spec, adapter, desk, backlog, timings, limits))
    return markets


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Raises what a task ended with by itself."""
    for task in tasks:
        if task.done():
            task.result()
            raise AssertionError(f"{task} ended by itself")
        task.cancel()
    await asyncio.wait(tasks)
