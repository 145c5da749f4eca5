"""A node from its start to its end, in the process that launches it."""

import logging
import os
import socket
import time
from pathlib import Path

import zmq

from arbsniper_tui.desk.memory import SIZE
from arbsniper_tui.feeds.recorder import make_folder
from arbsniper_tui.feeds.recording_tally import TALLY_SIZE, RecordingTally
from arbsniper_tui.model.errors import WorkerLost
from arbsniper_tui.model.health import WorkerHealth
from arbsniper_tui.node.launch import (
    SPREAD,
    Launch,
    bind_simulated,
    feed_worker,
    sim_worker,
    spread_worker,
)
from arbsniper_tui.node.supervisor import Supervisor, Timings, spawner
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file
from arbsniper_tui.runtime.node_folder import NodeFolder, create_node_folder
from arbsniper_tui.sinks.target import RedisTarget, resolve_redis
from arbsniper_tui.universe.instruments import instruments_of
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import WorkerNotice
from arbsniper_tui.wire.viewing import CommandClient, CommandQueue

_log = logging.getLogger(__name__)


class Node:
    """Starts the workers, looks after them, and stops everything that it started."""

    def __init__(self, launch: Launch, timings: Timings | None = None) -> None:
        self._launch = launch
        self.endpoints: Endpoints | None = None
        self._folder: NodeFolder | None = None
        self._is_folder_lost = False
        self._sockets: dict[str, socket.socket] = {}
        self._redis = RedisTarget(None, "")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._notices: CommandQueue | None = None
        self._recording_tally = -1
        self.recorded: tuple[int, int] | None = None
        """Frames and bytes that were recorded, once it has stopped; None where nothing was."""
        self._memory: int | None = None
        """The descriptor of what one spread worker leaves to the next."""
        self._supervisor = Supervisor(spawner(launch.log_level, launch.log_descriptor), self._tell, timings)

    @property
    def pids(self) -> dict[str, int]:
        """The worker processes, by name."""
        return self._supervisor.pids

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

    def supervise(self) -> str | None:
        """Call a few times a second. Returns why the node cannot go on, or None."""
        try:
            self._supervisor.poll()
        except WorkerLost as lost:
            return str(lost)
        if self._notices is not None:
            self._notices.pump()
        if self._has_folder() and self._redis.server is not None:
            self._redis.server.keep_running(time.monotonic())
        return None

    def stop(self) -> None:
        """Stop all within 2 s, and leave no process and no socket file behind."""
        self._supervisor.stop()
        if self._notices is not None:
            self._notices.close()
            self._notices = None
        self._context.destroy(linger=0)
        if self._redis.server is not None:
            self._redis.server.stop()
        for listening in self._sockets.values():
            listening.close()
        if self._recording_tally >= 0:
            self.recorded = RecordingTally(self._recording_tally).read()
            os.close(self._recording_tally)
            self._recording_tally = -1
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None
        if self._folder is not None:
            self._folder.remove()

    def _start(self) -> Endpoints:
        launch = self._launch
        if launch.record_folder:
            # Here, where it can be said at once; a worker that cannot record would only die again and again.
            make_folder(Path(launch.record_folder))
            self._recording_tally = create_anonymous_file(TALLY_SIZE)
        self._folder = create_node_folder()
        endpoints = self.endpoints = Endpoints(self._folder.path)
        instruments = instruments_of(launch.settings)
        if launch.mode == "demo":
            asked = [venue for venue in launch.settings.venues if launch.settings.patterns_of(venue)]
            self._sockets = bind_simulated((*asked, *(instrument.venue for instrument in instruments)))
        self._notices = CommandQueue(CommandClient(self._context, endpoints))
        if self._sockets:
            self._supervisor.start(sim_worker(launch, self._sockets))
        # Before Redis is looked for: its imports take longer than that.
        self._supervisor.start(feed_worker(launch, endpoints, instruments, self._sockets, self._recording_tally))
        self._redis = resolve_redis(launch.settings.redis, endpoints.folder)
        self._memory = create_anonymous_file(SIZE)
        self._supervisor.start(spread_worker(launch, endpoints, instruments, self._redis, self._memory))
        return endpoints

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

    def _tell(self, worker: WorkerHealth) -> None:
        if self._notices is not None:
            self._notices.put(WorkerNotice(worker))
        if worker.name == SPREAD and worker.up and worker.restarts:
            # A restarted spread worker has no record of the other workers.
            self._supervisor.tell_all_but(SPREAD)
