"""The relay's process: listens for the sink, and answers it as one Redis would."""

import logging
import os
import select
import signal
import socket
import time
from math import inf

from arbsniper_tui.model.errors import LinkLost, RedisUnreachable
from arbsniper_tui.model.redis_url import read_redis_url
from arbsniper_tui.runtime.process import LIFELINE, beat, parent_is_gone
from arbsniper_tui.runtime.shared_cpu import stay_off
from arbsniper_tui.sinks.relay import Commands, Relay
from arbsniper_tui.sinks.relay_plan import RelayPlan

_log = logging.getLogger(__name__)

_LOOK_EVERY_MS = 100
_READ_BYTES = 1 << 18
_TAKEN_WITHIN_S = 5.0
_LAST_WORDS_S = 0.8


class RelayWorker:
    """Serves one connection at a time, the newest: the sink has no other."""

    def __init__(self, plan: RelayPlan) -> None:
        url = read_redis_url(plan.url)
        assert url is not None, "the settings take no other"
        self._url = url
        self._listener = socket.socket(fileno=plan.listener)
        self._link: socket.socket | None = None
        self._commands = Commands()
        self._relay: Relay | None = None
        self.must_stop = False

    def run(self) -> None:
        """Until told to stop, or the parent is gone; then for as long as the sink has last words, a second at most."""
        end_s = inf
        while time.monotonic() < end_s and (self._link is not None or end_s == inf):
            beat()
            if end_s == inf and (self.must_stop or parent_is_gone()):
                end_s = time.monotonic() + _LAST_WORDS_S
            poller = select.poll()
            for each in (self._listener, self._link):
                if each is not None:
                    poller.register(each, select.POLLIN)
            ready = {descriptor for descriptor, _ in poller.poll(_LOOK_EVERY_MS)}
            if self._listener.fileno() in ready:
                self._accept()
            elif self._link is not None and self._link.fileno() in ready:
                try:
                    self._serve(self._link)
                except (OSError, LinkLost) as error:
                    _log.info("the sink left: %s", error)
                    self._drop()

    def _accept(self) -> None:
        self._drop()
        self._link, _ = self._listener.accept()
        self._link.settimeout(_TAKEN_WITHIN_S)
        self._commands = Commands()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _serve(self, link: socket.socket) -> None:
        """Carry out what has come. Raises LinkLost or OSError where the sink has to begin anew."""
        chunk = link.recv(_READ_BYTES)
        if not chunk:
            raise LinkLost("it closed its connection")
        commands = self._commands.take(chunk)
        if not commands:
            return
        try:
            if self._relay is None:
                self._relay = Relay(self._url)
        except RedisUnreachable as error:
            link.sendall(f"-CLUSTERDOWN {' '.join(str(error).split())}\r\n".encode())
            raise LinkLost("the cluster does not answer") from None
        replies = self._relay.run(commands)
        link.sendall(b"".join(replies))
        if len(replies) < len(commands):
            # It asks the stream what it holds before it writes there again.
            raise LinkLost("nobody knows whether an event was stored")


def work(plan: RelayPlan) -> None:
    """Until the parent says stop, or is gone."""
    stay_off(plan.deciding_cpu)
    os.set_blocking(LIFELINE, False)
    worker = RelayWorker(plan)

    def stop(signum: int, frame: object) -> None:
        worker.must_stop = True

    signal.signal(signal.SIGTERM, stop)
    worker.run()
