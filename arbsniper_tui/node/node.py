"""A node from its start to its end, in the process that launches it."""

import logging
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from arbsniper_tui.alerts.memory import ALERT_MEMORY_SIZE
from arbsniper_tui.config.saved import SavedSettings
from arbsniper_tui.desk.memory import SIZE
from arbsniper_tui.feeds.recorder import make_folder
from arbsniper_tui.feeds.recording_tally import TALLY_SIZE, RecordingTally
from arbsniper_tui.model.errors import UsageError, WorkerLost
from arbsniper_tui.model.health import WorkerHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import Invariants
from arbsniper_tui.node.launch import (
    SPREAD,
    Launch,
    bind_simulated,
    feed_worker,
    is_cluster,
    kept_multipliers,
    relay_worker,
    sim_worker,
    spread_worker,
    tick_worker,
)
from arbsniper_tui.node.running_settings import RunningSettings
from arbsniper_tui.node.settings_change import SettingsChange, venues_of
from arbsniper_tui.node.supervisor import Supervisor, Timings, spawner
from arbsniper_tui.node.viewer_workers import alert_worker, api_access, api_listener, api_worker, trace_worker
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file
from arbsniper_tui.runtime.log import tend_log
from arbsniper_tui.runtime.node_folder import NodeFolder, create_node_folder
from arbsniper_tui.runtime.state_folder import StateFolder
from arbsniper_tui.sinks.relay_plan import open_relay
from arbsniper_tui.sinks.target import RedisTarget, resolve_redis
from arbsniper_tui.universe.instruments import instruments_of
from arbsniper_tui.universe.names import told_multiple
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import InvariantsReport, WorkerNotice
from arbsniper_tui.wire.viewing import CommandClient, CommandQueue

if TYPE_CHECKING:
    from arbsniper_tui.node.invariants import InvariantsCheck

_log = logging.getLogger(__name__)

_MEMORY = "memory"
"""The file in the state folder that one run leaves to the next."""


class Node:
    """Starts the workers, looks after them, and stops everything that it started."""

    def __init__(self, launch: Launch, timings: Timings | None = None) -> None:
        self._launch = launch
        self.endpoints: Endpoints | None = None
        self.venues: frozenset[str] = frozenset()
        """Those whose quotes it asks for, once it has started."""
        self._folder: NodeFolder | None = None
        self._is_folder_lost = False
        self._sockets: dict[str, socket.socket] = {}
        self._truth: socket.socket | None = None
        """Where the simulation answers what was true; None where nothing goes wrong on purpose."""
        self._api: socket.socket | None = None
        """Where programs are answered."""
        self._relay: socket.socket | None = None
        """Where the relay to a Redis Cluster takes what is written; None without a Cluster."""
        self._check: InvariantsCheck | None = None
        self._redis = RedisTarget(None, "")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._notices: CommandQueue | None = None
        self._recording_tallies: list[int] = []
        """Descriptors, one for each worker that records."""
        self.recorded: tuple[int, int] | None = None
        """Frames and bytes that were recorded, once it has stopped; None where nothing was."""
        self._memory: int | None = None
        """The descriptor of what one spread worker leaves to the next."""
        self._alert_memory: int | None = None
        """The same of the worker that alerts."""
        self._settings: RunningSettings | None = None
        """Once it has started."""
        self._must_reload = False
        self._supervisor = Supervisor(spawner(launch.log, launch.log_descriptor), self._tell, timings)

    @property
    def pids(self) -> dict[str, int]:
        """The worker processes, by name."""
        return self._supervisor.pids

    @property
    def has_begun(self) -> bool:
        """Whether every worker that it needs has begun its work."""
        return self._supervisor.have_all_begun

    @property
    def is_replay(self) -> bool:
        """Whether it plays tapes: then nothing may be lost, and everything waits for its reader."""
        return self._launch.mode == "replay"

    def start(self) -> Endpoints:
        """Start everything. Raises UsageError, or what the embedded Redis says when it was asked for and cannot be had;
        nothing is left running then."""
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def ask_reload(self) -> None:
        """Read the settings again soon, once it has started. A signal handler may call it."""
        self._must_reload = True

    def supervise(self) -> str | None:
        """Call a few times a second. Returns why the node cannot go on, or None."""
        tend_log()
        try:
            self._supervisor.poll()
        except WorkerLost as lost:
            return str(lost)
        if self._notices is not None:
            self._notices.pump()
        if self._settings is not None:
            if self._must_reload:
                self._must_reload = False
                self._settings.ask_reload()
            self._settings.pump()
        if self._check is not None:
            self._check.pump()
        if self._has_folder() and self._redis.server is not None:
            self._redis.server.keep_running(time.monotonic())
        return None

    def stop(self) -> None:
        """Stop all within 2 s, and leave no process and no socket file behind."""
        if self._check is not None:
            self._check.settle()
        self._supervisor.stop()
        if self._check is not None:
            self._check.finish()
            self._check = None
        if self._notices is not None:
            self._notices.close()
            self._notices = None
        if self._settings is not None:
            self._settings.close()
            self._settings = None
        self._context.destroy(linger=0)
        if self._redis.server is not None:
            self._redis.server.stop()
        for listening in (*self._sockets.values(), self._truth, self._api, self._relay):
            if listening is not None:
                listening.close()
        if self._recording_tallies:
            frames, sizes = zip(*(RecordingTally(each).read() for each in self._recording_tallies), strict=True)
            self.recorded = sum(frames), sum(sizes)
            for each in self._recording_tallies:
                os.close(each)
            self._recording_tallies.clear()
        for memory in (self._memory, self._alert_memory):
            if memory is not None:
                os.close(memory)
        self._memory = self._alert_memory = None
        if self._folder is not None:
            self._folder.remove()

    def _start(self) -> Endpoints:
        launch = self._launch
        if launch.record_folder:
            # Here, where it can be said at once; a worker that cannot record would only die again and again.
            make_folder(Path(launch.record_folder))
            self._recording_tallies = [create_anonymous_file(TALLY_SIZE) for _ in range(2)]
        # Here too: an address that is taken, or a file that cannot be read, is said before anything runs.
        self._api, access = api_listener(launch), api_access(launch)
        self._memory = self._open_memory()
        self._folder = create_node_folder()
        endpoints = self.endpoints = Endpoints(self._folder.path)
        state_node, multipliers = kept_multipliers(launch)
        instruments = tuple(told_multiple(each, multipliers) for each in instruments_of(launch.settings))
        self._take_venues(venues_of(launch.settings, instruments))
        if launch.mode == "demo":
            self._sockets = bind_simulated(self.venues)
        self._notices = CommandQueue(CommandClient(self._context, endpoints))
        if self._sockets:
            if launch.sim.chaos:
                self._truth = socket.create_server(("127.0.0.1", 0))
                self._check = self._make_check(endpoints, self._truth)
            self._supervisor.start(sim_worker(launch, self._sockets, self._truth))
        # Before Redis is looked for: its imports take longer than that.
        feed_tally, tick_tally = self._recording_tallies or (-1, -1)
        self._supervisor.start(feed_worker(launch, endpoints, instruments, self._sockets, feed_tally, multipliers))
        if (ticks := tick_worker(launch, endpoints, instruments, tick_tally)) is not None:
            self._supervisor.start(ticks)
        self._redis = resolve_redis(launch.settings.redis, endpoints.folder)
        if is_cluster(self._redis):
            self._relay = open_relay(endpoints.folder)
            self._supervisor.start(relay_worker(launch, self._redis, self._relay))
        self._supervisor.start(
            spread_worker(launch, endpoints, instruments, self._redis, self._memory, state_node, self._api)
        )
        self._alert_memory = create_anonymous_file(ALERT_MEMORY_SIZE)
        if (alerting := alert_worker(launch, endpoints, self._alert_memory)) is not None:
            self._supervisor.start(alerting)
        if self._api is not None:
            self._supervisor.start(api_worker(launch, endpoints, self._api, access))
        if (tracing := trace_worker(launch, endpoints)) is not None:
            self._supervisor.start(tracing)
        self._settings = self._make_settings(endpoints, instruments, multipliers, feed_tally, state_node)
        self._settings.listen(self._context, endpoints)
        return endpoints

    def _make_settings(
        self,
        endpoints: Endpoints,
        instruments: tuple[Instrument, ...],
        multipliers: dict[str, int],
        feed_tally: int,
        state_node: str,
    ) -> RunningSettings:
        assert self._alert_memory is not None, "the workers were started"
        change = SettingsChange(
            self._launch,
            endpoints,
            self._supervisor,
            instruments,
            multipliers,
            self._sockets,
            feed_tally,
            self._alert_memory,
            self._take_venues,
        )
        saved = SavedSettings(StateFolder(state_node)) if state_node else None
        running, origin = self._launch.settings, self._launch.origin
        return RunningSettings(running, origin, saved, change.apply, lambda: self._supervisor.behind)

    def _take_venues(self, venues: frozenset[str]) -> None:
        self.venues = venues

    def _open_memory(self) -> int:
        """What one spread worker leaves to the next, and a live node to the next run of it."""
        launch = self._launch
        if launch.mode != "live":
            return create_anonymous_file(SIZE)
        folder = StateFolder(launch.node)
        descriptor = folder.claim(_MEMORY, SIZE)
        if descriptor is None:
            raise UsageError(
                f"a node named {launch.node!r} runs already (it holds {folder.path / _MEMORY}): stop it, or give this "
                f'one a name of its own: [node] name = "{launch.node}-2"'
            )
        return descriptor

    def _has_folder(self) -> bool:
        """Whether the node's folder is there; the log says once that it is not."""
        if self._folder is None or self._is_folder_lost:
            return False
        if not self._folder.keep():
            self._is_folder_lost = True
            _log.error(
                "%s was deleted while the node runs: no viewer can attach, and a worker that is started again cannot "
                "reach the others; restart the node, and keep programs that delete old files away from the folder",
                self._folder.path,
            )
        return not self._is_folder_lost

    def _make_check(self, endpoints: Endpoints, truth: socket.socket) -> "InvariantsCheck":
        from arbsniper_tui.node.invariants import InvariantsCheck  # only where something goes wrong on purpose

        max_age_ms = self._launch.settings.signals.max_quote_age_ms
        return InvariantsCheck(endpoints, truth.getsockname(), max_age_ms, self._tell_invariants)

    def _tell_invariants(self, invariants: Invariants) -> None:
        if self._notices is not None:
            self._notices.put(InvariantsReport(invariants))

    def _tell(self, worker: WorkerHealth) -> None:
        if self._notices is not None:
            self._notices.put(WorkerNotice(worker))
        if worker.name == SPREAD and worker.up and worker.restarts:
            # A restarted spread worker has no record of the other workers.
            self._supervisor.tell_all_but(SPREAD)
