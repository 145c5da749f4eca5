"""What a node is made of: from settings, tapes or a simulation to the plans of its workers."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from arbsniper_tui import __version__
from arbsniper_tui.config.recorded import recorded_settings
from arbsniper_tui.config.settings import RedisSettings, Settings, VenueSettings
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.engine.detector import Rules
from arbsniper_tui.engine.routes import route_pairs
from arbsniper_tui.feeds.plan import FeedPlan, TapePlan
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import NodeIntro
from arbsniper_tui.node.supervisor import WorkerSpec
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.shared_cpu import allowed_cpus, shared_cpu
from arbsniper_tui.sim.plan import SimPlan, SimWorkerPlan
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.redis_binary import has_redis_server
from arbsniper_tui.sinks.target import RedisTarget
from arbsniper_tui.tapes.source import TapeSource
from arbsniper_tui.universe.instruments import feed_specs, quotes_in_words
from arbsniper_tui.wire.endpoints import Endpoints

FEED, SPREAD, SIM, TAPE = "feed", "spread", "sim", "tape"


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
    log_level: str = "INFO"
    log_descriptor: int | None = None
    """Where the workers log; None for standard error."""
    sim: SimPlan = SimPlan()


def without_the_users_redis(settings: Settings) -> Settings:
    """Signals that are not real must not reach the programs that listen to the user's Redis."""
    redis = msgspec.structs.replace(settings.redis, mode="embedded" if has_redis_server() else "off")
    return msgspec.structs.replace(settings, redis=redis)


def without_redis(settings: Settings) -> Settings:
    """The same settings for a worker that has nothing to do with Redis, and need not know its password."""
    return msgspec.structs.replace(settings, redis=RedisSettings(mode="off"))


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

    wanted = sorted(set(venues))
    if unknown := [venue for venue in wanted if venue not in SIMULATED]:
        raise UsageError(f"--demo: found {', '.join(unknown)}, expected simulated venues: {', '.join(SIMULATED)}")
    return {venue: socket.create_server(("127.0.0.1", 0), backlog=128) for venue in wanted}


def sim_worker(launch: Launch, sockets: dict[str, socket.socket]) -> WorkerSpec:
    """The simulated venues on these sockets."""
    descriptors = {venue: listening.fileno() for venue, listening in sockets.items()}
    sim = msgspec.structs.replace(launch.sim, venues=tuple(sockets))
    plan = SimWorkerPlan(SIM, sim, descriptors)
    return WorkerSpec(SIM, "arbsniper_tui.workers.sim", plan, tuple(descriptors.values()))


def feed_worker(
    launch: Launch,
    endpoints: Endpoints,
    instruments: tuple[Instrument, ...],
    simulated: dict[str, socket.socket],
    recording_tally: int,
) -> WorkerSpec:
    """The worker that quotes come from: venues' sockets, those of the simulated ones, or tapes. `recording_tally` is
    the descriptor in which it counts what it records, -1 for none."""
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
        feed_specs(instruments, demo_settings(launch.settings, simulated)),
        launch.record_folder,
        shared_cpu(launch.settings.engine.cpu, allowed_cpus(), os.getpid()),
        launch.settings.signals.max_quote_age_ms,
        recorded_settings(launch.settings) if is_recording else "",
        without_redis(launch.settings) if launch.settings.has_patterns else None,
        recording_tally,
    )
    inherited = (recording_tally,) if is_recording else ()
    return WorkerSpec(FEED, "arbsniper_tui.workers.feed", plan, inherited)


def spread_worker(
    launch: Launch, endpoints: Endpoints, instruments: tuple[Instrument, ...], redis: RedisTarget, memory: int
) -> WorkerSpec:
    """The worker that decides; `memory` is the descriptor of what it leaves to the one after it."""
    settings = launch.settings
    signals = settings.signals
    is_replay = launch.mode == "replay"
    plan = SpreadPlan(
        worker=SPREAD,
        folder=str(endpoints.folder),
        intro=NodeIntro(
            node="replay" if is_replay else f"{socket.gethostname()}-{os.getpid()}",
            version=__version__,
            mode=launch.mode,
            pid=os.getpid(),
            instruments=instruments,
            route_kinds=signals.routes,
            routes=sum(1 for _ in route_pairs(instruments, signals.routes)),
            max_quote_age_ms=signals.max_quote_age_ms,
            cooldown_s=signals.cooldown_s,
            quotes_counted=quotes_in_words(settings),
        ),
        rules=Rules(
            threshold_pct=signals.threshold_pct,
            basis=signals.basis,
            max_age_ns=round(signals.max_quote_age_ms * 1e6),
            cooldown_ns=round(signals.cooldown_s * 1e9),
            max_spread_pct=signals.max_spread_pct,
        ),
        refresh_hz=settings.ui.refresh_hz,
        redis=RedisHealth(
            RedisState.CONNECTING if redis.url else RedisState.OFF,
            redis.source,
            address_of(redis.url or ""),
            redis.detail,
        ),
        redis_url=redis.url or "",
        redis_note=redis.note,
        memory=memory,
        shares_cpu=None if is_replay else shared_cpu(settings.engine.cpu, allowed_cpus(), os.getpid()),
        started_ns=now_ns(),
    )
    # Begun again in the middle of the tapes, it would number its signals anew.
    return WorkerSpec(SPREAD, "arbsniper_tui.workers.spread", plan, (memory,), may_end=is_replay)
