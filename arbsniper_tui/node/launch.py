"""What a node is made of: from settings, tapes or a simulation to the plans of its workers."""

import logging
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from arbsniper_tui import __version__
from arbsniper_tui.api.plan import address_of as address_heard
from arbsniper_tui.config.alert_settings import AlertSettings
from arbsniper_tui.config.api_settings import ApiSettings
from arbsniper_tui.config.origin import SettingsOrigin
from arbsniper_tui.config.recorded import recorded_settings
from arbsniper_tui.config.settings import Conversion, RedisSettings, Settings, SignalSettings, VenueSettings
from arbsniper_tui.desk.mute_file import MuteFile
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.verdict_file import VerdictFile
from arbsniper_tui.engine.routes import route_pairs
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.terms import Terms
from arbsniper_tui.feeds.plan import FeedPlan, TapePlan, TickPlan
from arbsniper_tui.model.errors import FolderError, StateError, UsageError
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.redis_url import RedisKind, read_redis_url
from arbsniper_tui.model.verdict import Judgement
from arbsniper_tui.model.view import NodeIntro
from arbsniper_tui.node.supervisor import WorkerSpec
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.log import LogSetup
from arbsniper_tui.runtime.shared_cpu import allowed_cpus, shared_cpu
from arbsniper_tui.runtime.state_folder import StateFolder, host_name
from arbsniper_tui.sim.plan import SimPlan, SimWorkerPlan
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.redis_binary import has_redis_server
from arbsniper_tui.sinks.relay_plan import RelayPlan, relay_url
from arbsniper_tui.sinks.target import RedisTarget
from arbsniper_tui.tapes.source import TapeSource
from arbsniper_tui.universe.instruments import feed_specs, quotes_in_words
from arbsniper_tui.venues import is_external
from arbsniper_tui.wire.endpoints import Endpoints

_log = logging.getLogger(__name__)

FEED, SPREAD, SIM, TAPE, TICKS = "feed", "spread", "sim", "tape", "ticks"
RELAY = "relay"
REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Launch:
    """What was asked for on the command line, beside the settings."""

    settings: Settings
    mode: str = "live"
    """`live`, `demo` or `replay`."""
    tapes: tuple[TapeSource, ...] = ()
    listing_files: dict[str, str] = field(default_factory=dict)
    speed: float | None = None
    record_folder: str = ""
    log: LogSetup = LogSetup()
    log_descriptor: int | None = None
    """Where the workers log; None for standard error."""
    sim: SimPlan = SimPlan()
    origin: SettingsOrigin | None = None
    """Where the settings come from; None where they cannot change, as in a replay."""

    @property
    def node(self) -> str:
        """The node's name. A demo has one that no other has at the same time; the same tapes give the same events."""
        if self.mode == "live":
            return self.settings.node.name or host_name()
        return REPLAY if self.mode == "replay" else f"{self.mode}-{os.getpid()}"


def kept_multipliers(launch: Launch) -> tuple[str, dict[str, int]]:
    """The name under which the node's verdicts on coins are kept, and what they say of coins sold by the thousand, as
    FeedPlan has it. Only a live node has a name: what is simulated or replayed reads and leaves nothing. Raises
    UsageError for a file that cannot be read."""
    if launch.mode != "live":
        return "", {}
    try:
        folder = StateFolder(launch.node)
        verdicts = VerdictFile(folder).read()
        MuteFile(folder).read()
    except FolderError as error:
        _log.warning("verdicts on coins and muted routes are neither read nor kept: %s", error)
        return "", {}
    except StateError as error:
        raise UsageError(str(error)) from error
    many = [each for each in verdicts if each.judgement is Judgement.MULTIPLIER]
    return launch.node, {f"{each.venue} {each.symbol}": each.multiplier for each in many}


def without_the_users_redis(settings: Settings) -> Settings:
    """Signals that are not real must not reach the programs that listen to the user's Redis."""
    redis = msgspec.structs.replace(settings.redis, mode="embedded" if has_redis_server() else "off")
    return msgspec.structs.replace(settings, redis=redis)


def without_secrets(settings: Settings) -> Settings:
    """The same settings for a worker that has nothing to do with Redis, alerts and the API, and need not know their
    secrets."""
    return msgspec.structs.replace(settings, redis=RedisSettings(mode="off"), alerts=AlertSettings(), api=ApiSettings())


def demo_settings(settings: Settings, sockets: dict[str, socket.socket]) -> Settings:
    """The same settings with every simulated venue's addresses on loopback. The venue of a rate stands there as if it
    was on, so only the connections are made from them."""
    venues = dict(settings.venues)
    for venue, listening in sockets.items():
        given = settings.venues.get(venue, VenueSettings())
        port = listening.getsockname()[1]
        venues[venue] = msgspec.structs.replace(
            given, ws_url=f"ws://127.0.0.1:{port}", rest_url=f"http://127.0.0.1:{port}"
        )
    return msgspec.structs.replace(settings, venues=venues)


def bind_simulated(venues: Iterable[str]) -> dict[str, socket.socket]:
    """A listening socket for each of these venues. They belong to the parent, so that the venues keep their addresses
    when their worker is started again. Raises UsageError for a venue without a simulation: a demo reaches no other."""
    # Only a demo needs the simulations, which take 5 ms to load.
    from arbsniper_tui.sim.registry import SIMULATED

    wanted = sorted(venue for venue in set(venues) if not is_external(venue))
    if unknown := [venue for venue in wanted if venue not in SIMULATED]:
        raise UsageError(f"--demo: found {', '.join(unknown)}, expected simulated venues: {', '.join(SIMULATED)}")
    return {venue: socket.create_server(("127.0.0.1", 0), backlog=128) for venue in wanted}


def sim_worker(launch: Launch, sockets: dict[str, socket.socket], truth: socket.socket | None) -> WorkerSpec:
    """The simulated venues on these sockets; on `truth` it answers what was true."""
    descriptors = {venue: listening.fileno() for venue, listening in sockets.items()}
    sim = msgspec.structs.replace(launch.sim, venues=tuple(sockets))
    asked = (truth.fileno(),) if truth is not None else ()
    plan = SimWorkerPlan(SIM, sim, descriptors, *asked)
    return WorkerSpec(SIM, "arbsniper_tui.workers.sim", plan, (*descriptors.values(), *asked))


def feed_worker(
    launch: Launch,
    endpoints: Endpoints,
    instruments: tuple[Instrument, ...],
    simulated: dict[str, socket.socket],
    recording_tally: int,
    multipliers: dict[str, int],
) -> WorkerSpec:
    """The worker that quotes come from: venues' sockets, those of the simulated ones, or tapes. `recording_tally` is
    the descriptor in which it counts what it records, -1 for none; `multipliers` as FeedPlan has them."""
    if launch.mode == "replay":
        tape_plan = TapePlan(
            TAPE,
            str(endpoints.folder),
            launch.tapes,
            instruments,
            launch.listing_files,
            launch.speed,
            launch.settings.has_patterns,
        )
        return WorkerSpec(TAPE, "arbsniper_tui.workers.tape", tape_plan, may_end=True)
    is_recording = recording_tally >= 0
    plan = FeedPlan(
        FEED,
        str(endpoints.folder),
        tuple(
            spec
            for spec in feed_specs(instruments, demo_settings(launch.settings, simulated))
            if not is_external(spec.venue)
        ),
        launch.record_folder,
        shared_cpu(launch.settings.engine.cpu, allowed_cpus(), os.getpid()),
        launch.settings.signals.max_quote_age_ms,
        recorded_settings(launch.settings) if is_recording else "",
        without_secrets(launch.settings) if launch.settings.has_patterns else None,
        recording_tally,
        multipliers,
    )
    inherited = (recording_tally,) if is_recording else ()
    return WorkerSpec(FEED, "arbsniper_tui.workers.feed", plan, inherited)


def rules_of(signals: SignalSettings) -> Rules:
    """The gates' bounds, in their units."""
    return Rules(
        threshold_pct=signals.threshold_pct,
        basis=signals.basis,
        max_age_ns=round(signals.max_quote_age_ms * 1e6),
        cooldown_ns=round(signals.cooldown_s * 1e9),
        max_spread_pct=signals.max_spread_pct,
        hysteresis_pct=signals.hysteresis_pct,
        min_life_ns=round(signals.min_life_ms * 1e6),
        min_net_total=signals.min_net_total,
        min_zscore=signals.min_zscore,
        update_step_pct=signals.update_step_pct,
        announce=signals.announce,
    )


def terms_of(settings: Settings) -> Terms:
    """Fees by market, and ages of rates."""
    return Terms(
        {
            f"{venue} {market.market}": market.taker_fee_pct
            for venue in settings.venues
            for market in settings.markets_of(venue).values()
        },
        {name: each.max_age_ms for name, each in settings.quotes.items() if isinstance(each, Conversion)},
    )


def tick_worker(
    launch: Launch, endpoints: Endpoints, instruments: tuple[Instrument, ...], recording_tally: int
) -> WorkerSpec | None:
    """The worker that takes ticks from outside; None where the settings name no external exchange, and in a replay.
    `recording_tally` is a descriptor of its own, as that of the feed worker."""
    specs = tuple(spec for spec in feed_specs(instruments, launch.settings) if is_external(spec.venue))
    if not specs or launch.mode == "replay":
        return None
    is_recording = recording_tally >= 0
    plan = TickPlan(
        TICKS,
        str(endpoints.folder),
        launch.settings.feeds.external,
        specs,
        launch.record_folder,
        recorded_settings(launch.settings) if is_recording else "",
        recording_tally,
    )
    return WorkerSpec(TICKS, "arbsniper_tui.workers.ticks", plan, (recording_tally,) if is_recording else ())


def spread_worker(
    launch: Launch,
    endpoints: Endpoints,
    instruments: tuple[Instrument, ...],
    redis: RedisTarget,
    memory: int,
    state_node: str,
    api: socket.socket | None,
) -> WorkerSpec:
    """The worker that decides; `memory` is the descriptor of what it leaves to the one after it, `state_node` the name
    under which it keeps what outlives the run, `api` where the node answers programs."""
    settings = launch.settings
    signals = settings.signals
    is_replay = launch.mode == "replay"
    plan = SpreadPlan(
        worker=SPREAD,
        folder=str(endpoints.folder),
        intro=NodeIntro(
            node=launch.node,
            version=__version__,
            mode=launch.mode,
            pid=os.getpid(),
            instruments=instruments,
            route_kinds=signals.routes,
            routes=sum(1 for _ in route_pairs(instruments, signals.routes)),
            max_quote_age_ms=signals.max_quote_age_ms,
            cooldown_s=signals.cooldown_s,
            quotes_counted=quotes_in_words(settings),
            # The same tapes give the same events.
            run=REPLAY if is_replay else f"{time.time_ns() // 1_000_000:x}",
        ),
        rules=rules_of(signals),
        refresh_hz=settings.ui.refresh_hz,
        redis=_at_first(redis),
        redis_url=redis.url or "",
        redis_relay=relay_url(endpoints.folder) if is_cluster(redis) else "",
        redis_note=redis.note,
        api=f"{'https' if settings.api.certificate_file else 'http'}://{address_heard(api)}" if api else "",
        memory=memory,
        shares_cpu=None if is_replay else shared_cpu(settings.engine.cpu, allowed_cpus(), os.getpid()),
        state_node=state_node,
        traced_share=settings.otel.sample if settings.otel.endpoint and not is_replay else 0.0,
        started_ns=now_ns(),
        terms=Terms() if is_replay else terms_of(settings),
    )
    # Begun again in the middle of the tapes, it would number its signals anew.
    return WorkerSpec(SPREAD, "arbsniper_tui.workers.spread", plan, (memory,), may_end=is_replay)


def _at_first(redis: RedisTarget) -> RedisHealth:
    state = RedisState.CONNECTING if redis.url else RedisState.OFF
    return RedisHealth(state, redis.source, address_of(redis.url or ""), redis.detail)


def is_cluster(redis: RedisTarget) -> bool:
    """Whether the node writes to a Redis Cluster, and so by way of a relay."""
    found = read_redis_url(redis.url or "")
    return found is not None and found.kind is RedisKind.CLUSTER


def relay_worker(launch: Launch, redis: RedisTarget, listener: socket.socket) -> WorkerSpec:
    """The worker that carries what the sink writes to a Redis Cluster."""
    cpu = shared_cpu(launch.settings.engine.cpu, allowed_cpus(), os.getpid())
    plan = RelayPlan(RELAY, redis.url or "", listener.fileno(), cpu)
    return WorkerSpec(RELAY, "arbsniper_tui.workers.relay", plan, (listener.fileno(),), is_needed=False)
